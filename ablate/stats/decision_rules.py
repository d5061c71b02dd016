"""Decision rules: p values of claims, looks of a group-sequential design, and Holm over the primary claims of a study.

For a claim about a quantity d with the estimate e, its standard error and t with df degrees of freedom, `margin` m being
the smallest difference that matters:

| expects | supported against | contradicted against |
|---|---|---|
| higher | d <= 0 | d >= m |
| lower | d >= 0 | d <= -m |
| equivalent | d >= m or d <= -m: the larger of the two one-sided p (Schuirmann 1987) | -m <= d <= m |

The hypotheses of a row exclude each other (without a margin, all but d = 0), so that at most one of the two verdicts
can be false. Each is tested at alpha = 0.025: one-sided, hence a claim has a false verdict in at most 2.5 % of studies,
and in at most 5 % where both can be false, on the border of `equivalent`. The smaller p names the verdict; that d is
between 0 and m, and both are small, is a support whose size does not matter, or the reverse.

Looks. Verdicts are taken when a claim has 5, 8, 12 and 20 complete seeds, at alpha / (k (k + 1)) at the k-th look:
these sum up to less than alpha however many looks there are. Only the seeds of the last look count, the first of them
in the order in which they were asked for (of another program's results: in that of their numbers), so that the verdict
does not change between looks. Here a p value is multiplied by k (k + 1) rather than alpha divided, so that claims at
different looks stand on one scale.

Holm (1979). The smaller p of each primary claim, after its looks, goes through Holm's step-down procedure at alpha. A
primary claim that has too few seeds yet counts with p = 1. One that this study cannot test, whatever it will run, is no
member; nor is one that is settled without a p: an exact one, or one about a factor that does nothing. A claim that is
not primary is tested by itself and the table says so. Holm's proof has one hypothesis a claim where there are two here;
it carries over to independent claims (Shaffer 1980), and benchmarks/verdicts.py shows the rates where claims share runs.

The t test presumes differences without a long tail to one side. If only one arm has such a tail (some of its runs
collapse, the other arm hardly scatters), false verdicts reach 10 to 20 % at these numbers of seeds, and no test of so
few values prevents it: look at the replicates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

LOOKS = (5, 8, 12, 20)
ALPHA = 0.025
EXPECTS = ("higher", "lower", "equivalent")

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
INCONCLUSIVE = "inconclusive"
NOT_TESTED = "not tested"
IDENTICAL = "identical"

Numbers = NDArray[np.float64]


class PValues(NamedTuple):
    """The p values of support and of contradiction of one claim."""

    support: float
    contradict: float


class Look(NamedTuple):
    """An interim analysis: its number, from 1, and the seeds that it is taken at. (0, 0) before the first."""

    number: int
    seeds: int


@dataclass(frozen=True)
class SequentialDesign:
    """The looks at which a study takes its verdicts, and the error rate that it spends over them."""

    looks: tuple[int, ...] = LOOKS
    alpha: float = ALPHA

    def last(self, n: int) -> Look:
        """The last look that n complete seeds have reached."""
        reached = [seeds for seeds in self.looks if seeds <= n]
        return Look(len(reached), reached[-1]) if reached else Look(0, 0)

    def next(self, n: int) -> int | None:
        """The seeds of the look that comes after n complete ones; None after the last."""
        return next((seeds for seeds in self.looks if seeds > n), None)


def p_values(estimate: Any, se: Any, df: Any, expects: str, margin: float = 0.0) -> tuple[Numbers, Numbers]:
    """The p values of support and of contradiction, one-sided, by t(df). Arrays are taken element by element.

    The contradiction of `equivalent` is the chance, at d = m, of an estimate as far from zero as this one, to either
    side: sf((|e| - m) / se) + sf((|e| + m) / se). With m = 0 that is the two-sided t test.

    Without a standard error (one seed) both are NaN. Where it is zero, the estimate is taken for the truth: p is 0 or 1.
    """
    if margin < 0:
        raise ValueError(f"margin={margin}: the smallest difference that matters cannot be below zero.")
    e, se, df = np.broadcast_arrays(np.asarray(estimate, float), np.asarray(se, float), np.asarray(df, float))
    if expects == "higher":
        return _above(e, se, df), _above(margin - e, se, df)
    if expects == "lower":
        return _above(-e, se, df), _above(margin + e, se, df)
    if expects == "equivalent":
        support = np.maximum(_above(margin - e, se, df), _above(margin + e, se, df))
        against = _above(np.abs(e) - margin, se, df) + _above(np.abs(e) + margin, se, df)
        return support, np.minimum(against, 1.0)
    raise ValueError(f"unknown expects='{expects}': one of {', '.join(EXPECTS)}.")


def spent(p: Any, look: Any) -> Numbers:
    """A p value adjusted for its look, of the number k: p k (k + 1), at most 1. NaN before the first look."""
    look = np.asarray(look, float)
    adjusted = np.minimum(np.asarray(p, float) * look * (look + 1), 1.0)
    return np.where(look > 0, adjusted, np.nan)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values of one family. NaN counts as 1 and stays NaN."""
    if not len(p):
        return []
    adjusted = multipletests(np.nan_to_num(np.asarray(p, float), nan=1.0), method="holm")[1]
    return [math.nan if math.isnan(before) else float(after) for before, after in zip(p, adjusted, strict=True)]


def decide(
    p_support: Sequence[float],
    p_contradict: Sequence[float],
    looks: Sequence[int],
    primary: Sequence[bool],
    alpha: float = ALPHA,
) -> tuple[list[float], list[str]]:
    """The adjusted p of each claim (its smaller p, after looks and Holm) and its verdict.

    The arrays hold one entry for each claim of the study that can be tested: its two p values, the number of its last
    look, and whether it is primary. A claim whose p values are equal stays inconclusive.
    """
    smaller = spent(np.fmin(p_support, p_contradict), looks)
    adjusted = [float(p) for p in smaller]
    members = [number for number, member in enumerate(primary) if member]
    for number, p in zip(members, holm([adjusted[number] for number in members]), strict=True):
        adjusted[number] = p
    verdicts = []
    for p, support, contradict in zip(adjusted, p_support, p_contradict, strict=True):
        decided = p <= alpha and support != contradict
        verdicts.append((SUPPORTED if support < contradict else CONTRADICTED) if decided else INCONCLUSIVE)
    return adjusted, verdicts


def _above(distance: Numbers, se: Numbers, df: Numbers) -> Numbers:
    """The p value of a distance above zero: sf(distance / se) of t(df)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stats.t.sf(distance / se, df)
    certain = np.where(distance > 0, 0.0, 1.0)
    return np.asarray(np.where(se == 0, certain, p), float)
