"""Runs as blocks: a row a seed, a column a distinct cell. Every estimate starts here.

A run is left out of the values, and so is a hole, unless it finished and no person set it aside. Two rows of the runs
that name the same directory are one run: at those levels a factor does nothing, and both stand in the same column.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.designs import say

Levels = tuple[str, ...]  # the words of one level for each factor, in the order of the factors


def word(level: Any) -> str:
    """A level as text, the same for values that are one level: `True` of numpy and of YAML, 1 and 1.0, None and NaN."""
    if level is None or (isinstance(level, float | np.floating) and math.isnan(level)):
        return say(None)
    if isinstance(level, bool | np.bool_):
        return say(bool(level))
    if isinstance(level, int | float | np.number):
        return say(int(level) if float(level).is_integer() else float(level))
    return str(level)


def words(levels: Mapping[str, Any]) -> str:
    """Levels in words, for messages and tables: `stem=direct, norm=after`; empty if there are none."""
    return ", ".join(f"{factor}={choice(level)}" for factor, level in levels.items())


def choice(level: Any) -> str:
    """One level, or several of which any will do: `direct or pyramid`."""
    return " or ".join(word(each) for each in level) if isinstance(level, list | tuple) else word(level)


def factors_of(runs: pd.DataFrame) -> dict[str, list[Any]]:
    """The factors of the runs and their levels, the baseline first. Raises ValueError if the frame does not say."""
    if "factors" not in runs.attrs:
        raise ValueError("the runs do not say which columns are factors: set runs.attrs['factors'] to {factor: [levels]}.")
    return {factor: list(levels) for factor, levels in runs.attrs["factors"].items()}


def kept(runs: pd.DataFrame) -> pd.Series:
    """Which rows no person has set aside (column `left_out`, where there is one)."""
    return runs["left_out"].isna() if "left_out" in runs else pd.Series(True, index=runs.index)


@dataclass(frozen=True)
class Blocks:
    """One metric of a study.

    `outcomes`, `diverged` and `censored` are frames (seeds, distinct cells): in the order in which the seeds were asked for
    (`runs.attrs["seeds"]`), else in that of their numbers; the metric, NaN where there is none; whether
    the run diverged (its value is then NaN); whether it never reached its target within the budget (its value is then
    the budget). `cells` maps the levels to their column.
    """

    outcomes: pd.DataFrame
    diverged: pd.DataFrame
    censored: pd.DataFrame
    cells: Mapping[Levels, int]
    factors: Mapping[str, Sequence[Any]]

    def of_seeds(self, seeds: Iterable[Any]) -> Blocks:
        """The blocks of these seeds alone."""
        rows = list(seeds)
        return replace(
            self, outcomes=self.outcomes.loc[rows], diverged=self.diverged.loc[rows], censored=self.censored.loc[rows]
        )

    def with_diverged_at(self, value: float) -> Blocks:
        """Runs that diverged count as outcomes of this value, such as the accuracy of chance."""
        return replace(self, outcomes=self.outcomes.mask(self.diverged, value))

    def select(self, where: Mapping[str, Any] | None) -> list[Levels]:
        """The levels of the cells that `where` picks: a level, or a list of levels, for some of the factors.

        Raises ValueError if a factor does not vary, a level is unknown, or no run was made there.
        """
        picked = list(self.cells)
        for factor, level in (where or {}).items():
            position = position_of(factor, self.factors)
            wanted = {word(each) for each in (level if isinstance(level, list | tuple) else [level])}
            picked = [levels for levels in picked if levels[position] in wanted]
        if not picked:
            raise ValueError(f"where {words(where or {})} selects no run.")
        return picked


def position_of(factor: str, factors: Mapping[str, Sequence[Any]]) -> int:
    """Where a factor stands among the factors. Raises ValueError if it is none of them."""
    if factor not in factors:
        raise ValueError(f"{factor} does not vary in this study; what varies: {', '.join(factors) or 'nothing'}.")
    return list(factors).index(factor)


def blocks(runs: pd.DataFrame, metric: str, budget: float | None = None) -> Blocks:
    """The blocks of `metric`, see `values_of`.

    `budget` is for a time to target: a finished run without a value never reached it, and counts as min(T, budget); so
    does a run that diverged, once `with_diverged_at(budget)`.

    Raises ValueError if no run has the metric, or two runs of one seed stand at the same levels.
    """
    factors = factors_of(runs)
    rows = pd.DataFrame({"seed": runs["seed"], "directory": runs["directory"], "status": runs["status"]})
    rows["kept"] = kept(runs)
    rows["value"] = values_of(runs, metric)
    levels = list(zip(*(runs[factor].map(word) for factor in factors), strict=True)) if factors else [()] * len(runs)
    found = {each: number for number, each in enumerate(dict.fromkeys(levels))}
    rows["levels"] = [found[each] for each in levels]
    rows = rows.drop_duplicates(["levels", "seed", "directory"])
    cells = _columns(rows)
    rows = rows[rows["kept"]]
    if (twice := rows[rows.duplicated(["levels", "seed"])]).size:
        where = words(dict(zip(factors, list(found)[twice["levels"].iloc[0]], strict=True)))
        raise ValueError(f"two runs of seed {twice['seed'].iloc[0]} stand at the same levels ({where}): leave one out.")
    rows = rows.assign(cell=rows["levels"].map(cells)).drop_duplicates(["cell", "seed"])
    finished = rows["status"] == "finished"
    rows["diverged"] = rows["status"] == "diverged"
    rows["censored"] = False
    value = rows["value"].where(finished)
    if budget is not None:
        rows["censored"] = finished & ~(rows["value"] < budget)
        value = value.where(~rows["censored"], budget)
    rows["value"] = value
    came = {seed: at for at, seed in enumerate(runs.attrs.get("seeds") or [])}
    seeds = sorted(runs["seed"].unique(), key=lambda seed: (came.get(seed, len(came)), _in_order(seed)))
    columns = sorted(set(cells.values()))

    def wide(column: str) -> pd.DataFrame:
        numbers = rows.assign(number=rows[column].astype(float))
        frame = numbers.pivot(index="seed", columns="cell", values="number")  # noqa: PD010 - a pivot_table would average
        return frame.reindex(index=seeds, columns=columns)

    return Blocks(
        outcomes=wide("value"),
        diverged=wide("diverged").eq(1.0),
        censored=wide("censored").eq(1.0),
        cells={each: cells[number] for each, number in found.items()},
        factors=factors,
    )


def values_of(runs: pd.DataFrame, metric: str) -> pd.Series:
    """The values of a metric: a column, or `one - other`, the difference of two; what is not finite is a hole.

    Raises ValueError if it is neither.
    """
    terms = terms_of(metric) if metric not in runs else (metric,)
    for term in terms:
        if term not in runs:
            raise ValueError(f"no run has the metric {term}.")
    first, *others = (pd.to_numeric(runs[term], errors="coerce").astype(float) for term in terms)
    values = first - others[0] if others else first
    return values.where(np.isfinite(values))


def budget_of(metric: str, budgets: Mapping[str, float]) -> float | None:
    """The budget at which a time to a target is censored; None for another metric.

    Raises ValueError for the difference of such a time and another metric: it is not known where the target was not reached.
    """
    for term in terms_of(metric) if metric not in budgets else ():
        if term in budgets:
            raise ValueError(f"{term} is a time to a target: where it was not reached, no difference to it is known.")
    return budgets.get(metric)


def terms_of(metric: str) -> tuple[str, ...]:
    """The one metric that this names, or the two of `one - other`."""
    return tuple(metric.split(" - ", 1))


def product(factors: Mapping[str, Sequence[Any]]) -> list[Levels]:
    """The levels of every cell of the complete factorial."""
    return list(itertools.product(*([word(level) for level in levels] for levels in factors.values())))


def _in_order(seed: Any) -> Any:
    """What sorts seeds: numbers as they are, texts by the numbers in them, `s2` before `s10`."""
    parts = re.split(r"(\d+)", seed) if isinstance(seed, str) else None
    return seed if parts is None else [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _columns(rows: pd.DataFrame) -> dict[int, int]:
    """Which column the runs at each levels stand in: those that share a directory share one, the first of them."""
    first = rows.groupby("directory")["levels"].transform("min")
    least = first.groupby(rows["levels"]).min()
    return dict(zip(least.index.tolist(), least.tolist(), strict=True))
