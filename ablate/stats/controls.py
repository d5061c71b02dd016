"""Controls: the baseline against itself (A/A), and changes against a level of equal capacity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.claims import Change
from ablate.core.errors import UsageError
from ablate.stats.estimates import Estimate, student
from ablate.stats.outcomes import Outcomes
from ablate.storage.results import StudyResults


def no_change(results: StudyResults, metric: str) -> Estimate | None:
    """The difference between two runs of the baseline with different random streams: what seed noise alone looks like.

    The first run of a seed minus its second one would be zero if runs were not random. The two runs share no stream, so
    the standard deviation is that of unpaired runs: sqrt(2) times that of one.

    Args:
        results: of a study with second runs of its baseline (study.control=aa).
        metric: the metric.

    Returns:
        The estimate, second minus first; None without second runs or without the metric.
    """
    if results.control is None:
        return None
    try:
        first, second = Outcomes.of(results, metric), Outcomes.of(results.control, metric)
        (column,) = second.columns()
    except UsageError:
        return None
    baseline = next(cell for cell, at in second.cells.items() if at == column)
    if baseline not in first.cells:
        return None
    repeats = second.outcomes[column].rename(index=dict(results.manifest.control_seeds))
    arms = pd.DataFrame({"first": first.outcomes[first.cells[baseline]], "second": repeats}).dropna()
    by_seed = arms["second"] - arms["first"]
    se, df = student(by_seed)
    same = bool(len(arms)) and not np.any(by_seed)
    return Estimate("no change", (), by_seed, se, df, identical=same, arms=arms)


def against_controls(controls: Mapping[str, Sequence[tuple[Any, Any]]]) -> list[Change]:
    """The change from each control of equal capacity to its level.

    Args:
        controls: `StudyManifest.controls`, pairs of a level and its control by factor.
    """
    return [Change.of(key, control, level) for key, pairs in controls.items() for level, control in pairs]
