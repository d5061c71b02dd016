"""Comparison of two studies: the same configurations, before and after something else has changed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from ablate.core.cells import Cell
from ablate.core.levels import Level
from ablate.stats.comparisons import welch
from ablate.stats.estimates import Estimate, student
from ablate.stats.outcomes import WITHOUT_RESULT, kept, limit_of, values_of
from ablate.stats.rounding import at_resolution, resolution
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
    """
    keys = list(dict.fromkeys([*before.factors, *after.factors]))
    (first, lost_before), (second, lost_after) = (_by_configuration(each, keys, metric) for each in (before, after))
    step = resolution(pd.concat([*first.values(), *second.values()]).to_frame()) if first and second else None
    rows = []
    for cell, left in first.items():
        right = second.get(cell)
        if right is None:
            continue
        found = _difference(left, right, step)
        means = left.mean(), right.mean()
        estimate = found.estimate if found.n else means[1] - means[0]
        pairs = len(found.by_seed)
        lost = lost_before.get(cell, 0), lost_after.get(cell, 0)
        rows.append(
            (cell.label, len(left), means[0], len(right), means[1], pairs, estimate, *found.interval(confidence), *lost)
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _by_configuration(results: StudyResults, keys: list[str], metric: str) -> tuple[dict[Cell, pd.Series], Counter[Cell]]:
    """The values by seed of the finished runs of each configuration, and the number of its lost runs."""
    distinct = results.where(~results.runs.duplicated(["cell", "seed", "directory"]))
    counted = distinct.where(distinct.runs["status"].isin(["finished", *WITHOUT_RESULT]) & kept(distinct.runs))
    finished, limit = counted.runs["status"] == "finished", limit_of(results, metric)
    values = values_of(counted, metric)
    values = values.where(finished) if limit is None else values.clip(upper=limit).fillna(limit).where(finished)
    found: dict[Cell, dict[object, float]] = {}
    lost: Counter[Cell] = Counter()
    facts = results.facts
    for levels, seed, value in zip(counted.levels.to_dict("records"), counted.runs["seed"], values, strict=True):
        cell = Cell({key: levels[key] if key in levels else facts.get(key, Level.of(None)) for key in keys})
        if np.isfinite(value):
            found.setdefault(cell, {})[seed] = value
        else:
            lost[cell] += 1
    return {cell: pd.Series(by_seed, dtype=float) for cell, by_seed in found.items()}, lost


def _difference(left: pd.Series, right: pd.Series, step: float | None) -> Estimate:
    """After minus before: paired by the common seeds, or Welch's of fewer than two. `step`: the rounding step of the metric."""
    common = [seed for seed in left.index if seed in right.index]
    if len(common) > 1:
        pairs = right[common] - left[common]
        return at_resolution(Estimate("simple", (), pairs, *student(pairs), identical=not pairs.any()), step)
    return welch(left, right, step)
