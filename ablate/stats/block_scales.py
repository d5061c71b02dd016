"""Blocks whose values have different scales, such as the returns of several environments."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from ablate.core.levels import Level
from ablate.stats.outcomes import Outcomes

TIMES = 10.0  # as large and as scattered: one block then has 99 % of the variance of a mean over two


@dataclass(frozen=True)
class Scales:
    """The blocks with the smallest and the largest values: `times` as large."""

    smallest: Level
    largest: Level
    times: float


def different_scales(outcomes: Outcomes, block: str) -> Scales | None:
    """The two blocks that differ most in scale, if a mean over blocks is about one of them; None if all are comparable.

    Both the size of values (their root mean square) and the scatter of runs with equal levels have to differ: a metric far
    from zero has large values with small differences, and the scatter over few seeds is itself uncertain. Where
    there is one run of each configuration, the size alone counts.
    """
    scales = {}
    for level in outcomes.factor(block).levels:
        columns = sorted({column for cell, column in outcomes.cells.items() if cell[block] == level})
        values = outcomes.outcomes[columns]
        size = math.sqrt(np.nanmean(values.to_numpy(float) ** 2)) if values.notna().any(axis=None) else math.nan
        scales[level] = size, math.sqrt(values.var().mean())
    found: list[Scales] = []
    for (small, (size, scatter)), (large, (larger, wider)) in itertools.permutations(scales.items(), 2):
        if size > 0 and larger / size >= TIMES and not (math.isfinite(scatter + wider) and wider < TIMES * scatter):
            found.append(Scales(small, large, larger / size))
    return max(found, key=lambda each: each.times, default=None)
