"""An estimate with its uncertainty over seeds, and the table of several."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ablate.core.cells import Cell, Condition
from ablate.core.claims import Change
from ablate.core.levels import Level
from ablate.core.wording import counted

Kind = Literal["simple", "main effect", "interaction", "mean", "share", "no change"]
Scale = Literal["difference", "ratio"]
Numbers = TypeVar("Numbers", pd.Series, NDArray[np.float64], float)
PAIRS = 2  # below, runs are compared unpaired: one difference has no scatter, and the other runs would be lost
RESIDUE = 1e-12  # of the largest value: what is left of a difference of equal numbers is below


@dataclass(frozen=True)
class Unpaired:
    """A contrast of independent means.

    Attributes:
        estimate: the contrast of the means.
        counts: the runs of each arm.
        n: those of the smallest cell.
    """

    estimate: float
    counts: tuple[int, ...]
    n: int


@dataclass(frozen=True)
class Estimate:
    """A contrast, or a mean, with its uncertainty over seeds. On the scale `ratio`, all numbers are natural logarithms.

    Attributes:
        kind: what is estimated.
        changes: one for a contrast, two for an interaction, none for a mean.
        by_seed: the value of each complete seed.
        se: the standard error of their mean; NaN if it is not known.
        df: the degrees of freedom of Student's t.
        where: the cells that it is about.
        strata: the levels of the other factors over which it is averaged.
        inert: strata that are left out, since the factor has no effect on the configuration there.
        missing: those of `strata` in which no seed is complete.
        identical: whether in every pair both runs have the very same value.
        scale: `difference`, or `ratio`.
        note: why there is no estimate, or another one than was asked for.
        arms: of a contrast, by seed the means over the strata before the change (`first`) and after it (`second`).
        unpaired: the estimate of independent means, with fewer than two pairs; `by_seed` is then empty.
        least_se: what `se` cannot fall below, since the metric is rounded.
        by_steps: the step of the metric where `se` is `error_of_steps`, else 0.
    """

    kind: Kind
    changes: tuple[Change, ...]
    by_seed: pd.Series
    se: float
    df: float
    where: Condition = field(default_factory=lambda: Condition({}))
    strata: Sequence[Cell] = ()
    inert: Sequence[Cell] = ()
    missing: Sequence[Cell] = ()
    identical: bool = False
    scale: Scale = "difference"
    note: str = ""
    arms: pd.DataFrame | None = None
    unpaired: Unpaired | None = None
    least_se: float = 0.0
    by_steps: float = 0.0

    @property
    def n(self) -> int:
        """The number of complete seeds; of an unpaired estimate, the runs of its smallest cell."""
        return self.unpaired.n if self.unpaired else len(self.by_seed)

    @functools.cached_property
    def estimate(self) -> float:
        if self.unpaired:
            return self.unpaired.estimate
        return float(self.by_seed.mean()) if self.n else np.nan

    @property
    def sd(self) -> float:
        """The standard deviation that belongs to `se` and n, or over seeds where `se` is `least_se`; NaN if it is not known."""
        return float(self.by_seed.std(ddof=1)) if self.least_se and not self.unpaired else float(self.se * np.sqrt(self.n))

    @property
    def wins(self) -> int:
        """In how many seeds the value is above zero."""
        return int((self.by_seed > 0).sum())

    @property
    def p_superior(self) -> float:
        """P(B > A): the chance that the mean of a seed after the change is above that of one before it; NaN for single runs.

        Mann and Whitney's U over the product of the numbers of runs, a tie counting one half.
        """
        if self.arms is None or self.arms.empty:
            return np.nan
        first, second = (self.arms[end].dropna().to_numpy() for end in ("first", "second"))
        if min(len(first), len(second)) < 2:
            return np.nan
        return float(stats.mannwhitneyu(second, first, method="asymptotic").statistic) / (len(first) * len(second))

    @property
    def worst(self) -> tuple[Any, float]:
        """The seed with the lowest value, and this value; None and NaN without any."""
        return (self.by_seed.idxmin(), float(self.by_seed.min())) if len(self.by_seed) else (None, np.nan)

    @property
    def changes_nothing(self) -> bool:
        """Whether both levels build the same experiment, wherever they were run."""
        return bool(self.inert) and not self.strata

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """estimate ± t(df) se; NaN where there is no standard error."""
        half = quantile(confidence, self.df) * self.se if self.df > 0 else np.nan
        return self.estimate - half, self.estimate + half

    def numbers(self, confidence: float = 0.95) -> dict[str, float]:
        """`estimate`, `low`, `high`, `se` and `df`: a ratio as a ratio, but its `se` that of the logarithm."""
        low, high = self.interval(confidence)
        numbers = {"estimate": self.estimate, "low": low, "high": high}
        if self.scale == "ratio":
            numbers = {name: float(np.exp(number)) for name, number in numbers.items()}
        return {**numbers, "se": self.se, "df": self.df}

    def row(self, confidence: float = 0.95) -> dict[str, Any]:
        """A row of `table`: levels, conditions and strata as text, the others as `numbers`."""
        return {
            "kind": self.kind,
            "factor": " × ".join(change.factor for change in self.changes),
            "from": texts([change.start for change in self.changes]),
            "to": texts([change.end for change in self.changes]),
            "where": str(self.where),
            "strata": list(map(str, self.strata)),
            "inert": list(map(str, self.inert)),
            "missing": list(map(str, self.missing)),
            "scale": self.scale,
            "n": self.n,
            **self.numbers(confidence),
            "wins": self.wins,
            "p_superior": self.p_superior,
            "worst": float(np.exp(self.worst[1])) if self.scale == "ratio" else self.worst[1],
            "worst_seed": self.worst[0],
            "note": self.note,
        }


@functools.lru_cache(maxsize=1000)
def quantile(confidence: float, df: float) -> float:
    """The critical value of a two-sided interval: the quantile (1 + confidence) / 2 of t(df)."""
    return float(stats.t.ppf((1 + confidence) / 2, df))


def satterthwaite(variances: ArrayLike, df: ArrayLike) -> float:
    """The degrees of freedom of a sum of independent variances: (sum v)^2 / sum(v^2 / df), by Satterthwaite (1946).

    The smallest df if all variances are zero.
    """
    v, each = np.asarray(variances, float), np.asarray(df, float)
    return float(v.sum() ** 2 / (v**2 / each).sum()) if v.sum() > 0 else float(each.min())


def weighed_sum(values: pd.DataFrame, weights: pd.Series, scale: Scale = "difference") -> pd.Series:
    """The sum of the values of each seed times the weights, 0 where only the error of floating point is left."""
    largest = values.abs().max(axis=1)
    return cleared(values @ weights, largest.clip(lower=1.0) if scale == "ratio" else largest)


def difference(first: pd.Series, second: pd.Series) -> pd.Series:
    """Second minus first by seed, over the seeds that both have, 0 where only the error of floating point is left."""
    both = pd.DataFrame({"first": first, "second": second}).dropna()
    return cleared(both["second"] - both["first"], both.abs().max(axis=1))


def cleared(differences: Numbers, largest: Any) -> Numbers:
    """Differences, 0 where only the error of floating point is left.

    Args:
        differences: of any shape, a series or an array.
        largest: the largest absolute value that each is a difference of.
    """
    found: Numbers = differences * (abs(differences) > RESIDUE * largest) + 0.0  # -0.0 becomes 0.0
    return found


def unpaired_note(common: int, counts: Sequence[int], fewest: int) -> str:
    """Why arms are not paired, and how they are compared.

    Args:
        common: the seeds that are in all of them.
        counts: the runs of each arm.
        fewest: the runs of the smallest cell in them.

    >>> unpaired_note(0, [3, 2], 2)
    "unpaired: no seeds in common, Welch's t of 3 and 2 runs"
    """
    runs = f"Welch's t of {' and '.join(map(str, counts))} runs"
    if fewest < 2:
        runs = f"means of {' and '.join(counted(each, 'run') for each in counts)}" if max(counts) > 1 else "single runs"
    return f"unpaired: {'one seed' if common else 'no seeds'} in common, {runs}"


def student(by_seed: pd.Series) -> tuple[float, float]:
    """Standard error of the mean and its degrees of freedom: sd / sqrt(n), n - 1. NaN and 0 below two seeds."""
    n = len(by_seed)
    return (float(by_seed.std(ddof=1)) / np.sqrt(n), n - 1.0) if n > 1 else (np.nan, 0.0)


def error_of_steps(by_seed: pd.Series, step: float) -> float:
    """The standard error of the mean of few distinct values, from their scatter with two more: one step up and one step down.

    Of n differences that all are one step it is 2 steps / n. Agresti and Min (2005) add such pairs to matched proportions.
    """
    more = [*by_seed, step, -step]
    return float(np.std(more, ddof=1) * np.sqrt(len(more)) / len(by_seed))


def table(estimates: Iterable[Estimate], confidence: float = 0.95) -> pd.DataFrame:
    """One row an estimate: what it is, over which strata, and n (seeds), estimate, low, high, se, df, note.

    Beside them `wins` (seeds above zero), `p_superior` (P(B > A)), and the `worst` seed with its value.
    """
    return pd.DataFrame([estimate.row(confidence) for estimate in estimates])


def texts(levels: Sequence[Level]) -> str:
    """Levels as one text."""
    return ", ".join(map(str, levels))
