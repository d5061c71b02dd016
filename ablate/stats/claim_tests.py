"""Statistical test of a single claim, before it is adjusted for the other claims of the study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ablate.core.claims import LARGEST, Claim, check, unmet
from ablate.core.errors import UsageError
from ablate.stats import attribution, contrasts, decision_rules
from ablate.stats.decision_rules import Look, PValues, SequentialDesign
from ablate.stats.estimates import Estimate
from ablate.stats.outcomes import Outcomes, limit_of
from ablate.storage.results import StudyResults

UNKNOWN = PValues(math.nan, math.nan)
NO_LOOK = Look(0, 0)


@dataclass
class ClaimTest:
    """The test of one claim at its last look.

    Attributes:
        claim: what is tested.
        n: the seeds that are complete for it; a run that diverged is an outcome.
        look: the last look that they have reached; of an exact number, all of them.
        estimate: what the claim is about, over the seeds of the look, or over all before the first look.
        p_dropped: without the pairs of runs that diverged.
        p_at_chance: with these runs at chance.
        diverged: how many there are.
        verdict: set where it needs no p value; else empty.
        reason: of that verdict.
        in_family: whether it can be a member of the family of claims that Holm's procedure adjusts for.
    """

    claim: Claim
    n: int = 0
    look: Look = NO_LOOK
    estimate: Estimate | None = None
    p_dropped: PValues = UNKNOWN
    p_at_chance: PValues = UNKNOWN
    diverged: int = 0
    verdict: str = ""
    reason: str = ""
    in_family: bool = False

    def decide(self, verdict: str, reason: str) -> ClaimTest:
        """Set a verdict that needs no p value."""
        self.verdict, self.reason = verdict, reason
        return self


def estimates_of(claim: Claim, outcomes: Outcomes, drawn: Mapping[Any, Sequence[str]] | None = None) -> list[Estimate]:
    """What a claim is about, over the complete seeds: one estimate, or for `largest` the lead over each other share.

    Raises:
        UsageError: if the study cannot estimate it.
    """
    where = claim.within(outcomes.factors)
    if claim.kind == "contrast":
        return [contrasts.contrast(outcomes, claim.changes[0], where, claim.scale)]
    if claim.kind == "interaction":
        first, second = claim.changes
        return [contrasts.interaction(outcomes, first, second, where, claim.scale)]
    if claim.kind in ("threshold", "exact"):
        return [contrasts.mean(outcomes, where, claim.value or 0.0)]
    by_coalition = attribution.outcomes_by_coalition(outcomes, claim.path, where)
    shares = attribution.shares_by_seed(by_coalition, list(claim.path), drawn)
    steps = claim.path.get(claim.of, claim.all_changes)
    if claim.expects != LARGEST:
        return [attribution.share_estimate(shares[claim.of], steps, where)]
    rivals = [name for name in claim.path if name != claim.of]
    return [attribution.share_estimate(shares[claim.of] - shares[rival], steps, where) for rival in rivals]


def p_values(claim: Claim, estimates: Sequence[Estimate]) -> PValues:
    """The p values of support and contradiction of a claim.

    `largest`: the share is above every other one, hence the largest of the p values of the differences (Berger 1982);
    it is contradicted if some other share is not below it by the margin, hence k - 1 times the smallest (Bonferroni).
    """
    margin = claim.margin or 0.0
    if claim.scale == "ratio":
        margin = math.log(claim.margin or 1.0)
    expects = "higher" if claim.expects == LARGEST else claim.expects
    both = [decision_rules.p_values(each.estimate, each.se, each.df, expects, margin) for each in estimates]
    support = max(float(support) for support, _ in both)
    return PValues(support, min(1.0, len(both) * min(float(contradict) for _, contradict in both)))


def evaluate(claim: Claim, results: StudyResults, design: SequentialDesign) -> ClaimTest:
    """Test a claim at its last look. What prevents a test is the reason of its verdict, never an error."""
    test = ClaimTest(claim)
    try:
        if reason := unmet(claim, results.factors, results.facts):
            return test.decide(decision_rules.NOT_TESTED, reason)
        check(claim, results.factors, results.facts)
        outcomes = Outcomes.of(results, claim.metric)
        if claim.kind == "exact":
            return _exact(test, outcomes)
        test.in_family = True
        drawn = attribution.drawn_orders(claim.path, results.manifest.orders)
        complete = estimates_of(claim, outcomes.with_diverged_at(1.0), drawn)[0]
    except UsageError as error:
        return test.decide(decision_rules.NOT_TESTED, in_short(claim, error))
    if complete.changes_nothing:
        test.estimate, test.in_family = complete, False
        test.n = int(outcomes.outcomes.notna().any(axis="columns").sum())
        return test.decide(
            decision_rules.IDENTICAL,
            "both levels build the same experiment: the factor has no effect on the configuration here",
        )
    test.n = complete.n
    if not test.n:
        holes = "; ".join(str(stratum) or "the only stratum" for stratum in complete.missing)
        where = f" (none is complete in {holes})" if holes else ""
        return test.decide(decision_rules.NOT_TESTED, f"no seed has all the runs that the claim needs{where}")
    test.look = design.last(test.n)
    outcomes = outcomes.of_seeds(complete.by_seed.index[: test.look.seeds or test.n])
    return _at_look(test, outcomes, drawn, results, design)


def in_short(claim: Claim, error: UsageError) -> str:
    """The message of an error as the reason of a verdict on that claim."""
    return str(error).removeprefix(f"claim {claim.id}: ").removesuffix(".")


def count(number: int) -> str:
    """A number of runs, in words."""
    return f"{number} run" if number == 1 else f"{number} runs"


def _at_look(
    test: ClaimTest,
    outcomes: Outcomes,
    drawn: Mapping[Any, Sequence[str]],
    results: StudyResults,
    design: SequentialDesign,
) -> ClaimTest:
    """The test over the outcomes of the seeds of the look."""
    claim = test.claim
    limit, chance = limit_of(results, claim.metric), results.metrics[claim.metric].chance
    test.diverged = int(outcomes.diverged[_columns(claim, outcomes)].to_numpy().sum())
    value = limit if limit is not None else math.nan if chance is None else chance
    try:
        dropped, at_chance = (estimates_of(claim, version, drawn) for version in (outcomes, outcomes.with_diverged_at(value)))
    except UsageError as error:  # of a ratio, whose value at chance is not above zero
        return test.decide(decision_rules.INCONCLUSIVE, in_short(claim, error))
    test.estimate = min(dropped, key=lambda each: each.estimate)
    if not test.look.number:
        return test
    if all(each.identical for each in dropped + at_chance):
        test.decide(decision_rules.IDENTICAL, "all pairs have identical values")
    if test.diverged and math.isnan(value):
        test.decide(
            decision_rules.INCONCLUSIVE, f"{count(test.diverged)} diverged, and the chance level of {claim.metric} is unknown"
        )
    if limit is not None and _mostly_censored(claim, outcomes):
        test.decide(
            decision_rules.INCONCLUSIVE, f"most runs of both arms did not reach the target within the limit of {limit:g}"
        )
    if dropped[0].n >= design.looks[0]:
        test.p_dropped = p_values(claim, dropped)
    if at_chance[0].n >= design.looks[0]:
        test.p_at_chance = p_values(claim, at_chance)
    return test


def _exact(test: ClaimTest, outcomes: Outcomes) -> ClaimTest:
    wanted = test.claim.value
    found = outcomes.outcomes[outcomes.columns(test.claim.within(outcomes.factors))]
    test.n = int(found.notna().any(axis="columns").sum())
    test.look = Look(0, test.n)
    values = found.to_numpy().ravel()
    values = values[~np.isnan(values)]
    if not len(values):
        return test.decide(decision_rules.NOT_TESTED, "no run has finished")
    wrong = values[values != wanted]
    if not len(wrong):
        return test.decide(decision_rules.SUPPORTED, f"{count(len(values))} have exactly {wanted:.15g}")
    others = ", ".join(f"{value:.15g}" for value in np.unique(wrong)[:3])
    return test.decide(
        decision_rules.CONTRADICTED, f"{len(wrong)} of {count(len(values))} have {others} instead of {wanted:.15g}"
    )


def _arms(claim: Claim, outcomes: Outcomes) -> list[list[int]]:
    """The columns of each arm. Two arms of a difference stand one after the other; a threshold has one."""
    where = claim.within(outcomes.factors)
    if claim.changes:
        corners = contrasts.weights(outcomes, claim.changes, where).corners
        return [sorted({columns[end] for columns in corners}) for end in range(2 ** len(claim.changes))]
    if not claim.path:
        return [outcomes.columns(where)]
    ends = []
    for made in (frozenset[str](), frozenset(claim.path)):
        levels = attribution.levels_after(made, claim.path)
        cells = outcomes.select(where).items()
        ends.append(sorted({column for cell, column in cells if all(cell[key] == level for key, level in levels.items())}))
    return ends


def _columns(claim: Claim, outcomes: Outcomes) -> list[int]:
    """Every cell whose divergence would affect the claim."""
    if claim.path:
        return outcomes.columns(claim.within(outcomes.factors))
    return sorted({column for arm in _arms(claim, outcomes) for column in arm})


def _mostly_censored(claim: Claim, outcomes: Outcomes) -> bool:
    """Whether, in some pair of arms, more than half of the runs of both never reached the target."""
    lost = outcomes.censored | outcomes.diverged
    mostly = [float(lost[arm].to_numpy().mean()) > 0.5 for arm in _arms(claim, outcomes)]
    if len(mostly) == 4:  # the corners of an interaction: each of its four simple contrasts
        pairs = [(0, 1), (2, 3), (0, 2), (1, 3)]
        return any(mostly[one] and mostly[other] for one, other in pairs)
    return all(mostly)
