"""Power: the noise between paired runs, the minimum detectable effect, and the seeds that a claim still needs.

A claim is decidable with n seeds if, d being as far from the border of the hypothesis as the margin (0 for one that
expects `equivalent`), a verdict is reached with the probability 80 %: `POWER`. alpha is that of the look with n seeds, divided
by the number of primary claims, as Holm's first step does. With t(n - 1) above its critical value and the
noncentrality sqrt(n) margin / sd, sd being that of the paired differences (Cohen 1988, chapter 2).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.power import TTestPower

from ablate.core.cells import Condition
from ablate.core.claims import FEWEST_SEEDS, Change, Claim
from ablate.core.errors import UsageError
from ablate.stats.contrasts import weights
from ablate.stats.decision_rules import SequentialDesign
from ablate.stats.estimates import Estimate, student
from ablate.stats.outcomes import ANYWHERE, Outcomes
from ablate.stats.rounding import at_resolution

POWER = 0.8
MOST = 1000  # seeds that are considered for finished results
USUAL = SequentialDesign()


def sd_interval(sd: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a standard deviation of n normal values: sd sqrt((n - 1) / chi2(n - 1)). NaN without two values."""
    if n < 2:
        return math.nan, math.nan
    high, low = (float(stats.chi2.ppf((1 + sign * confidence) / 2, n - 1)) for sign in (-1, 1))
    return sd * math.sqrt((n - 1) / low), sd * math.sqrt((n - 1) / high)


def correlation(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Pearson's r of two arms over their seeds, and its interval by Fisher's z: tanh(artanh r ± z / sqrt(n - 3)).

    Needs three pairs, and four for an interval; NaN otherwise, and for an arm that does not vary.
    """
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan, math.nan, math.nan
    found = stats.pearsonr(first, second)
    if len(first) < 4:
        return float(found.statistic), math.nan, math.nan
    low, high = found.confidence_interval(confidence)
    return float(found.statistic), float(low), float(high)


def decidable_margin(
    sd: float,
    n: int,
    expects: str = "higher",
    claims: int = 1,
    design: SequentialDesign = USUAL,
    power: float = POWER,
    least_se: float = 0.0,
    parts: int = 1,
) -> float:
    """The smallest margin that n seeds decide (the minimum detectable effect), in the units of `sd`; NaN before the first look.

    Where several tests have to succeed (both sides of `equivalent`, and all of `parts` strata or leads), each of k is given
    the power 1 - (1 - power) / k, so that all do with `power` at least. `sd` is then the largest one. More seeds do not
    reduce the standard error below `least_se`, the rounding of the metric.
    """
    look = design.last(n)
    if not look.number or math.isnan(sd):
        return math.nan
    each = 1 - (1 - power) / (parts * (2 if expects == "equivalent" else 1))
    level = design.alpha * design.of_claim(expects).share(look.number) / max(claims, 1)
    effect = float(TTestPower().solve_power(nobs=look.seeds, alpha=level, power=each, alternative="larger"))
    return max(sd, least_se * math.sqrt(look.seeds)) * effect


def seeds_needed(
    sd: float,
    margin: float,
    expects: str = "higher",
    claims: int = 1,
    design: SequentialDesign = USUAL,
    power: float = POWER,
    least_se: float = 0.0,
    parts: int = 1,
) -> int | None:
    """The seeds of the first look that decides this margin; None if not even the last one does.

    Of finished results, which have no looks to come, the smallest number that decides it in one look; None above 1,000.
    """

    def decided(n: int) -> bool:
        return decidable_margin(sd, n, expects, claims, design, power, least_se, parts) <= margin

    if design.looks:  # one close to the last has a small share of alpha: the margin does not fall from look to look
        return next(filter(decided, design.looks), None)
    at = bisect.bisect_left(range(FEWEST_SEEDS, MOST + 1), True, key=decided)
    return FEWEST_SEEDS + at if FEWEST_SEEDS + at <= MOST else None


@dataclass(frozen=True)
class Precision:
    """What more seeds would decide of a claim, the margin being what it is.

    Attributes:
        seeds: that decide it with 80 % power; None at none.
        fewest, most_seeds: the same at the ends of the 80 % interval of the standard deviation; None at none.
        decidable: the smallest margin that any look would decide, on the scale of the claim; NaN if `seeds` is known.
        most: the largest number of seeds that was considered.
        which: in words, what that number is.
    """

    seeds: int | None
    fewest: int | None
    most_seeds: int | None
    decidable: float
    most: int
    which: str

    @property
    def range(self) -> str:
        """The range of the seeds in words, as the standard deviation is itself an estimate."""
        low, high = (f"more than {self.most}" if each is None else str(each) for each in (self.fewest, self.most_seeds))
        return f"between {low} and {high}, by the 80 % interval of the standard deviation"


def precision_of(claim: Claim, estimates: Sequence[Estimate], members: int, design: SequentialDesign) -> Precision | None:
    """What seeds can decide of a claim that has a margin, from the scatter of its estimates; None if it is not known.

    `equivalent` has to be shown in every stratum, and `largest` for every lead: the largest standard deviation of these counts.
    """
    tested = estimates[1:] if claim.expects == "equivalent" and len(estimates) > 1 else estimates
    if claim.margin is None or any(each.n < 2 or math.isnan(each.sd) for each in tested):
        return None
    widest = max(tested, key=lambda each: max(each.sd, each.least_se * math.sqrt(each.n)))
    margin, sd = claim.margin_on_scale or math.nan, widest.sd
    least, parts = max(each.least_se for each in tested), len(tested)
    needed, fewest, most = (
        seeds_needed(each, margin, claim.expects, members, design, least_se=least, parts=parts)
        for each in (sd, *sd_interval(sd, widest.n, 0.8))
    )
    looks = design.looks or (MOST,)
    decidable = math.nan
    if needed is None:
        margins = [decidable_margin(sd, n, claim.expects, members, design, least_se=least, parts=parts) for n in looks]
        decidable = min(margins)
        decidable = math.exp(decidable) if claim.scale == "ratio" else decidable
    return Precision(needed, fewest, most, decidable, looks[-1], " (the last look)" if design.looks else "")


def plan_table(sd: float = 1.0, claims: int = 1, design: SequentialDesign = USUAL, numbers: Sequence[int] = ()) -> pd.DataFrame:
    """One row a look: `n`, and the smallest margin of a claim that expects a difference, and of one that expects none.

    The looks are those of the design, or those with these numbers of seeds (or of blocks).

    Without a known `sd` the margins are multiples of the standard deviation of the paired differences.
    """
    rows = []
    for n in numbers or design.looks:
        different, equal = (decidable_margin(sd, n, expects, claims, design) for expects in ("higher", "equivalent"))
        rows.append({"n": n, "margin": different, "margin_equivalent": equal})
    return pd.DataFrame(rows)


def noise_table(
    outcomes: Outcomes,
    changes: Sequence[Change],
    where: Condition | None = None,
    claims: int = 1,
    confidence: float = 0.95,
    design: SequentialDesign = USUAL,
) -> pd.DataFrame:
    """One row a change: the noise of its paired differences, and what they can decide.

    `n` seeds, `sd` of the paired differences (averaged over the alive strata within a seed) and `correlation` of the
    two arms, each with `_low` and `_high`; `margin`, the smallest that is decidable at the last look of the `design` that n
    has reached, or at the first one. The interval of `sd` is NaN if all seeds lie within one rounding step of the metric.
    """
    rows = []
    for change in changes:
        try:
            corners = weights(outcomes, [change], where).corners
        except UsageError:  # no runs differ in this alone
            corners = []
        used = sorted({column for columns in corners for column in columns})
        complete = outcomes.complete(used)
        arms = [complete[[columns[end] for columns in corners]] for end in (0, 1)]
        first, second = (arm.mean(axis="columns") for arm in arms)
        n = len(complete)
        by_seed = second - first
        strata = (arms[1].to_numpy() - arms[0].to_numpy()).T
        found = at_resolution(Estimate("simple", (change,), by_seed, *student(by_seed)), outcomes.step, strata=list(strata))
        sd = float(by_seed.std(ddof=1)) if n > 1 else math.nan
        low, high = (math.nan, math.nan) if found.least_se else sd_interval(sd, n, confidence)
        r, r_low, r_high = correlation(first.tolist(), second.tolist(), confidence)
        rows.append(
            {
                "factor": change.factor,
                "from": str(change.start),
                "to": str(change.end),
                "where": str(where or ANYWHERE),
                "n": n,
                "sd": sd,
                "sd_low": low,
                "sd_high": high,
                "correlation": r,
                "correlation_low": r_low,
                "correlation_high": r_high,
                "margin": decidable_margin(sd, max(n, design.first), claims=claims, design=design, least_se=found.least_se),
            }
        )
    return pd.DataFrame(rows)
