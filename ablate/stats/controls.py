"""Controls: a run against itself, the baseline against itself (A/A), and changes against a level of equal capacity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.claims import Change
from ablate.core.errors import UsageError
from ablate.stats.estimates import Estimate, difference, student
from ablate.stats.outcomes import Outcomes
from ablate.stats.rounding import at_resolution
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
    by_seed = difference(arms["first"], arms["second"])
    same = bool(len(arms)) and not np.any(by_seed)
    return at_resolution(Estimate("no change", (), by_seed, *student(by_seed), identical=same, arms=arms), first.step)


def against_controls(controls: Mapping[str, Sequence[tuple[Any, Any]]]) -> list[Change]:
    """The change from each control of equal capacity to its level.

    Args:
        controls: `StudyManifest.controls`, pairs of a level and its control by factor.
    """
    return [Change.of(key, control, level) for key, pairs in controls.items() for level, control in pairs]


@dataclass(frozen=True)
class Repetition:
    """A run and its second run with the same seed (study.check_repeatable).

    Attributes:
        label: the levels of the configuration.
        seed: the seed of both.
        values: by metric, the values of the first and of the second run; NaN for a missing value. Costs, such as times, are
            left out: they always differ.
        lost: the status of a run of the two that did not finish.
    """

    label: str
    seed: int
    values: Mapping[str, tuple[float, float]]
    lost: str | None = None

    @property
    def differing(self) -> dict[str, tuple[float, float]]:
        """The metrics whose values are not equal. NaN equals NaN."""
        return {name: (a, b) for name, (a, b) in self.values.items() if a != b and not (math.isnan(a) and math.isnan(b))}


def repetitions(results: StudyResults) -> list[Repetition]:
    """Each second run with the same seed, as far as it has ended, and the first run that it repeats."""
    if results.repeated is None:
        return []
    found = []
    outcomes = [name for name in map(str, results.values) if results.metrics[name].role == "outcome"]
    repeated = results.repeated
    for at in range(len(repeated)):
        second = repeated.runs.iloc[at]
        seed = results.manifest.repeat_seeds[int(second["seed"])]
        first = (results.runs["cell"] == second["cell"]) & (results.runs["seed"] == seed)
        status = [*results.runs["status"][first], second["status"]]
        if len(status) < 2 or "running" in status:
            continue
        pairs = {name: (float(results.values[name][first].iloc[0]), float(repeated.values[name].iloc[at])) for name in outcomes}
        lost = next((each for each in status if each != "finished"), None)
        found.append(Repetition(str(second["label"]), seed, pairs, lost))
    return found
