"""Means at the levels of two factors, for interaction plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ablate.core.cells import Cell
from ablate.core.levels import Level
from ablate.stats.estimates import Estimate, student
from ablate.stats.outcomes import Outcomes
from ablate.stats.rounding import at_resolution

SMALLEST = 0.01  # ω² of an interaction that is worth a plot
COLUMNS = ["x", "line", "n", "mean", "low", "high"]


@dataclass(frozen=True)
class InteractionMeans:
    """Means at the levels of two factors.

    Attributes:
        x: the factor on the horizontal axis, the one with more levels.
        line: the factor with a line for each level.
        means: `x` and `line` (levels as text), `n` (seeds that are complete in all cells of the combination), `mean`, `low`
            and `high`; combinations without complete seeds are left out.
        balanced: whether all combinations are averages over the same levels of the other factors.
    """

    x: str
    line: str
    means: pd.DataFrame
    balanced: bool


def interaction_means(outcomes: Outcomes, first: str, second: str, confidence: float = 0.95) -> InteractionMeans:
    """The mean outcome at each combination of two factors, averaged within seeds over the levels of the others.

    Only levels of the others count at which every combination was run: otherwise means would differ because they are averages
    over other configurations. Where there are none, the means are those of all runs of a combination.

    Args:
        outcomes: of the metric.
        first, second: the factors.
        confidence: of the intervals: mean ± t(n - 1) sd / sqrt(n) over seeds. NaN for fewer than two seeds.
    """
    x, line = sorted((first, second), key=lambda key: -len(outcomes.factors[key]))
    rows = []
    at, balanced = _columns(outcomes, x, line)
    for across in outcomes.factors[x]:
        for level in outcomes.factors[line]:
            columns = at.get((across, level), [])
            if not columns:
                continue
            runs = outcomes.complete(columns)
            if not len(runs):
                continue
            values = runs.mean(axis="columns")
            mean = Estimate("mean", (), values, *student(values))
            cells = list(runs.to_numpy().T)
            found = at_resolution(mean, outcomes.step, strata=cells, cells=cells)
            rows.append((str(across), str(level), found.n, found.estimate, *found.interval(confidence)))
    return InteractionMeans(x, line, pd.DataFrame(rows, columns=COLUMNS), balanced)


def _columns(outcomes: Outcomes, x: str, line: str) -> tuple[dict[tuple[Level, Level], list[int]], bool]:
    """By combination its columns, and whether these are of the same levels of the other factors for all combinations."""
    strata: dict[Cell, dict[tuple[Level, Level], int]] = {}
    for cell, column in outcomes.cells.items():
        strata.setdefault(cell.without([x, line]), {})[cell[x], cell[line]] = column
    combinations = {combination for columns in strata.values() for combination in columns}
    whole = [columns for columns in strata.values() if len(columns) == len(combinations)]
    found = {
        combination: sorted({columns[combination] for columns in whole or strata.values() if combination in columns})
        for combination in combinations
    }
    return found, bool(whole)


def strongest_interactions(outcomes: Outcomes, anova: pd.DataFrame, most: int = 2) -> Sequence[InteractionMeans]:
    """The means of the pairs of factors with the largest ω², if it is `SMALLEST` or more; see `ablate.stats.anova.anova`.

    Pairs whose means are averages over different configurations are left out.
    """
    if "omega_squared" not in anova:
        return []
    pairs = anova[(anova["order"] == 2) & (anova["omega_squared"] >= SMALLEST)].nlargest(most, "omega_squared")
    found = []
    for term in pairs["term"]:
        first, second = str(term).split(" × ")
        found.append(interaction_means(outcomes, first, second))
    return [each for each in found if each.balanced]
