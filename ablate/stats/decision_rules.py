"""Decision rules: hypotheses of a claim, looks of a group-sequential design, and Holm over the primary claims of a study.

For a claim about a quantity d, `margin` m being the smallest difference that matters:

| expects | supported if shown | contradicted if shown | smaller than the margin if shown |
|---|---|---|---|
| higher | d > 0 | d < 0 | d < m |
| lower | d < 0 | d > 0 | d > -m |
| higher by the margin | d > m | d < m | |
| lower by the margin | d < -m | d > -m | |
| noninferior | d > -m | d < -m | |
| equivalent | -m < d < m (two one-sided tests: Schuirmann 1987) | d > m or d < -m | |

Each is shown by rejecting its complement, one-sided, at alpha = 0.025. At any one d at most two of them are false and no
consequence of each other (d > 0 and d < 0 at d = 0; the two sides of `equivalent` at its border), so that a claim has a
false verdict in at most 5 % of studies. A difference that is shown to be below m is `smaller than the margin`, whether d >
0 is shown as well (then the gain is real) or not; `contradicted` always means that the claimed direction, or the claimed
bound, is refuted.

Looks. A study that grows takes its verdicts at looks that it declares (by default at 5, 8, 12 and 20 complete seeds), on
the first seeds in the order in which they were asked for. The k-th look has the level alpha (t_k^2 - t_(k-1)^2), t being
the fraction of the seeds of the last look: the increments of a spending function (Lan and DeMets 1983) of the power family
(Kim and DeMets 1987), whose levels rise from look to look as those of O'Brien and Fleming do; for the support of
`equivalent`, which few seeds practically never show, with t^3 instead of t^2. They sum up to alpha, so that
the error rate holds by Bonferroni's inequality, whatever the joint distribution of the t statistics is. A p value divided by
its share of alpha is on the scale of the whole study, and the smallest over the looks is a valid p value (a sequential
p value: Liu and Anderson 2008): what was shown at a look stays shown. Results that are finished have one look, at all seeds.

Holm (1979). The support of the primary claims is a family of hypotheses, one for each claim, that goes through Holm's
step-down procedure at alpha; so is their contradiction. `smaller than the margin` follows from a contradiction, so it
shares that family: it is tested at alpha / (m - r), m being the number of primary claims and r that of contradicted ones. A
study has any false verdict in at most 2 alpha, whatever the claims and their dependence. (One procedure over the smallest p
value of each claim would not do: a claim that is rightly shown to be below the margin would raise the level at which the
others are shown to be above zero; simulated, 10 % of studies of six claims were wrong.) A primary claim that has too few
seeds yet counts with p = 1. One that this study cannot test, whatever it will run, is no member; nor is one that needs no p
value: an exact one, or one about a factor without effect on the configuration. A claim that is not primary is exploratory:
tested without adjustment for the others.

The t test assumes differences without a long tail to one side. If some runs of one arm alone collapse, false verdicts
exceed these rates, and no test of so few values prevents it: see docs/statistics.md for the bounds, and inspect the replicates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablate.core.claims import EXPECTS, FEWEST_SEEDS

RULES = 9  # the version of these rules, increased with every change that may change a verdict
LOOKS = (5, 8, 12, 20)
ALPHA = 0.025
SPENDING = 2.0  # the exponent of the spending function
LATE = 3.0  # that of the support of `equivalent`

Verdict = Literal["supported", "smaller than the margin", "contradicted", "identical", "inconclusive", "not tested"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SUPPORTED: Final = "supported"
SMALLER: Final = "smaller than the margin"
CONTRADICTED: Final = "contradicted"
IDENTICAL: Final = "identical"
INCONCLUSIVE: Final = "inconclusive"
NOT_TESTED: Final = "not tested"
SHOWN: Mapping[Verdict, str] = {
    SUPPORTED: "support",
    SMALLER: "below",
    CONTRADICTED: "contradict",
}  # what of `PValues` was shown

Numbers = NDArray[np.float64]


class PValues(NamedTuple):
    """The p values of support, of contradiction, and of a difference that is smaller than the margin; NaN: not tested."""

    support: float
    contradict: float
    below: float = math.nan

    def worst(self, other: PValues) -> PValues:
        """Each the larger of two, for what has to hold in both of two analyses; NaN if it is in one of them."""
        return PValues(*(math.nan if math.isnan(p + q) else max(p, q) for p, q in zip(self, other, strict=True)))


class Look(NamedTuple):
    """An analysis: its number, from 1, and the seeds that it is taken at. (0, 0) before the first."""

    number: int
    seeds: int


NO_LOOK = Look(0, 0)


@dataclass(frozen=True)
class SequentialDesign:
    """The looks at which a study takes its verdicts, and the error rate that it spends over them.

    Attributes:
        looks: numbers of complete seeds, ascending; empty for finished results, which have one look, at all seeds.
        alpha: one-sided, for all looks together.
        supporting: the exponent of the spending function for the support of a claim, see `of_claim`.
    """

    looks: tuple[int, ...] = LOOKS
    alpha: float = ALPHA
    supporting: float = SPENDING

    def __post_init__(self) -> None:
        if list(self.looks) != sorted(set(self.looks)) or any(seeds < FEWEST_SEEDS for seeds in self.looks):
            raise ValueError(
                f"looks={list(self.looks)}: numbers of seeds from {FEWEST_SEEDS} on, each larger than the one before."
            )

    @property
    def first(self) -> int:
        """The fewest seeds that a verdict can be taken at."""
        return self.looks[0] if self.looks else FEWEST_SEEDS

    def reached(self, n: int) -> list[Look]:
        """The looks that n complete seeds have reached, the first one first."""
        if not self.looks:
            return [Look(1, n)] if n >= FEWEST_SEEDS else []
        return [Look(number, seeds) for number, seeds in enumerate(self.looks, 1) if seeds <= n]

    def last(self, n: int) -> Look:
        """The last look that n complete seeds have reached."""
        return next(reversed(self.reached(n)), NO_LOOK)

    def next(self, n: int) -> int | None:
        """The seeds of the look that comes after n complete ones; None after the last."""
        later = self.looks or (FEWEST_SEEDS,)
        return next((seeds for seeds in later if seeds > n), None)

    def of_claim(self, expects: str) -> SequentialDesign:
        """The design for a claim: the support of `equivalent` spends less at early looks, which practically never show it."""
        return replace(self, supporting=LATE if expects == "equivalent" else SPENDING)

    def share(self, look: int, hypothesis: str = "support") -> float:
        """The part of alpha that the look of this number spends on a hypothesis of `PValues`: all of it at the only look.

        >>> [round(SequentialDesign().share(look), 4) for look in (1, 2, 3, 4)]
        [0.0625, 0.0975, 0.2, 0.64]
        >>> [round(SequentialDesign().of_claim("equivalent").share(look), 4) for look in (1, 2, 3, 4)]
        [0.0156, 0.0484, 0.152, 0.784]
        """
        if not self.looks:
            return 1.0
        before, exponent = self.looks[look - 2] if look > 1 else 0, self.supporting if hypothesis == "support" else SPENDING
        return float((self.looks[look - 1] ** exponent - before**exponent) / self.looks[-1] ** exponent)

    def spent(self, p: float, look: int, hypothesis: str = "support") -> float:
        """A p value of a look on the scale of the whole study: divided by the share of alpha, at most 1. NaN before a look."""
        return min(p / self.share(look, hypothesis), 1.0) if look and not math.isnan(p) else math.nan

    def shows(self, p: PValues, look: int, at: PValues) -> list[str]:
        """The hypotheses that the p values of a look show at these levels, which are on the scale of the whole study."""
        return [name for name in p._fields if self.spent(getattr(p, name), look, name) <= getattr(at, name)]


def p_values(estimate: Any, se: Any, df: Any, expects: str, margin: float | None = None) -> tuple[Numbers, Numbers, Numbers]:
    """The p values of support, of contradiction and of `smaller than the margin`, by t(df). Arrays go element by element.

    The contradiction of `equivalent` is the chance, at d = m, of an estimate as far from zero as this one, to either
    side: sf((|e| - m) / se) + sf((|e| + m) / se). With m = 0 that is the two-sided t test.

    Without a standard error (one seed) all are NaN. Where it is zero, the estimate is taken for the truth: p is 0 or 1.
    """
    if margin is not None and margin < 0:
        raise ValueError(f"margin={margin}: the smallest difference that matters cannot be below zero.")
    e, se, df = np.broadcast_arrays(np.asarray(estimate, float), np.asarray(se, float), np.asarray(df, float))
    if expects not in EXPECTS:
        raise ValueError(f"unknown expects='{expects}': one of {', '.join(EXPECTS)}.")
    if margin is None and expects not in ("higher", "lower"):
        raise ValueError(f"expects={expects}: needs a margin.")
    unknown, m = np.full(e.shape, np.nan), margin or 0.0
    if expects == "equivalent":
        support = np.maximum(_above(m - e, se, df), _above(m + e, se, df))
        against = _above(np.abs(e) - m, se, df) + _above(np.abs(e) + m, se, df)
        return support, np.minimum(against, 1.0), unknown
    if expects.startswith("lower"):
        e, expects = -e, expects.replace("lower", "higher")
    border = {"higher": 0.0, "higher by the margin": m, "noninferior": -m}[expects]
    below = _above(m - e, se, df) if expects == "higher" and margin is not None else unknown
    return _above(e - border, se, df), _above(border - e, se, df), below


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values of one family. NaN counts as 1 and stays NaN."""
    if not len(p):
        return []
    adjusted = multipletests(np.nan_to_num(np.asarray(p, float), nan=1.0), method="holm")[1]
    return [math.nan if math.isnan(before) else float(after) for before, after in zip(p, adjusted, strict=True)]


def levels(p: Sequence[float], primary: Sequence[bool], alpha: float = ALPHA) -> list[float]:
    """The level at which each claim is tested: alpha, for a primary one as far as Holm's procedure steps down.

    Args:
        p: the smallest p value of each claim, on the scale of the whole study. NaN counts as 1.
        primary: which claims are members of the family.
        alpha: of the family.

    Returns:
        With m members, alpha / m for the smallest p, alpha / (m - 1) for the next, and so on; the first that is above its level
        keeps it, and so do all after it.

    >>> levels([0.001, 0.02, 0.3, 0.3], [True, True, True, False], alpha=0.03)
    [0.01, 0.015, 0.015, 0.03]
    """
    found = [alpha] * len(p)
    known = [1.0 if math.isnan(each) else each for each in p]
    members = sorted((number for number, member in enumerate(primary) if member), key=lambda number: known[number])
    steps = 0
    for place, number in enumerate(members):
        found[number] = alpha / (len(members) - steps)
        if steps == place and known[number] <= found[number]:
            steps += 1
    return found


@dataclass(frozen=True)
class Conclusion:
    """What the looks of a claim have shown.

    Attributes:
        verdict: of all that was shown.
        look: the one at which it was shown, for a difference smaller than the margin that it is; the last look if nothing was.
        real_at: beside a difference smaller than the margin, the look at which d > 0 (or d < 0, if that is claimed) was shown;
            (0, 0) if at none.
        reversed_at: a later look at which the opposite was shown; (0, 0) if at none.
    """

    verdict: Verdict
    look: Look
    real_at: Look = NO_LOOK
    reversed_at: Look = NO_LOOK

    @property
    def real(self) -> bool:
        """Whether a difference in the claimed direction was shown beside one smaller than the margin."""
        return bool(self.real_at.number)


def conclude(by_look: Mapping[Look, PValues], at: PValues, design: SequentialDesign) -> Conclusion:
    """The verdict of a claim from its p values at each look.

    What was shown at a look stays shown. If the opposite of a verdict is shown at a later look, the first verdict stands, and
    the conclusion says where.

    Args:
        by_look: the p values as they are.
        at: the level at which each is tested, on the scale of the whole study.
        design: of the looks.
    """
    shown: dict[str, Look] = {}
    opposite = NO_LOOK
    for look in sorted(by_look):
        small = design.shows(by_look[look], look.number, at)
        if ("support" in shown and "contradict" in small) or ("contradict" in shown and "support" in small):
            opposite = look
            break
        for name in small:
            shown.setdefault(name, look)
    if not shown:
        return Conclusion(INCONCLUSIVE, max(by_look, default=NO_LOOK))
    if "contradict" in shown:
        return Conclusion(CONTRADICTED, shown["contradict"], reversed_at=opposite)
    if "below" in shown:
        return Conclusion(SMALLER, shown["below"], shown.get("support", NO_LOOK), opposite)
    return Conclusion(SUPPORTED, shown["support"], reversed_at=opposite)


def smallest(by_look: Mapping[Look, PValues], design: SequentialDesign) -> PValues:
    """The smallest p value of each hypothesis over the looks, on the scale of the whole study; NaN without any."""
    found = [
        [design.spent(p, look.number, name) for look, values in by_look.items() if not math.isnan(p := getattr(values, name))]
        for name in PValues._fields
    ]
    return PValues(*(min(each, default=math.nan) for each in found))


def by_family(claims: Sequence[PValues], primary: Sequence[bool], alpha: float = ALPHA) -> list[tuple[PValues, PValues]]:
    """The level and the adjusted p value of each hypothesis of each claim.

    Args:
        claims: the p values of each claim, on the scale of the whole study.
        primary: which claims are members of the families. Others are tested at alpha, unadjusted.
        alpha: of the support of all claims together, and of their refutation.
    """
    at = [number for number, member in enumerate(primary) if member]
    columns = []
    for family in range(2):
        p = [values[family] for values in claims]
        adjusted = list(p)
        for number, after in zip(at, holm([p[number] for number in at]), strict=True):
            adjusted[number] = after
        columns.append((levels(p, primary, alpha), adjusted))
    refuted = sum(claims[number].contradict <= columns[1][0][number] for number in at)
    rest = max(len(at) - refuted, 1)  # the claims of which there is still something to be refuted
    found = []
    for number, (values, member) in enumerate(zip(claims, primary, strict=True)):
        times = rest if member else 1
        below = math.nan if math.isnan(values.below) else min(1.0, values.below * times)
        (support, support_p), (contradict, contradict_p) = ((level[number], after[number]) for level, after in columns)
        found.append((PValues(support, contradict, alpha / times), PValues(support_p, contradict_p, below)))
    return found


def intersection(p: Iterable[float]) -> float:
    """The p value of a statement that holds if all of several do: the largest (Berger 1982). NaN if one is unknown."""
    known = list(p)
    return math.nan if any(map(math.isnan, known)) or not known else max(known)


def union(p: Iterable[float]) -> float:
    """The p value of a statement that holds if one of several does: the smallest, times their number (Bonferroni)."""
    known = list(p)
    return math.nan if any(map(math.isnan, known)) or not known else min(1.0, len(known) * min(known))


def _above(distance: Numbers, se: Numbers, df: Numbers) -> Numbers:
    """The p value of a distance above zero: sf(distance / se) of t(df)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stats.t.sf(distance / se, df)
    certain = np.where(distance > 0, 0.0, 1.0)
    return np.asarray(np.where(se == 0, certain, p), float)
