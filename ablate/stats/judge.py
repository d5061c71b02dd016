"""Verdicts: the claims of a study, tested and set side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablate.core.claims import Claim
from ablate.stats import decision_rules
from ablate.stats.claim_tests import ClaimTest, count, evaluate
from ablate.stats.decision_rules import ALPHA, LOOKS, Look, PValues, SequentialDesign
from ablate.stats.estimates import Estimate
from ablate.stats.power import POWER, decidable_margin, seeds_needed
from ablate.storage.results import StudyResults

COLUMNS = [
    "id", "says", "quote", "kind", "metric", "expects", "margin", "scale", "primary", "meaning",
    "n", "look", "estimate", "low", "high", "se", "df", "strata", "inert",
    "p_support", "p_contradict", "diverged", "p_support_at_chance", "p_contradict_at_chance", "p",
    "seeds_needed", "decidable", "verdict", "reason",
]  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """The verdict on one claim, and what it rests on.

    Attributes:
        claim: what was tested.
        verdict: one of the words of `decision_rules`.
        reason: of the verdict, for a reader.
        n: the seeds that are complete for the claim; a run that diverged is an outcome.
        look: the look that the verdict was taken at; its `seeds` are 0 before the first.
        estimate: over the seeds of the look, or over all before the first; None if there is none.
        p: the adjusted p value that decides, after looks and Holm; NaN without a test.
        p_dropped: the p values as they are, without the pairs of runs that diverged.
        p_at_chance: the same, with these runs at chance.
        diverged: how many runs diverged.
        seeds_needed: the look at which a difference as large as the margin would be decided; None at none, or without a margin.
        decidable: if at none, the smallest margin that the last look would decide, on the scale of the claim; else NaN.
    """

    claim: Claim
    verdict: str
    reason: str
    n: int
    look: Look
    estimate: Estimate | None
    p: float
    p_dropped: PValues
    p_at_chance: PValues
    diverged: int
    seeds_needed: int | None
    decidable: float


def judge(
    claims: Sequence[Claim], results: StudyResults, *, looks: Sequence[int] = LOOKS, alpha: float = ALPHA
) -> list[Judgement]:
    """Judge the claims of a study, by the rules of `decision_rules`.

    Every estimate is averaged within seeds, and its error is that of its own seeds: cells of a study are paired more
    or less closely, which a pooled variance does not survive. A verdict holds with the pairs of diverged runs dropped
    and with these runs at chance, or it is inconclusive. `identical`: every pair has the very same value, or both
    levels build the same experiment.

    Args:
        claims: in the order in which they are reported.
        results: the runs; `metrics` gives the chance and the limit of each metric, `facts` what `needs` and `where` are
            checked against, `manifest.orders` the orders in which each seed made the changes of a path.
        looks: the numbers of complete seeds at which verdicts are taken.
        alpha: the error rate that is spent over the looks.

    Returns:
        One judgement a claim, in their order. A claim that cannot be tested has a reason, and raises nothing.
    """
    design = SequentialDesign(tuple(looks), alpha)
    tests = [evaluate(claim, results, design) for claim in claims]
    members = [test for test in tests if test.in_family]
    family = sum(test.claim.primary for test in members)
    numbers, primary = [test.look.number for test in members], [test.claim.primary for test in members]
    dropped, at_chance = (
        decision_rules.decide([p.support for p in ps], [p.contradict for p in ps], numbers, primary, alpha)
        for ps in ([test.p_dropped for test in members], [test.p_at_chance for test in members])
    )
    adjusted = [max(p, q) if not math.isnan(p + q) else math.nan for p, q in zip(dropped[0], at_chance[0], strict=True)]
    for test, p, without, counted in zip(members, adjusted, dropped[1], at_chance[1], strict=True):
        if not test.verdict:
            _conclude(test, without, counted, p, family, design)
    of_members = iter(adjusted)
    return [_judgement(test, next(of_members) if test.in_family else math.nan, family, design) for test in tests]


def judgements_frame(judgements: Iterable[Judgement]) -> pd.DataFrame:
    """One row a claim, with the columns COLUMNS: the content of verdicts.json.

    `look` is the number of seeds that the verdict was taken at, 0 before the first look; `low` and `high` are the 95 %
    interval, not adjusted for looks; `p_support` and `p_contradict` are without the pairs of runs that diverged.
    """
    return pd.DataFrame([_row(each) for each in judgements], columns=COLUMNS)


def _conclude(test: ClaimTest, dropped: str, at_chance: str, p: float, family: int, design: SequentialDesign) -> None:
    """Set the verdict of a claim that was tested, and the reason."""
    claim, first = test.claim, design.looks[0]
    test.verdict = dropped if dropped == at_chance else decision_rules.INCONCLUSIVE
    if not test.look.number:
        test.reason = f"no verdict below {first} seeds: {first - test.n} more needed"
        return
    if test.estimate is not None and test.estimate.n < first:
        test.reason = f"only {test.estimate.n} seeds remain without the pairs of {count(test.diverged)} that diverged"
        return
    if dropped != at_chance:
        test.reason = f"{count(test.diverged)} diverged: {dropped} without their pairs, {at_chance} with them at chance"
        return
    test.reason = _tested(test, p, family)
    if test.verdict == decision_rules.INCONCLUSIVE:
        test.reason += f"; {_what_it_takes(test, family, design)}"
    elif claim.expects in ("higher", "lower"):
        other = max(test.p_dropped)
        if other * test.look.number * (test.look.number + 1) <= design.alpha:
            also = "smaller than the margin" if test.verdict == decision_rules.SUPPORTED else "different from zero"
            test.reason += f"; the difference is significantly {also} (not adjusted by Holm)"
    if test.diverged:
        test.reason += f"; the verdict is the same with {count(test.diverged)} that diverged dropped or at chance"


def _tested(test: ClaimTest, p: float, family: int) -> str:
    adjusted = [f"look {test.look.number} at {test.look.seeds} seeds"]
    if not test.claim.primary:
        adjusted.append("not a primary claim")
    elif family > 1:
        adjusted.append(f"Holm over {family} claims")
    return f"adjusted p {'< 0.0001' if p < 0.0001 else f'= {p:.2g}'} ({', '.join(adjusted)})"


def _sized(test: ClaimTest, family: int, design: SequentialDesign) -> tuple[int | None, float]:
    """`seeds_needed` and `decidable` of a judgement. None and NaN: it is not known."""
    claim, estimate = test.claim, test.estimate
    if claim.margin is None or estimate is None or estimate.n < 2:
        return None, math.nan
    sd = float(estimate.by_seed.std(ddof=1))  # of logarithms, for a ratio
    margin = math.log(claim.margin) if claim.scale == "ratio" else claim.margin
    members = family if claim.primary else 1
    needed = seeds_needed(sd, margin, claim.expects, members, design)
    if needed is not None:
        return needed, math.nan
    decidable = decidable_margin(sd, design.looks[-1], claim.expects, members, design)
    return None, math.exp(decidable) if claim.scale == "ratio" else decidable


def _what_it_takes(test: ClaimTest, family: int, design: SequentialDesign) -> str:
    if test.claim.margin is None:
        return "the claim has no margin, so the number of seeds that it needs is unknown"
    needed, _ = _sized(test, family, design)
    power = f"{100 * POWER:.0f} % power"
    if needed is None:
        return f"even {design.looks[-1]} seeds, the last look, have less than {power} at this margin"
    if needed > test.n:
        return f"{needed - test.n} more seeds ({needed} in total) give {power} at this margin"
    return f"this many seeds have {power} at this margin, so the true difference may be close to the decision boundary"


def _judgement(test: ClaimTest, p: float, family: int, design: SequentialDesign) -> Judgement:
    needed, decidable = _sized(test, family, design) if test.in_family else (None, math.nan)
    return Judgement(
        claim=test.claim,
        verdict=test.verdict,
        reason=test.reason,
        n=test.n,
        look=test.look,
        estimate=test.estimate,
        p=p,
        p_dropped=test.p_dropped,
        p_at_chance=test.p_at_chance,
        diverged=test.diverged,
        seeds_needed=needed,
        decidable=decidable,
    )


def _row(judgement: Judgement) -> dict[str, Any]:
    claim, estimate = judgement.claim, judgement.estimate
    row = {
        name: getattr(claim, name)
        for name in ("id", "says", "quote", "kind", "metric", "expects", "scale", "primary", "meaning")
    }
    known = estimate.row() if estimate is not None else {}
    row |= {name: known.get(name, math.nan) for name in ("estimate", "low", "high", "se", "df")}
    row |= {name: known.get(name, []) for name in ("strata", "inert")}
    return row | {
        "margin": math.nan if claim.margin is None else claim.margin,
        "n": judgement.n,
        "look": judgement.look.seeds,
        "p_support": judgement.p_dropped.support,
        "p_contradict": judgement.p_dropped.contradict,
        "diverged": judgement.diverged,
        "p_support_at_chance": judgement.p_at_chance.support,
        "p_contradict_at_chance": judgement.p_at_chance.contradict,
        "p": judgement.p,
        "seeds_needed": math.nan if judgement.seeds_needed is None else judgement.seeds_needed,
        "decidable": judgement.decidable,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
    }
