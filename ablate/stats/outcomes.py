"""Outcomes: one metric of a study as a matrix, a row a seed and a column a distinct cell. Every estimate starts here.

A run that did not finish, or that a person left out, has no value. Two rows of the runs that name the same directory are
one run: at those levels a factor has no effect on the configuration, and both rows are in the same column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.cells import Cell, Condition
from ablate.core.claims import FEWEST_SEEDS
from ablate.core.errors import UsageError
from ablate.core.levels import Factor
from ablate.core.metrics import terms_of
from ablate.stats.estimates import Scale
from ablate.stats.rounding import Step, resolution
from ablate.storage.results import StudyResults

WITHOUT_RESULT = ("diverged", "failed")  # statuses of lost runs
ANYWHERE = Condition({})  # no condition: all cells


@dataclass(frozen=True)
class RunCounts:
    """The runs behind outcomes that are means of several, see `ablate.stats.blocks.by_block`: frames like `Outcomes.outcomes`.

    Attributes:
        ended: those that have a value or were lost.
        lost: those of them that were lost.
        censored: those of them that never reached their target.
        diverged: those of them that diverged.
    """

    ended: pd.DataFrame
    lost: pd.DataFrame
    censored: pd.DataFrame
    diverged: pd.DataFrame

    def of_blocks(self, rows: list[Any]) -> RunCounts:
        """The counts of these blocks alone."""
        return RunCounts(self.ended.loc[rows], self.lost.loc[rows], self.censored.loc[rows], self.diverged.loc[rows])


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One metric of a study.

    Attributes:
        outcomes: the values (seeds, distinct cells), NaN where there is none. Seeds stand in the order in which they were
            asked for, else in that of their numbers.
        diverged: whether the run diverged (its value is then NaN).
        censored: whether the run never reached its target within the limit of the metric (its value is then the limit). One
            that reached it exactly at the limit did reach it.
        cells: the column of each cell.
        factors: those that vary, the baseline level first.
        lost: whether the run ended without a value: it diverged or failed, or finished with a value that is not finite.
            By default those that diverged.
        counts: of outcomes that are means of several runs, the numbers of these; `lost` and `censored` then say whether there
            are any. None if an outcome is one run.
        mean_of: of such outcomes, what was averaged: the values, or for `ratio` their logarithms.
        step: that of the metric; None if it is not rounded.
        together: where fewer seeds are complete in all strata of a contrast, and more in each, strata have their own seeds.
    """

    outcomes: pd.DataFrame
    diverged: pd.DataFrame
    censored: pd.DataFrame
    cells: Mapping[Cell, int]
    factors: Mapping[str, Factor]
    lost: pd.DataFrame = field(default_factory=pd.DataFrame)
    counts: RunCounts | None = None
    mean_of: Scale = "difference"
    step: Step | None = None
    together: int = FEWEST_SEEDS

    def __post_init__(self) -> None:
        if self.lost.empty:
            object.__setattr__(self, "lost", self.diverged)

    @cached_property
    def pairs(self) -> bool:
        """Whether some seed has values in two distinct cells."""
        return bool((self.outcomes.notna().to_numpy().sum(axis=1) > 1).any())

    @property
    def fewest(self) -> int:
        """The runs that a cell needs for an unpaired comparison: one where nothing pairs; elsewhere its pair may still come."""
        return 2 if self.pairs else 1

    @cached_property
    def known(self) -> dict[int, pd.Series]:
        """By column, the values that there are."""
        return {column: values.dropna() for column, values in self.outcomes.items()}  # type: ignore[misc]

    @cached_property
    def lost_runs(self) -> pd.Series:
        """By column, the number of runs that were lost."""
        return (self.counts.lost if self.counts else self.lost).sum()

    @cached_property
    def diverged_runs(self) -> pd.Series:
        """By column, the number of runs that diverged."""
        return (self.counts.diverged if self.counts else self.diverged).sum()

    @cached_property
    def ended_runs(self) -> pd.Series:
        """By column, the number of runs that have a value or were lost."""
        return (self.counts.ended if self.counts else self.lost | self.outcomes.notna()).sum()

    def unreached_share(self, columns: Sequence[int]) -> float:
        """The share of the runs in these columns that were lost or never reached their target, averaged over the outcomes."""
        if self.counts:
            shares = ((self.counts.lost + self.counts.censored) / self.counts.ended)[list(columns)]
        else:
            shares = (self.lost | self.censored).where(self.lost | self.outcomes.notna())[list(columns)]
        known = shares.to_numpy(float)
        known = known[~np.isnan(known)]
        return float(known.mean()) if len(known) else 0.0

    def complete(self, columns: Sequence[int]) -> pd.DataFrame:
        """The values in some columns of the seeds that have them all."""
        if len(columns) != 1 and (not self.pairs or not columns):
            return self.outcomes.iloc[:0][list(columns)]
        values = self.outcomes[list(columns)]
        return values if self._full[list(columns)].all() else values.dropna()

    @cached_property
    def _full(self) -> pd.Series:
        """By column, whether every seed has a value."""
        return self.outcomes.notna().all()

    def step_of(self, columns: Sequence[int], scale: Scale = "difference") -> Step | None:
        """The step on the scale of a contrast of these columns."""
        return self.step if scale == "difference" or not self.step else self.step.relative_to(self.outcomes[list(columns)])

    @classmethod
    def of(cls, results: StudyResults, metric: str) -> Outcomes:
        """The outcomes of a metric, or of the difference `one - other` of two.

        A metric with a `limit` is a time to a target: a finished run without a value never reached the target, and counts as
        min(T, limit); so does a run that was lost, once `with_lost_at(limit)`.

        Raises:
            UsageError: if no run has the metric, or two runs of one seed have the same levels.
        """
        limit = limit_of(results, metric)
        values = values_of(results, metric)
        rows = results.runs[["seed", "directory", "status"]].assign(kept=kept(results.runs), value=values)
        cells = _cells(results)
        numbers = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
        rows["levels"] = [numbers[cell] for cell in cells]
        rows = rows.drop_duplicates(["levels", "seed", "directory"])
        columns = _columns(rows)
        rows = rows[rows["kept"]]
        _refuse_duplicates(rows, list(numbers))
        rows = rows.assign(cell=rows["levels"].map(columns)).drop_duplicates(["cell", "seed"])
        finished = rows["status"] == "finished"
        rows["diverged"] = rows["status"] == "diverged"
        rows["censored"] = False
        value = rows["value"].where(finished)
        if limit is not None:
            rows["censored"] = finished & ~(rows["value"] <= limit)
            value = value.where(~rows["censored"], limit)
        rows["value"] = value
        rows["lost"] = rows["status"].isin(WITHOUT_RESULT) | (finished & value.isna())
        seeds, distinct = _seeds(results), sorted(set(columns.values()))
        places = pd.Index(seeds).get_indexer(pd.Index(rows["seed"])), pd.Index(distinct).get_indexer(pd.Index(rows["cell"]))

        def wide(column: str, empty: float | bool) -> pd.DataFrame:
            frame = np.full((len(seeds), len(distinct)), empty, order="F")  # contrasts take columns
            frame[places] = rows[column].to_numpy(frame.dtype)
            return pd.DataFrame(frame, pd.Index(seeds, name="seed"), pd.Index(distinct, name="cell"))

        outcomes = wide("value", math.nan)
        return cls(
            outcomes=outcomes,
            diverged=wide("diverged", empty=False),
            censored=wide("censored", empty=False),
            cells={cell: columns[number] for cell, number in numbers.items()},
            factors=results.factors,
            lost=wide("lost", empty=False),
            step=resolution(outcomes),
        )

    def of_seeds(self, seeds: Iterable[Any]) -> Outcomes:
        """The outcomes of these seeds alone."""
        rows = list(seeds)
        if rows == self.outcomes.index.tolist():
            return self
        return replace(
            self,
            outcomes=self.outcomes.loc[rows],
            diverged=self.diverged.loc[rows],
            censored=self.censored.loc[rows],
            lost=self.lost.loc[rows],
            counts=self.counts and self.counts.of_blocks(rows),
        )

    def with_diverged_at(self, value: float) -> Outcomes:
        """Count runs that diverged as outcomes of this value, such as the accuracy of chance."""
        return replace(self, outcomes=self.outcomes.mask(self.diverged, value))

    def with_lost_at(self, value: float, columns: Sequence[int] | None = None) -> Outcomes:
        """Count the runs that were lost, in all columns or in these, as outcomes of this value.

        Where an outcome is a mean of several runs, those of them that were lost have this value.
        """
        if not self.lost_runs.any():
            return self
        lost = self.lost if columns is None else self.lost & np.isin(self.lost.columns, list(columns))
        if self.counts is None:
            return replace(self, outcomes=self.outcomes.mask(lost, value))
        share = self.counts.lost / self.counts.ended
        if self.mean_of == "ratio":
            mixed = value**share * self.outcomes.fillna(value) ** (1 - share)
        else:
            mixed = share * value + (1 - share) * self.outcomes.fillna(value)
        return replace(self, outcomes=self.outcomes.mask(lost, mixed))

    def select(self, where: Condition | None = None) -> dict[Cell, int]:
        """The cells that meet a condition, each with its column.

        Raises:
            UsageError: if a factor does not vary, a level is unknown, or no run was made there.
        """
        where = where or ANYWHERE
        where.check(self.factors, f"where {where}")
        picked = {cell: column for cell, column in self.cells.items() if where.holds(cell)} if where else dict(self.cells)
        if picked:
            return picked
        raise UsageError(f"where {where}: no run has these levels." if where else "the study has no runs.")

    def columns(self, where: Condition | None = None) -> list[int]:
        """The columns of the cells that meet a condition, each once, in their order."""
        return sorted(set(self.select(where).values()))

    def factor(self, key: str) -> Factor:
        """The factor of this key.

        Raises:
            UsageError: if no such factor varies.
        """
        if key not in self.factors:
            raise UsageError(f"{key} does not vary in this study; available: {', '.join(self.factors) or 'none'}.")
        return self.factors[key]

    @property
    def complete_factorial(self) -> bool:
        """Whether every combination of the factors' levels was run."""
        return len(self.cells) == math.prod(len(factor) for factor in self.factors.values())


def kept(runs: pd.DataFrame) -> pd.Series:
    """Which rows no person has left out."""
    return runs["left_out"].isna()


def values_of(results: StudyResults, metric: str) -> pd.Series:
    """The values of a metric: a column, or `one - other`, the difference of two. Infinite values become NaN.

    Raises:
        UsageError: if no run has the metric.
    """
    terms = (metric,) if metric in results.values else terms_of(metric)
    for term in terms:
        if term not in results.values:
            raise UsageError(f"unknown metric '{term}'; available: {', '.join(map(str, results.values)) or 'none'}.")
    first, *others = (results.values[term].astype(float) for term in terms)
    values = first - others[0] if others else first
    return values.where(np.isfinite(values))


def limit_of(results: StudyResults, metric: str) -> float | None:
    """The limit at which a time to a target is censored; None for another metric.

    Raises:
        UsageError: for the difference of such a time and another metric, which is not defined where the target was not reached.
    """
    terms = terms_of(metric)
    if metric in results.values or metric in results.metrics or len(terms) == 1:
        return results.metrics[metric].limit
    if timed := [term for term in terms if results.metrics[term].limit is not None]:
        raise UsageError(
            f"{metric}: {timed[0]} is a time to a target, and a difference is not defined for runs that did not reach it."
        )
    return None


def _cells(results: StudyResults) -> list[Cell]:
    """The cell of each row. Rows of equal levels have the same object."""
    levels = [results.levels[key] for key in results.factors]
    rows = list(zip(*levels, strict=True)) if levels else [()] * len(results)
    known = {row: Cell(dict(zip(results.factors, row, strict=True))) for row in dict.fromkeys(rows)}
    return [known[row] for row in rows]


def _seeds(results: StudyResults) -> list[Any]:
    asked = {seed: at for at, seed in enumerate(results.seeds)}
    return sorted(results.runs["seed"].unique(), key=lambda seed: (asked.get(seed, len(asked)), _by_number(seed)))


def _by_number(seed: Any) -> Any:
    """The sorting key of seeds: numbers as they are, texts by the numbers in them, `s2` before `s10`."""
    parts = re.split(r"(\d+)", seed) if isinstance(seed, str) else None
    return seed if parts is None else [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _columns(rows: pd.DataFrame) -> dict[int, int]:
    """The column of each cell: those that share a directory share one, the first of them."""
    first = rows.groupby("directory")["levels"].transform("min")
    least = first.groupby(rows["levels"]).min()
    return dict(zip(least.index.tolist(), least.tolist(), strict=True))


def _refuse_duplicates(rows: pd.DataFrame, cells: Sequence[Cell]) -> None:
    twice = rows[rows.duplicated(["levels", "seed"], keep=False)]
    if twice.empty:
        return
    seed, at = twice["seed"].iloc[0], twice["levels"].iloc[0]
    runs = twice["directory"][(twice["seed"] == seed) & (twice["levels"] == at)]
    where = f" ({cells[at]})" if len(cells[at]) else ""
    raise UsageError(f"two runs of seed {seed} have the same levels{where}: {', '.join(runs)}; leave one out.")
