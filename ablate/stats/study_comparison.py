"""Comparison of two studies: the same configurations, before and after something else has changed."""

from __future__ import annotations

import pandas as pd

from ablate.core.cells import Cell
from ablate.core.levels import Level
from ablate.stats.comparisons import welch
from ablate.stats.estimates import PAIRS, Estimate, difference, student
from ablate.stats.outcomes import Outcomes
from ablate.stats.rounding import Step, at_resolution, resolution
from ablate.storage.results import StudyResults

COLUMNS = [
    "configuration", "n_before", "mean_before", "n_after", "mean_after", "pairs", "estimate", "low", "high",
    "lost_before", "lost_after",
]  # fmt: skip


def compare_studies(before: StudyResults, after: StudyResults, metric: str, confidence: float = 0.95) -> pd.DataFrame:
    """The difference of a metric between two studies, for each configuration that both have.

    Configurations are the same if they agree in every factor of either study; a key that is no factor of one study has there
    the level of all its runs. The difference is paired by seed where two or more seeds are common (paired t), otherwise it is
    that of independent means (Welch).

    Args:
        before, after: the studies.
        metric: a metric of both.
        confidence: of the intervals.

    Returns:
        A row for each common configuration, in the order of `before`: `configuration`, the number of runs and their mean in
        each study, `pairs` (0 if unpaired), `estimate` (after minus before), `low` and `high` (NaN for fewer than two runs),
        and the numbers of runs that were lost in each study: they have no value, and are in no mean. A run that did not reach
        the target of a metric with a `limit` counts as the limit.

    Raises:
        UsageError: if a study has no run with the metric, or two runs of one seed at the same levels.
    """
    keys = list(dict.fromkeys([*before.factors, *after.factors]))
    (first, lost_before), (second, lost_after) = (_by_configuration(each, keys, metric) for each in (before, after))
    step = resolution(pd.concat([*first.values(), *second.values()]).to_frame()) if first and second else None
    rows = []
    for cell, left in first.items():
        right = second.get(cell)
        if right is None:
            continue
        found = _difference(left, right, step, by_seed=before.paired and after.paired)
        means = left.mean(), right.mean()
        estimate = found.estimate if found.n else means[1] - means[0]
        pairs = len(found.by_seed)
        lost = lost_before.get(cell, 0), lost_after.get(cell, 0)
        rows.append(
            (cell.label, len(left), means[0], len(right), means[1], pairs, estimate, *found.interval(confidence), *lost)
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _by_configuration(results: StudyResults, keys: list[str], metric: str) -> tuple[dict[Cell, pd.Series], dict[Cell, int]]:
    """The values by seed of the finished runs of each configuration, and the number of its lost runs."""
    outcomes, facts = Outcomes.of(results.counted, metric), results.facts
    found, lost = {}, {}
    for levels, column in outcomes.cells.items():
        cell = Cell({key: levels[key] if key in levels else facts.get(key, Level.of(None)) for key in keys})
        lost[cell] = int(outcomes.lost_runs[column])
        if len(outcomes.known[column]):
            found[cell] = outcomes.known[column]
    return found, lost


def _difference(before: pd.Series, after: pd.Series, step: Step | None, by_seed: bool) -> Estimate:
    """After minus before: paired by the common seeds, or Welch's with fewer than two pairs.

    Args:
        before: the values of one study by seed.
        after: those of the other.
        step: that of the metric.
        by_seed: whether equal seeds pair runs.
    """
    pairs = difference(before, after) if by_seed else pd.Series(dtype=float)
    if len(pairs) < PAIRS:
        return welch(before, after if by_seed else after.set_axis([("after", seed) for seed in after.index]), step)
    found = Estimate("simple", (), pairs, *student(pairs), identical=not pairs.any())
    return at_resolution(found, step, cells=[before[pairs.index], after[pairs.index]])
