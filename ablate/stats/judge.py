"""Verdicts: the claims of a study, tested and set side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablate.core.claims import LARGEST, Claim
from ablate.core.metrics import Better
from ablate.stats import decision_rules, verdict_reasons
from ablate.stats.claim_estimates import p_values
from ablate.stats.claim_tests import UNKNOWN, ClaimTest, LookTest, Losses, evaluate
from ablate.stats.decision_rules import ALPHA, LOOKS, NO_LOOK, SHOWN, Conclusion, Look, PValues, SequentialDesign, Verdict
from ablate.stats.estimates import Estimate
from ablate.stats.heterogeneity import Heterogeneity, heterogeneity
from ablate.stats.power import Precision, precision_of
from ablate.stats.robustness import Robustness, robustness, sign_flip_p
from ablate.storage.results import StudyResults

COLUMNS = [
    "id", "says", "quote", "kind", "metric", "expects", "margin", "scale", "primary", "meaning",
    "n", "look", "estimate", "low", "high", "se", "df", "strata", "inert",
    "p_support", "p_contradict", "diverged", "p_support_at_chance", "p_contradict_at_chance", "p",
    "seeds_needed", "decidable", "verdict", "reason", "confidence", "low_95", "high_95", "rules", "changed",
    "p_below", "lost", "p_worst_support", "p_worst_contradict", "wins", "p_superior", "worst", "p_strata", "p_sign_flip",
]  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """The verdict on one claim, and what it rests on.

    Attributes:
        claim: what was tested.
        verdict: one of the words of `decision_rules`.
        reason: of the verdict, for a reader.
        n: the seeds that are complete for the claim; a run that was lost is an outcome.
        look: the look that the verdict was reached at, or the last one; its `seeds` are 0 before the first.
        estimate: over the seeds of that look, or over all before the first; None if there is none.
        p: the adjusted p value that decides, after looks and Holm; NaN without a test.
        p_dropped: the p values of the look as they are, without the pairs of lost runs.
        p_at_chance: the same, with these runs at chance.
        p_worst: the same, with these runs at the values that speak most against the verdict; NaN if losses are equal.
        diverged: how many runs diverged.
        seeds_needed: the look at which a difference as large as the margin would be decided; None at none, or without a margin.
        decidable: if at none, the smallest margin that any look would decide, on the scale of the claim; else NaN.
        confidence: of the interval that the verdict rests on, see `interval`.
        strata: the contrast in each stratum, at the look.
        heterogeneity: whether they are equal; None for one stratum.
        losses: by arm, the runs that were lost among the seeds of the look.
        latest: the estimate at the last look, where the verdict was reached before.
        robustness: of a decided verdict; None for others.
        precision: what the seeds can decide; None without a margin or an estimate.
        notes: sentences to print below the verdict: heterogeneity, the worst replicate, robustness.
    """

    claim: Claim
    verdict: Verdict
    reason: str
    n: int
    look: Look
    estimate: Estimate | None
    p: float
    p_dropped: PValues
    p_at_chance: PValues
    p_worst: PValues
    diverged: int
    seeds_needed: int | None
    decidable: float
    confidence: float = 0.95
    strata: Sequence[Estimate] = ()
    heterogeneity: Heterogeneity | None = None
    losses: Sequence[Losses] = ()
    latest: Estimate | None = None
    latest_look: Look = NO_LOOK
    robustness: Robustness | None = None
    precision: Precision | None = None
    notes: tuple[str, ...] = ()

    @property
    def exploratory(self) -> bool:
        """Whether the claim is no primary one, and was tested without adjustment for others."""
        return not self.claim.primary

    @property
    def signed(self) -> bool:
        """Whether the estimate is a difference, whose sign is always shown."""
        return self.claim.kind != "exact" and self.claim.scale != "ratio"

    @property
    def interval(self) -> tuple[float, float]:
        """The interval that the verdict rests on, at the level of its look and of Holm's step; NaN without an estimate.

        If the verdict rests on another estimate than the reported one, such as that of a stratum, the 95 % interval.
        """
        if self.estimate is None:
            return math.nan, math.nan
        numbers = self.estimate.numbers(self.confidence)
        return numbers["low"], numbers["high"]


def judge(claims: Sequence[Claim], results: StudyResults, *, looks: Sequence[int] | None = None) -> list[Judgement]:
    """Judge the claims of a study, by the rules of `decision_rules`.

    Every estimate is averaged within seeds, and its error is that of its own seeds: cells of a study are paired more
    or less closely, so a pooled variance would be wrong. A verdict holds with the pairs of lost runs dropped,
    with these runs at chance, and where arms lost different numbers of runs with these at their worst, or it is
    inconclusive. `identical`: every pair has the very same value, or both
    levels build the same experiment.

    Args:
        claims: in the order in which they are reported.
        results: the runs; `metrics` gives the chance and the limit of each metric, `facts` what `needs` and `where` are
            checked against, `manifest.orders` the orders in which each seed made the changes of a path.
        looks: the numbers of complete seeds at which verdicts are taken; empty for one look at all seeds. By default those of
            the study, see `design_of`.

    Returns:
        One judgement a claim, in their order. A claim that cannot be tested has a reason, and raises nothing.

    Raises:
        ValueError: for `looks` that do not ascend, or below five seeds.

    Example:
        >>> from ablate.storage.dataframe import load_results
        >>> results = load_results("outputs/protocols")
        >>> found = judge(results.claims(), results)[0]
        >>> found.claim.id, found.verdict, found.look.seeds
        ('H2-87', 'inconclusive', 8)
    """
    design = design_of(results) if looks is None else SequentialDesign(tuple(looks))
    tests = [evaluate(claim, results, design) for claim in claims]
    members = [test for test in tests if test.in_family]
    found = decision_rules.by_family(
        [decision_rules.smallest(test.by_look, test.design) for test in members],
        [test.claim.primary for test in members],
        ALPHA,
    )
    sizes, of_members = Counter(test.claim.primary for test in members), iter(found)
    better = [results.metrics[test.claim.metric].better for test in tests]
    return [
        _judgement(test, *next(of_members), sizes[test.claim.primary], direction) if test.in_family else _untested(test)
        for test, direction in zip(tests, better, strict=True)
    ]


def design_of(results: StudyResults) -> SequentialDesign:
    """The looks of a study: declared ones, else LOOKS; one look at everything for other programs' results, and over blocks."""
    if results.manifest.blocks or (results.folder is None and not results.manifest.looks):
        return SequentialDesign(())
    return SequentialDesign(tuple(results.manifest.looks) or LOOKS)


def judgements_frame(judgements: Iterable[Judgement]) -> pd.DataFrame:
    """One row a claim, with the columns COLUMNS: the content of verdicts.json.

    `look` is the number of seeds that the verdict was taken at, 0 before the first look; `low` and `high` are the interval
    that it rests on, at the level `confidence`, `low_95` and `high_95` the one at 95 %; `changed` says which verdict an
    earlier report had, see `verdict_changes.note_changes`; `p_support`, `p_contradict` and `p_below` are without the pairs of
    lost runs.
    """
    rows = [_row(each) for each in judgements]
    return pd.DataFrame([[row[name] for name in COLUMNS] for row in rows], columns=COLUMNS)


def _untested(test: ClaimTest) -> Judgement:
    """The judgement of a claim that is no member of the family."""
    assert test.verdict is not None
    look = Look(0, test.n if test.claim.kind == "exact" else 0)  # of all seeds, without looks
    unknown = (math.nan, UNKNOWN, UNKNOWN, UNKNOWN, 0, None, math.nan)
    return Judgement(test.claim, test.verdict, test.reason, test.n, look, test.estimate, *unknown)


def _judgement(test: ClaimTest, at_levels: PValues, adjusted: PValues, family: int, better: Better | None) -> Judgement:
    """The judgement of a claim that was tested at these levels, on the scale of the whole study; `family`: primary claims, or
    exploratory ones.
    """
    if test.last is None:
        return _untested(test)
    conclusion = decision_rules.conclude(test.by_look, at_levels, test.design)
    if test.verdict:
        conclusion = Conclusion(test.verdict, test.last.look)
    at = next(each for each in test.tests if each.look == conclusion.look)
    at_look, p = _decisive(conclusion.verdict, at.look, test.design, at_levels, adjusted)
    estimate = at.estimates[0]
    spread = heterogeneity(at.strata)
    members = family if test.claim.primary else 1
    precision = precision_of(test.claim, test.last.estimates, members, test.design)
    robust = None
    if not test.verdict and conclusion.verdict != decision_rules.INCONCLUSIVE:
        robust = _robustness(test.claim, at, conclusion, at_look, better)
    reason = test.reason or verdict_reasons.reason(test, conclusion, at, p, family, at_levels, precision)
    return Judgement(
        claim=test.claim,
        verdict=conclusion.verdict,
        reason=reason,
        n=test.n,
        look=at.look,
        estimate=estimate,
        p=p,
        p_dropped=at.p_dropped,
        p_at_chance=at.p_at_chance,
        p_worst=at.p_worst or UNKNOWN,
        diverged=test.diverged,
        seeds_needed=precision.seeds if precision else None,
        decidable=precision.decidable if precision else math.nan,
        confidence=_confidence(test.claim, at, conclusion.verdict, at_look, better),
        strata=at.strata,
        heterogeneity=spread,
        losses=at.losses,
        latest=None if at is test.last else test.last.estimates[0],
        latest_look=test.last.look,
        robustness=robust,
        precision=precision,
        notes=verdict_reasons.notes(
            estimate,
            spread,
            robust,
            test.unit,
            exploratory=0 if test.claim.primary else family,
            above=verdict_reasons.border(test.claim),
            turn=at.turn,
        ),
    )


def _decisive(
    verdict: Verdict, look: Look, design: SequentialDesign, at_levels: PValues, adjusted: PValues
) -> tuple[float, float]:
    """The level at a look and the adjusted p value of what a verdict rests on; without one, of what is closest to a verdict."""
    names = [SHOWN[verdict]] if verdict in SHOWN else [name for name, p in adjusted._asdict().items() if not math.isnan(p)]
    if not names or not look.number:
        return math.nan, math.nan
    name = min(names, key=lambda name: (getattr(adjusted, name), -getattr(at_levels, name) * design.share(look.number, name)))
    return getattr(at_levels, name) * design.share(look.number, name), getattr(adjusted, name)


def _confidence(claim: Claim, at: LookTest, verdict: Verdict, level: float, better: Better | None) -> float:
    """Of the interval of the reported estimate that the verdict rests on; 0.95 if it rests on another estimate.

    Several estimates contradict a claim if one of them does (`union`): `equivalent` in a stratum, and `largest` by a rival.
    """
    if math.isnan(level):
        return 0.95
    if verdict == decision_rules.CONTRADICTED and claim.expects in ("equivalent", LARGEST):
        each = [p_values(claim, [one], better).contradict for one in at.estimates]
        if each[0] > min(each):
            return 0.95
        level /= len(each)
    return 1 - 2 * level


def _robustness(claim: Claim, at: LookTest, conclusion: Conclusion, level: float, better: Better | None) -> Robustness | None:
    """The test of the verdict without each seed, and by sign flips; of `equivalent` there is no sign-flip test."""
    name = SHOWN[conclusion.verdict]

    def p_of(estimates: Sequence[Estimate]) -> float:
        return float(getattr(p_values(claim, estimates, better), name))

    flips = math.nan
    if claim.expects != "equivalent" and len(at.estimates) == 1 and not at.estimates[0].unpaired:
        margin = claim.margin_on_scale or 0.0
        down = claim.expects.startswith("lower") or (claim.expects == "noninferior" and better == "lower")
        values = -at.estimates[0].by_seed if down else at.estimates[0].by_seed
        border = {"higher": 0.0, "lower": 0.0, "largest": 0.0, "noninferior": -margin}.get(claim.expects, margin)
        border = margin if name == "below" else border
        flips = sign_flip_p(values - border if name == "support" else border - values)
    return robustness(at.estimates, p_of, level, flips)


def _row(judgement: Judgement) -> dict[str, Any]:
    claim, estimate = judgement.claim, judgement.estimate
    row = {
        name: getattr(claim, name)
        for name in ("id", "says", "quote", "kind", "metric", "expects", "scale", "primary", "meaning")
    }
    known = estimate.row(judgement.confidence) if estimate is not None else {}
    at_95 = estimate.numbers() if estimate is not None else {}
    numbers = ("estimate", "low", "high", "se", "df", "wins", "p_superior", "worst")
    row |= {name: known.get(name, math.nan) for name in numbers}
    row |= {name: known.get(name, []) for name in ("strata", "inert")}
    return row | {
        "margin": math.nan if claim.margin is None else claim.margin,
        "n": judgement.n,
        "look": judgement.look.seeds,
        "p_support": judgement.p_dropped.support,
        "p_contradict": judgement.p_dropped.contradict,
        "p_below": judgement.p_dropped.below,
        "diverged": judgement.diverged,
        "p_support_at_chance": judgement.p_at_chance.support,
        "p_contradict_at_chance": judgement.p_at_chance.contradict,
        "p": judgement.p,
        "seeds_needed": math.nan if judgement.seeds_needed is None else judgement.seeds_needed,
        "decidable": judgement.decidable,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "confidence": judgement.confidence,
        "low_95": at_95.get("low", math.nan),
        "high_95": at_95.get("high", math.nan),
        "rules": decision_rules.RULES,
        "changed": "",
        "lost": [str(each) for each in judgement.losses if each.lost],
        "p_worst_support": judgement.p_worst.support,
        "p_worst_contradict": judgement.p_worst.contradict,
        "p_strata": judgement.heterogeneity.p if judgement.heterogeneity else math.nan,
        "p_sign_flip": judgement.robustness.sign_flip if judgement.robustness else math.nan,
    }
