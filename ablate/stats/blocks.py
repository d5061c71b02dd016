"""Blocks: data sets, tasks or environments in which the same configurations are compared, and which are no treatments.

The unit of a statement about blocks is the block, not the seed: ten data sets with three seeds each have n = 10. A block in
which a run is missing is named, and left out of the aggregates; a lost run is not missing, and its pair is dropped. Two
intervals answer two questions. *These blocks*: how well the mean difference over exactly these is known, from the scatter of
seeds within each; runs of one seed on different blocks are taken for independent. *Blocks like these*: where the mean
difference over the population is from which these were drawn, by Student's t over blocks (Demsar 2006 on comparisons over
data sets). The second is the wider one if effects differ between blocks.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ablate.core.cells import Cell, Condition
from ablate.core.claims import Change
from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.stats.contrasts import contrast, scaled
from ablate.stats.estimates import Estimate, Scale, quantile, satterthwaite, student
from ablate.stats.outcomes import ANYWHERE, Outcomes, RunCounts
from ablate.stats.rounding import Step, at_resolution

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Aggregate:
    """One number over blocks with its interval.

    Attributes:
        estimate, low, high: on the scale of the analysis; a ratio as a ratio.
        n: the blocks.
        df: of Student's t; NaN for a bootstrap interval.
    """

    estimate: float
    low: float
    high: float
    n: int
    df: float = math.nan

    def at_least(self, half: float) -> Aggregate:
        """The same with an interval that extends by `half` or more to either side."""
        return replace(self, low=min(self.low, self.estimate - half), high=max(self.high, self.estimate + half))

    def exponential(self) -> Aggregate:
        """The same of values whose logarithms these are."""
        return replace(self, estimate=math.exp(self.estimate), low=math.exp(self.low), high=math.exp(self.high))


@dataclass(frozen=True)
class BlockAnalysis:
    """A change compared in every block.

    Attributes:
        block: the factor whose levels are the blocks.
        change: what was compared.
        rows: the estimate in each block, over its own seeds; without numbers where none pair.
        holes: the blocks that the aggregates leave out, since runs are missing there.
        these: the mean over exactly these blocks.
        like_these: the mean over blocks like these.
        wins: in how many of the complete blocks the estimate is above zero.
        iqm: the interquartile means before and after the change, over all runs of the complete blocks; for `ratio` those of
            logarithms, as values of the metric.
        improvement: the probability that a run after the change is above one before it, averaged over blocks.
        scale: `difference`, or `ratio`.
        normalized: whether values are fractions of the declared range of their block.
    """

    block: str
    change: Change
    rows: Mapping[Level, Estimate]
    holes: Sequence[Level]
    these: Aggregate
    like_these: Aggregate
    wins: int
    iqm: tuple[Aggregate, Aggregate]
    improvement: Aggregate
    scale: Scale = "difference"
    normalized: bool = False

    def frame(self) -> pd.DataFrame:
        """One row a block: `block`, `n`, `estimate`, `low`, `high`."""
        rows = [{"block": str(level), "n": each.n, **each.numbers()} for level, each in self.rows.items()]
        return pd.DataFrame(rows)[["block", "n", "estimate", "low", "high"]]


def analyze(
    outcomes: Outcomes,
    block: str,
    change: Change,
    where: Condition | None = None,
    scale: Scale = "difference",
    bounds: Mapping[str, tuple[float, float]] | None = None,
    confidence: float = 0.95,
    draws: int = 2000,
) -> BlockAnalysis:
    """Compare a change in every block.

    Args:
        outcomes: of the metric.
        block: the factor whose levels are the blocks.
        change: of another factor.
        where: of the other factors.
        scale: `difference`, or `ratio` for metrics whose scales differ from block to block.
        bounds: by the text of each block, the values that count as 0 and as 1, such as a random and a human score.
        confidence: of the intervals.
        draws: of the bootstrap.

    Raises:
        UsageError: if the factor does not vary, or no block has both levels.
    """
    levels = outcomes.factor(block).levels
    if bounds is not None:
        outcomes = normalized(outcomes, block, bounds)
    rows, arms, steps = {}, {}, []
    for level in levels:
        of_block = outcomes
        if bounds is not None and outcomes.step is not None:
            low, high = bounds[level.text]
            of_block = replace(outcomes, step=outcomes.step.over(abs(high - low)))
        steps.append(of_block.step_of([at for cell, at in outcomes.cells.items() if cell[block] == level], scale))
        try:
            found = contrast(of_block, change, Condition({**(where or ANYWHERE).allowed, block: (level,)}), scale)
        except UsageError:
            found = Estimate("simple", (change,), pd.Series(dtype=float), math.nan, 0.0, scale=scale, note="no runs to compare")
        rows[level] = found
        columns = [column for cell, column in outcomes.cells.items() if cell[block] == level and _compared(cell, change, where)]
        if found.n and found.arms is not None and not _has_hole(outcomes, columns):
            arms[level] = found.arms
    complete = [rows[level] for level in arms]
    if not complete:
        raise UsageError(f"no {block} has all its runs, so there is nothing to aggregate.")
    holes = [level for level in levels if level not in arms]
    first, second = ([arms[level][end].dropna().to_numpy() for level in arms] for end in ("first", "second"))
    generator = np.random.default_rng(0)  # the same report each time
    step = max(filter(None, steps), key=lambda each: each.size, default=None)
    error = step.error if step else 0.0
    before, after = (bootstrap(arm, None, draws, confidence, generator).at_least(error) for arm in (first, second))
    if scale == "ratio":  # of logarithms until here
        before, after = before.exponential(), after.exponential()
    return BlockAnalysis(
        block,
        change,
        rows,
        holes,
        _these(complete, confidence),
        _like_these(complete, confidence, step),
        sum(each.estimate > 0 for each in complete),
        (before, after),
        bootstrap(first, second, draws, confidence, generator),
        scale,
        bounds is not None,
    )


def by_block(
    outcomes: Outcomes,
    block: str,
    only: Sequence[Level] | None = None,
    scale: Scale = "difference",
    incomplete: bool = True,
    needed: Collection[int] | None = None,
) -> Outcomes:
    """The same outcomes with a row a block instead of a row a seed: every estimate then has n = the number of blocks.

    The value of a block is the mean over the seeds that are complete in it (over all, if its cells have other seeds). A cell
    without runs there has none, and neither has a block in which a run is missing, or a run of every pair was lost. A cell
    counts as lost in a block if any of its runs was lost there; `counts` holds how many of them.

    Args:
        outcomes: a row a seed.
        block: the factor whose levels are the blocks; it is no factor of the result.
        only: the blocks to keep; None: all.
        scale: for `ratio` logarithms are averaged, so that the value is the geometric mean.
        incomplete: whether blocks with missing runs have values if there is no other one; a verdict does not rest on them.
        needed: the columns of the result whose runs have to be complete, whatever others lack or lost; None: all.

    Raises:
        UsageError: if a ratio is asked of values that are not positive.
    """
    levels = [level for level in outcomes.factor(block).levels if only is None or level in only]
    cells, sources = _columns_over_blocks(outcomes, block, levels)
    if needed is not None:
        sources = [{number: column for number, column in columns.items() if number in needed} for columns in sources]
    holes = [_has_hole(outcomes, list(columns.values())) for columns in sources]
    if incomplete and all(holes):
        holes = [False for _ in levels]
    frames: dict[str, dict[str, pd.Series]] = {name: {} for name in ("outcomes", "diverged", "ended", "lost", "censored")}
    for level, columns, hole in zip(levels, sources, holes, strict=True):
        used, text = list(columns.values()), level.text
        part = outcomes.of_seeds([]) if hole else outcomes
        values, lost = scaled(part.outcomes[used], scale), part.lost[used]
        run = values.loc[:, values.notna().any()]
        complete = values.loc[run.notna().all(axis=1)]
        apart = complete.empty and not lost.any(axis=None)  # no seed was meant to pair, or all pairs were lost
        mean = (values if apart else complete).mean()
        frames["outcomes"][text] = np.exp(mean) if scale == "ratio" else mean
        frames["diverged"][text] = part.diverged[used].sum()
        frames["ended"][text] = (lost | values.notna()).sum()
        frames["lost"][text] = lost.sum()
        frames["censored"][text] = part.censored[used].sum()
        for rows in frames.values():
            rows[text] = rows[text].set_axis(list(columns))
    numbers = sorted(set(cells.values()))
    wide = {name: pd.DataFrame.from_dict(rows, orient="index").reindex(columns=numbers) for name, rows in frames.items()}
    ended, lost, censored, diverged = (wide[name].fillna(0) for name in ("ended", "lost", "censored", "diverged"))
    return replace(
        outcomes,
        outcomes=wide["outcomes"],
        counts=RunCounts(ended, lost, censored, diverged),
        step=outcomes.step and outcomes.step.of_means(int(ended.to_numpy().max(initial=0))),
        mean_of=scale,
        diverged=diverged > 0,
        censored=censored > 0,
        lost=lost > 0,
        cells=cells,
        factors={key: factor for key, factor in outcomes.factors.items() if key != block},
    )


def _columns_over_blocks(
    outcomes: Outcomes, block: str, levels: Sequence[Level]
) -> tuple[dict[Cell, int], list[dict[int, int]]]:
    """The new column of each cell without its block, and for each block the column of its runs by new column.

    Cells that have the same runs in every block have one new column, as in `Outcomes`: a factor has no effect between them.
    """
    places = {level: at for at, level in enumerate(levels)}
    sources: dict[Cell, dict[int, int]] = {}
    for cell, column in outcomes.cells.items():
        if cell[block] in places:
            sources.setdefault(cell.without([block]), {})[places[cell[block]]] = column
    numbers: dict[tuple[tuple[int, int], ...], int] = {}
    cells = {cell: numbers.setdefault(tuple(sorted(by_level.items())), len(numbers)) for cell, by_level in sources.items()}
    by_block: list[dict[int, int]] = [{} for _ in levels]
    for by_level, number in numbers.items():
        for at, column in by_level:
            by_block[at][number] = column
    return cells, by_block


def normalized(outcomes: Outcomes, block: str, bounds: Mapping[str, tuple[float, float]]) -> Outcomes:
    """Outcomes as (value - minimum) / (maximum - minimum) of their block.

    Raises:
        UsageError: for a block without bounds, or whose bounds are equal.
    """
    values = outcomes.outcomes.copy()
    for cell, column in outcomes.cells.items():
        low, high = bounds.get(cell[block].text, (math.nan, math.nan))
        if not high - low:
            raise UsageError(f"{block}={cell[block]}: the minimum and the maximum are both {low:g}.")
        if math.isnan(high - low):
            raise UsageError(f"{block}={cell[block]} has no bounds; available: {', '.join(bounds)}.")
        values[column] = (outcomes.outcomes[column] - low) / (high - low)
    return replace(outcomes, outcomes=values)


def iqm(scores: ArrayLike) -> float:
    """The interquartile mean: that of the middle half of all scores (Agarwal et al. 2021)."""
    return float(stats.trim_mean(np.asarray(scores, float).ravel(), 0.25))


def probability_of_improvement(first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> float:
    """P(second > first), a tie counting one half, averaged over blocks (Agarwal et al. 2021). One array of runs a block."""
    runs = ((np.asarray(one, float), np.asarray(other, float)) for one, other in zip(first, second, strict=True))
    return float(np.mean([_above(one, other) for one, other in runs]))


def _these(rows: Sequence[Estimate], confidence: float) -> Aggregate:
    """The mean over blocks, with the errors within each: Satterthwaite's degrees of freedom."""
    mean, parts = _mean(rows), [(each.se / len(rows)) ** 2 for each in rows]
    total = sum(parts)
    if not total > 0:
        return _aggregate(mean, math.nan if math.isnan(total) else 0.0, 1.0, rows, confidence)
    df = satterthwaite(parts, [each.df for each in rows])
    return _aggregate(mean, math.sqrt(total), df, rows, confidence)


def _like_these(rows: Sequence[Estimate], confidence: float, step: Step | None) -> Aggregate:
    by_block = pd.Series([each.estimate for each in rows])
    same = all(each.identical for each in rows)
    step = step and step.of_means(max(each.n for each in rows))
    found = at_resolution(Estimate("mean", (), by_block, *student(by_block), identical=same), step)
    return _aggregate(_mean(rows), found.se, found.df, rows, confidence)


def _mean(rows: Sequence[Estimate]) -> float:
    return float(np.mean([each.estimate for each in rows]))


def _aggregate(mean: float, se: float, df: float, rows: Sequence[Estimate], confidence: float) -> Aggregate:
    half = quantile(confidence, df) * se if df > 0 else math.nan
    found = Aggregate(mean, mean - half, mean + half, len(rows), df)
    return found.exponential() if rows[0].scale == "ratio" else found


def bootstrap(
    first: Sequence[Scores], second: Sequence[Scores] | None, draws: int, confidence: float, generator: np.random.Generator
) -> Aggregate:
    """The IQM of one arm, or the probability of improvement of two, with the interval of the stratified bootstrap.

    Runs are drawn with replacement within each block (Agarwal et al. 2021); the interval holds the percentiles. There is none
    if a block has a single run, which does not tell the scatter.
    """

    def drawn(arm: Sequence[Scores]) -> list[Scores]:
        """For each block, the runs of every draw: (draws, runs)."""
        return [runs[generator.integers(len(runs), size=(draws, len(runs)))] for runs in arm]

    if second is None:
        estimate = iqm(np.concatenate(first))
        values = stats.trim_mean(np.concatenate(drawn(first), axis=1), 0.25, axis=1)
    else:
        estimate = probability_of_improvement(first, second)
        values = np.mean([_above(one, other) for one, other in zip(drawn(first), drawn(second), strict=True)], axis=0)
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    if min(map(len, (*first, *(second or ())))) < 2:
        low = high = math.nan
    return Aggregate(estimate, float(low), float(high), len(first))


def _above(one: Scores, other: Scores) -> Scores:
    """P(other > one) over the runs, the last axis of both."""
    difference = other[..., :, None] - one[..., None, :]
    found: Scores = ((difference > 0) + 0.5 * (difference == 0)).mean(axis=(-2, -1))
    return found


def _compared(cell: Cell, change: Change, where: Condition | None) -> bool:
    """Whether a change between two levels is about this cell."""
    return cell[change.factor] in (change.start, change.end) and (where is None or where.holds(cell))


def _has_hole(outcomes: Outcomes, columns: Sequence[int]) -> bool:
    """Whether a run is missing in these columns of a block: two cells share some of their seeds, and one lacks others.

    A run that was lost is not missing, and a cell without any run is not compared.
    """
    ended = outcomes.outcomes[list(columns)].notna() | outcomes.lost[list(columns)]
    return bool((ended.drop_duplicates().sum() > 1).any())
