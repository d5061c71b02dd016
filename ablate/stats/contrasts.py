"""Cells summed up, and contrasts between them. Frames in, frames out.

The frames are those of `ablate.load_runs`: a row a run, with `cell`, `seed`, `status` and the metrics as columns.
A contrast is a weighted sum of cells whose weights add up to zero. n is always the number of seeds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import OLS

from ablate.stats.estimates import Change, Estimate, student
from ablate.stats.outcomes import Blocks, Levels, kept, position_of, product, values_of, word, words

DOES_NOTHING = "the factor does nothing"
NO_INTERACTION = "cannot be estimated: one of the factors does nothing at some level of the other"
DESCRIPTION = ("cell", "label", "seed", "status", "error", "directory", "left_out")


def metrics_of(runs: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """The columns of `runs` that hold metrics, in the order in which the runs returned them."""
    return [column for column in runs.columns if column not in DESCRIPTION and column not in factors]


def summarise(runs: pd.DataFrame, factors: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """One row a cell: its levels, `runs` (all), `n` (finished) and for each metric its mean, `<metric>_sd` and `<metric>_n`.

    Only finished runs count. `_sd` is the sample standard deviation (n - 1), NaN for one run; `_n` the runs that have a
    value, fewer than `n` where a run never reached a target. A cell without a finished run keeps its row, with NaN.
    Cells stand in the order of the factors' levels in `runs.attrs["factors"]`, if that is there.
    """
    levels = runs.attrs.get("factors", {})
    runs = runs.drop_duplicates(["cell", "seed", "directory"])  # a run that stands under two levels counts once
    finished = runs[(runs["status"] == "finished") & kept(runs)]
    summary = runs.drop_duplicates("cell").set_index("cell")[["label", *factors]]
    summary["runs"] = runs.groupby("cell").size()
    summary["n"] = finished.groupby("cell").size().reindex(summary.index, fill_value=0)
    columns = {}
    for metric in metrics:
        finite = finished[metric].where(np.isfinite(finished[metric].astype(float))).groupby(finished["cell"])
        columns[metric] = finite.mean()
        columns[f"{metric}_sd"] = finite.std(ddof=1)
        columns[f"{metric}_n"] = finite.count()
    summary = summary.join(pd.DataFrame(columns))
    return summary.iloc[_order(summary, factors, levels)].reset_index()


def pairs_by_seed(runs: pd.DataFrame, metric: str, baseline: str) -> pd.DataFrame:
    """The differences that `paired_differences` averages, long: `cell`, `seed`, `difference`."""
    runs = runs.drop_duplicates(["cell", "seed", "directory"])
    finished = runs[(runs["status"] == "finished") & kept(runs)]
    found = pd.DataFrame({"cell": finished["cell"], "seed": finished["seed"], "difference": values_of(finished, metric)})
    against = found[found["cell"] == baseline].set_index("seed")["difference"]
    found["difference"] -= found["seed"].map(against)
    return found[found["cell"] != baseline].dropna(subset="difference").reset_index(drop=True)


def paired_differences(runs: pd.DataFrame, metric: str, baseline: str, confidence: float = 0.95) -> pd.DataFrame:
    """One row for each cell but `baseline`: the difference of `metric` to the baseline cell, seed by seed.

    `n` is the number of seeds that both cells finished, `estimate` the mean of the paired differences, `sd` their sample
    standard deviation, `low` and `high` the interval of the paired t: estimate ± t(n-1) sd / sqrt(n). With one pair there
    is an estimate and no interval; with none, NaN.
    """
    of_cells = dict(list(pairs_by_seed(runs, metric, baseline).groupby("cell")["difference"]))
    rows = []
    for cell in runs["cell"].drop_duplicates():
        if cell == baseline:
            continue
        pairs = of_cells.get(cell, pd.Series(dtype=float))
        n = len(pairs)
        estimate = pairs.mean() if n else np.nan
        sd = pairs.std(ddof=1) if n > 1 else np.nan
        half = stats.t.ppf((1 + confidence) / 2, n - 1) * sd / np.sqrt(n) if n > 1 else np.nan
        rows.append({"cell": cell, "n": n, "estimate": estimate, "sd": sd, "low": estimate - half, "high": estimate + half})
    return pd.DataFrame(rows, columns=["cell", "n", "estimate", "sd", "low", "high"])


def _order(summary: pd.DataFrame, factors: Sequence[str], levels: dict[str, list[object]]) -> list[int]:
    """Positions of the cells by their levels, the first-named level of each factor in front."""

    def rank(position: int) -> list[int]:
        row = summary.iloc[position]
        return [levels[factor].index(row[factor]) if row[factor] in levels.get(factor, []) else 0 for factor in factors]

    return sorted(range(len(summary)), key=rank)


def contrast(
    runs: Blocks, change: Change, where: Mapping[str, Any] | None = None, scale: str = "difference", kind: str = "simple"
) -> Estimate:
    """A change's paired difference, averaged over the alive strata within each seed; then Student's paired t.

    With D(s) the average of seed s: estimate = mean of D, se = sd(D) / sqrt(n), df = n - 1 (Student 1908). Unequal
    variances of cells, and cells that are paired more or less closely, do not matter to it. `scale` "ratio" takes
    differences of natural logarithms. Raises ValueError if `where` selects nothing, if a level does not exist, or if a
    ratio is asked of values that are not positive.
    """
    return _averaged(runs, (change,), where, scale, kind)


def interaction(
    runs: Blocks,
    first: Change,
    second: Change,
    where: Mapping[str, Any] | None = None,
    scale: str = "difference",
    pooled: bool = False,
) -> Estimate:
    """How much the first change's effect grows by the second: a difference of differences, averaged over alive strata.

    Strata where one of the changes does nothing at one level of the other are inert: there, an interaction is the same
    thing as a simple contrast. By paired t over seeds (df = n - 1), or `pooled` as in `main_effect`.
    """
    found = _averaged(runs, (first, second), where, scale, "interaction")
    return _pooled(runs, found) if pooled else found


def main_effect(runs: Blocks, change: Change, where: Mapping[str, Any] | None = None, scale: str = "difference") -> Estimate:
    """The same average as `contrast`, with the error variance of the seed-blocked model of all selected cells.

    In y(cell, seed) = cell + seed + error, fitted to the seeds that are complete in all cells, the contrast sum(w y)
    has the variance s2 sum(w^2) / n, s2 being the mean square of the residual, df = (n - 1)(cells - 1) (Montgomery,
    Design and Analysis of Experiments, 4.1). It presumes equal variances and equal correlations between cells, and a
    complete factorial; where the factorial is incomplete, the paired t is given instead and the note says so.
    """
    return _pooled(runs, _averaged(runs, (change,), where, scale, "main effect"))


def mean(runs: Blocks, where: Mapping[str, Any] | None = None, value: float = 0.0) -> Estimate:
    """The mean of the selected cells less `value`, averaged within each seed; then the one-sample t, df = n - 1."""
    cells = list(dict.fromkeys(runs.cells[levels] for levels in runs.select(where)))
    by_seed = runs.outcomes[cells].mean(axis="columns", skipna=False).dropna() - value
    se, df = student(by_seed)
    return Estimate("mean", (), by_seed, se, df, where or {})


def every_contrast(runs: Blocks, scale: str = "difference", pooled: bool = False) -> list[Estimate]:
    """Every level against its factor's baseline; in a complete factorial also the interactions of two factors.

    A complete factorial of several factors yields main effects and interactions; any other design (one change at a time,
    say) simple contrasts, and no interaction is claimed. Each has its own error over seeds, right also where cells are
    paired more or less closely; in a complete factorial it may be `pooled`, see `main_effect`. What cannot be estimated
    keeps its place, without numbers and with a note.
    """
    changes = {factor: [Change(factor, levels[0], level) for level in levels[1:]] for factor, levels in runs.factors.items()}
    complete = len(changes) > 1 and set(product(runs.factors)) <= set(runs.cells)
    asked: list[tuple[Change, ...]] = [(change,) for change in itertools.chain(*changes.values())]
    if complete:
        for one, other in itertools.combinations(changes, 2):
            asked += itertools.product(changes[one], changes[other])
    kinds = ("main effect" if complete else "simple", "interaction")
    found = []
    for group in asked:
        kind = kinds[len(group) - 1]
        try:
            estimate = _averaged(runs, group, None, scale, kind)
            found.append(_pooled(runs, estimate) if complete and pooled else estimate)
        except ValueError as error:
            nothing = pd.Series(dtype=float)
            found.append(Estimate(kind, group, nothing, np.nan, 0.0, {}, scale=scale, note=str(error).removesuffix(".")))
    return found


def seed_blocked_model(values: pd.DataFrame) -> Any:
    """The fit of y(cell, seed) = cell + seed + error, for values (complete seeds, cells), by least squares.

    The first coefficients are those of the cells, in the order of the columns; the residual has (n - 1)(cells - 1)
    degrees of freedom. A statsmodels result.
    """
    n, cells = values.shape
    of_cells = np.tile(np.eye(cells), (n, 1))
    of_seeds = np.repeat(np.eye(n), cells, axis=0)[:, 1:]
    return OLS(values.to_numpy().ravel(), np.hstack([of_cells, of_seeds]), hasconst=True).fit()  # the cells add up to it


def weights(
    runs: Blocks, changes: Sequence[Change], where: Mapping[str, Any] | None = None
) -> tuple[pd.Series, list[dict[str, Any]], list[dict[str, Any]], list[list[int]]]:
    """The weight of each cell in a contrast (one change) or an interaction (two), over the alive strata.

    Strata that stand on the very same runs, at levels of another factor that does nothing there, count once: the first.
    Returns the weights (cells), the alive strata, the inert ones, and the cells of each alive stratum: the corners, the
    last change varying fastest.
    """
    where = where or {}
    positions = [position_of(change.factor, runs.factors) for change in changes]
    for change in changes:
        if change.factor in where:
            raise ValueError(f"{change.factor} changes, so that `where` cannot fix it.")
        for level in (change.start, change.end):
            if word(level) not in [word(each) for each in runs.factors[change.factor]]:
                known = ", ".join(word(each) for each in runs.factors[change.factor])
                raise ValueError(f"{change.factor} has no level {word(level)}; it has {known}.")
    picked = set(runs.select(where))
    level_of = {factor: {word(level): level for level in levels} for factor, levels in runs.factors.items()}
    ends = [(word(change.start), word(change.end)) for change in changes]
    alive, inert, corners_of = [], [], []
    seen: set[tuple[int, ...]] = set()
    for levels in runs.cells:
        if levels not in picked or any(levels[at] != end[0] for at, end in zip(positions, ends, strict=True)):
            continue
        corners = [_replaced(levels, positions, corner) for corner in itertools.product(*ends)]
        if not picked.issuperset(corners):
            continue
        stratum = {factor: level_of[factor][levels[at]] for at, factor in enumerate(runs.factors) if at not in positions}
        columns = [runs.cells[corner] for corner in corners]
        if len(set(columns)) < len(columns):
            inert.append(stratum)
            continue
        if tuple(columns) in seen:  # the same runs at another level of a factor that does nothing there
            continue
        seen.add(tuple(columns))
        alive.append(stratum)
        corners_of.append(columns)
    if not alive and not inert:
        place = f" where {words(where)}" if where else ""
        raise ValueError(f"no runs differ in {' and '.join(map(str, changes))} alone{place}.")
    signs = [math.prod(bits) for bits in itertools.product((-1, 1), repeat=len(changes))]
    of_corners = np.tile(np.array(signs) / max(len(alive), 1), len(alive))
    places = _places(runs.outcomes, corners_of).ravel()  # a cell may be in several strata
    total = np.bincount(places, of_corners, minlength=runs.outcomes.shape[1])
    return pd.Series(total, index=runs.outcomes.columns), alive, inert, corners_of


def _averaged(runs: Blocks, changes: tuple[Change, ...], where: Mapping[str, Any] | None, scale: str, kind: str) -> Estimate:
    weight, alive, inert, corners = weights(runs, changes, where)
    used = sorted({column for columns in corners for column in columns})
    values = _scaled(runs.outcomes[used], scale)
    complete = values.dropna() if alive else values.iloc[:0]
    by_seed = complete @ weight[used]
    se, df = student(by_seed)
    at = _places(values, corners)
    known: NDArray[np.bool_] = np.all(values.notna().to_numpy()[:, at], axis=-1)  # (seeds, strata)
    missing = [stratum for stratum, seeds in zip(alive, known.T, strict=True) if not seeds.any()]
    identical = bool(len(complete)) and not np.ptp(complete.to_numpy()[:, at], axis=-1).any()
    note = ""
    if not alive:
        note = DOES_NOTHING if len(changes) == 1 else NO_INTERACTION
    return Estimate(kind, changes, by_seed, se, df, where or {}, alive, inert, missing, identical, scale, note)


def _pooled(runs: Blocks, found: Estimate) -> Estimate:
    """The same estimate over the seeds that are complete in all selected cells, with the pooled residual variance."""
    picked = runs.select(found.where)
    fixed = {factor: [word(e) for e in (v if isinstance(v, list | tuple) else [v])] for factor, v in found.where.items()}
    whole = {factor: fixed.get(factor, levels) for factor, levels in runs.factors.items()}
    if not set(product(whole)) <= set(picked):
        return replace(found, note="the factorial is incomplete: paired t, no pooled variance")
    if not found.strata:
        return found
    cells = sorted({runs.cells[levels] for levels in picked})
    values = _scaled(runs.outcomes[cells], found.scale).dropna()
    weight = weights(runs, found.changes, found.where)[0][cells]
    by_seed = values @ weight
    note = "" if len(values) == found.n else f"complete in all cells: {len(values)} of {len(runs.outcomes)} seeds"
    if len(values) < 2:
        return replace(found, by_seed=by_seed, se=np.nan, df=0.0, note=note)
    model = seed_blocked_model(values)
    row = np.concatenate([weight.to_numpy(), np.zeros(len(values) - 1)])
    se = float(np.sqrt(row @ model.cov_params() @ row))
    return replace(found, by_seed=by_seed, se=se, df=float(model.df_resid), note=note)


def _places(values: pd.DataFrame, corners: Sequence[Sequence[int]]) -> NDArray[np.intp]:
    """Where the corners of each stratum stand among the columns: (strata, corners)."""
    flat = values.columns.get_indexer(pd.Index(list(itertools.chain(*corners))))
    return flat.reshape(len(corners), -1) if corners else flat.reshape(0, 1)


def _scaled(values: pd.DataFrame, scale: str) -> pd.DataFrame:
    if scale == "difference":
        return values
    if scale != "ratio":
        raise ValueError(f"scale {scale} is not known: difference or ratio.")
    if (values <= 0).any(axis=None):
        raise ValueError("a ratio needs values above zero.")
    return values.transform(np.log)


def _replaced(levels: Levels, positions: Sequence[int], corner: Sequence[str]) -> Levels:
    changed = list(levels)
    for at, level in zip(positions, corner, strict=True):
        changed[at] = level
    return tuple(changed)
