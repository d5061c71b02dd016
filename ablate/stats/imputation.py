"""Values of lost runs: chance, or the lowest and the highest that there are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from ablate.core.metrics import Better, MetricSpec, terms_of
from ablate.stats.outcomes import Outcomes


def value_of_lost(spec: MetricSpec, values: pd.DataFrame) -> float:
    """The value of a run that was lost: the chance level, else the bad end of a percentage, else NaN.

    Args:
        spec: of the metric.
        values: those of the other runs; percentages are fractions, unless one is above 1.
    """
    if spec.chance is not None:
        return spec.chance
    if not spec.is_fraction or len(terms_of(spec.name)) > 1 or (values > 1).any(axis=None):
        return math.nan
    worst: dict[Better | None, float] = {"higher": 0.0, "lower": 1.0}
    return worst.get(spec.better, math.nan)


def imputed(outcomes: Outcomes, used: Sequence[int], by_arm: Iterable[Sequence[int]], value: float) -> Iterator[Outcomes]:
    """The outcomes with the lost runs of each arm at the lowest or the highest value of all arms and `value`: all patterns."""
    known = np.append(outcomes.outcomes[list(used)].to_numpy().ravel(), value)
    ends = float(np.nanmin(known)), float(np.nanmax(known))
    hit = [columns for columns in by_arm if outcomes.lost[list(columns)].to_numpy().any()]
    for pattern in itertools.product(ends, repeat=len(hit)):
        version = outcomes
        for end, columns in zip(pattern, hit, strict=True):
            version = version.with_lost_at(end, columns)
        yield version
