"""Statistical test of a single claim at each of its looks, before it is adjusted for the other claims of the study."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ablate.core.claim_checks import check, over_blocks, unmet
from ablate.core.claims import FEWEST_SEEDS, Change, Claim, Unit
from ablate.core.errors import UsageError
from ablate.core.metrics import terms_of
from ablate.core.wording import counted
from ablate.stats import attribution, decision_rules
from ablate.stats.blocks import by_block
from ablate.stats.claim_estimates import arms, arms_of, claim_strata, compared, estimates_of, p_values, turn_of_share
from ablate.stats.decision_rules import NO_LOOK, Look, PValues, SequentialDesign, Verdict
from ablate.stats.estimates import PAIRS, Estimate
from ablate.stats.imputation import imputed, value_of_lost
from ablate.stats.outcomes import Outcomes, limit_of
from ablate.stats.pending import first_pending
from ablate.stats.rounding import COPIES
from ablate.storage.results import StudyResults

UNKNOWN = PValues(math.nan, math.nan)
ARMS = 6  # of an unequal loss: each arm is imputed at both ends, 64 analyses at most
Drawn = Mapping[Any, Sequence[str]]


@dataclass(frozen=True)
class Losses:
    """The runs of one arm that were lost: diverged, failed, or finished without a finite value."""

    arm: str
    lost: int
    runs: int

    def __str__(self) -> str:
        return f"{self.lost} of {self.runs} in {self.arm}"


@dataclass(frozen=True)
class LookTest:
    """The test of a claim at one look.

    Attributes:
        look: (0, 0) before the first.
        estimates: see `estimates_of`, over the seeds of the look, without the pairs of lost runs.
        strata: the same contrast in each stratum; empty if there is only one.
        p_dropped: without the pairs of lost runs.
        p_at_chance: with these runs at chance.
        p_worst: with the lost runs of each arm at the value that speaks most against the hypothesis; None if no arm lost more
            runs than another.
        losses: by arm.
        blocked: why there cannot be a decided verdict at this look; empty if there can.
        identical: whether all pairs have identical values.
        turn: see `turn_of_share`.
    """

    look: Look
    estimates: Sequence[Estimate]
    strata: Sequence[Estimate] = ()
    p_dropped: PValues = UNKNOWN
    p_at_chance: PValues = UNKNOWN
    p_worst: PValues | None = None
    losses: Sequence[Losses] = ()
    blocked: str = ""
    identical: bool = False
    turn: attribution.Turn | None = None

    @property
    def p(self) -> PValues:
        """What holds in all analyses; NaN if the look is blocked."""
        if self.blocked:
            return UNKNOWN
        found = self.p_dropped.worst(self.p_at_chance)
        return found if self.p_worst is None else found.worst(self.p_worst)

    @property
    def lost(self) -> int:
        return sum(each.lost for each in self.losses)


@dataclass
class ClaimTest:
    """The tests of one claim.

    Attributes:
        claim: what is tested.
        design: of the study; one look at everything for unpaired results.
        n: the seeds that are complete for it; a run that was lost is an outcome.
        tests: one for each look that they have reached, or one without p values before the first.
        estimate: of a claim that needs no test.
        diverged: how many of the runs diverged.
        verdict: set where it needs no p value.
        reason: of that verdict.
        in_family: whether it can be a member of the family of claims that Holm's procedure adjusts for.
        unit: what n counts.
        waits_for: the seed that the next look waits for, although enough others are complete; None if it waits for none.
    """

    claim: Claim
    design: SequentialDesign
    n: int = 0
    tests: list[LookTest] = field(default_factory=list)
    estimate: Estimate | None = None
    diverged: int = 0
    verdict: Verdict | None = None
    reason: str = ""
    in_family: bool = False
    unit: Unit = "seed"
    waits_for: Any = None

    @property
    def by_look(self) -> dict[Look, PValues]:
        return {test.look: test.p for test in self.tests if test.look.number}

    @property
    def last(self) -> LookTest | None:
        return self.tests[-1] if self.tests else None

    def decide(self, verdict: Verdict, reason: str) -> None:
        """Set a verdict that needs no p value."""
        self.verdict, self.reason = verdict, reason


def evaluate(claim: Claim, results: StudyResults, design: SequentialDesign) -> ClaimTest:
    """Test a claim at its looks. What prevents a test is the reason of its verdict, never an error."""
    blocks = results.manifest.blocks
    block = blocks if blocks in results.factors and claim.kind != "exact" else None
    test = ClaimTest(claim, design.of_claim(claim.expects), unit="seed" if block is None else "block")
    try:
        if reason := unmet(claim, results.factors, results.facts):
            raise UsageError(reason)
        if block is not None:
            claim, outcomes = _over_blocks(claim, results, block)
        else:
            check(claim, results.factors, results.facts)
            outcomes = Outcomes.of(results, claim.metric)
            if design.looks:  # their seeds are those that are complete in all strata, and more will be
                outcomes = replace(outcomes, together=0)
        if claim.kind == "exact":
            _exact(test, outcomes)
        else:
            _test(test, claim, outcomes, results)
    except UsageError as error:
        test.decide(decision_rules.NOT_TESTED, in_short(claim, error))
    return test


def _test(test: ClaimTest, claim: Claim, outcomes: Outcomes, results: StudyResults) -> None:
    """Test a claim at the looks that its seeds (or blocks) have reached, or decide it where no test is needed.

    Raises:
        UsageError: if it cannot be tested.
    """
    if claim.expects == "noninferior" and results.metrics[claim.metric].better is None:
        name = terms_of(claim.metric)[0]
        raise UsageError(f"whether a higher or a lower {name} is better is unknown: declare it (study.metrics.{name}.better)")
    test.in_family = True
    drawn = attribution.drawn_orders(claim.path, results.manifest.orders)
    plain = claim.model_copy(update={"scale": "difference"})  # the same seeds, where a ratio is not defined as well
    complete = estimates_of(plain, outcomes.with_diverged_at(1.0), drawn)[0]
    ended = complete if complete.unpaired else estimates_of(plain, outcomes.with_lost_at(1.0), drawn)[0]
    if complete.changes_nothing:
        test.estimate, test.in_family = replace(complete, scale=claim.scale), False
        test.n = int(outcomes.outcomes.notna().any(axis="columns").sum())
        test.decide(
            decision_rules.IDENTICAL,
            "both levels build the same experiment: the factor has no effect on the configuration here",
        )
        return
    # A study that grows will pair its seeds
    if not complete.n or (complete.unpaired and (test.design.looks or complete.n < PAIRS)):
        holes = "; ".join(str(stratum) or "the only stratum" for stratum in complete.missing)
        where = f" (none is complete in {holes})" if holes else ""
        raise UsageError(f"no {test.unit} has all the runs that the claim needs{where}")
    test.n = ended.n
    if complete.unpaired:
        test.design = replace(test.design, looks=())
    ready = test.n
    if test.design.looks and (pending := first_pending(plain, results, outcomes, ended.by_seed.index, drawn)):
        ready = pending.before
        test.waits_for = pending.seed if test.design.last(ready) != test.design.last(test.n) else None
    for look in test.design.reached(ready) or [NO_LOOK]:
        seeds = outcomes.outcomes.index if complete.unpaired else ended.by_seed.index[: look.seeds or test.n]
        of_look = outcomes.of_seeds(seeds)
        try:
            test.tests.append(_at_look(claim, of_look, drawn, results, look, test.unit))
        except UsageError as error:  # a ratio of values that are not above zero: what earlier looks have shown stands
            if not test.tests:
                raise
            test.tests.append(LookTest(look, [_without_numbers(test.tests[-1].estimates[0])], blocked=in_short(claim, error)))
    test.diverged = int(of_look.diverged_runs[_columns(claim, of_look)].sum())
    last = test.tests[-1]
    if last.look.number and last.identical and not last.blocked:
        test.decide(decision_rules.IDENTICAL, "all pairs have identical values")


def _over_blocks(claim: Claim, results: StudyResults, block: str) -> tuple[Claim, Outcomes]:
    """A claim and its outcomes with a row a block; what `where` says of blocks selects rows."""
    only, claim = claim.where.allowed.get(block), over_blocks(claim, block)
    check(claim, {key: factor for key, factor in results.factors.items() if key != block}, results.facts)
    outcomes = Outcomes.of(results, claim.metric)
    columns = _columns(claim, by_block(outcomes, block, only, claim.scale))
    return claim, by_block(outcomes, block, only, claim.scale, incomplete=False, needed=columns)


def in_short(claim: Claim, error: UsageError) -> str:
    """The message of an error as the reason of a verdict on that claim."""
    return str(error).removeprefix(f"claim {claim.id}: ").removesuffix(".")


def lost_by_arm(losses: Sequence[Losses]) -> str:
    """Losses as text: all arms if there are few, else those that lost runs."""
    shown = [each for each in losses if each.lost or len(losses) <= 4]
    return f"lost runs: {', '.join(map(str, sorted(shown, key=lambda each: -each.lost)))}"


def losses_in_words(outcomes: Outcomes, changes: Sequence[Change]) -> str:
    """The runs that each arm of a contrast lost, as text; empty if none did, or nothing can be compared."""
    if not outcomes.lost_runs.any():
        return ""
    try:
        found = _losses(outcomes, arms_of(outcomes, changes))
    except UsageError:
        return ""
    return lost_by_arm(found) if any(each.lost for each in found) else ""


def _losses(outcomes: Outcomes, by_arm: Mapping[str, list[int]]) -> list[Losses]:
    return [
        Losses(name, int(outcomes.lost_runs[columns].sum()), int(outcomes.ended_runs[columns].sum()))
        for name, columns in by_arm.items()
    ]


def _at_look(claim: Claim, outcomes: Outcomes, drawn: Drawn, results: StudyResults, look: Look, unit: Unit) -> LookTest:
    """The test over the outcomes of the seeds (or blocks) of a look."""
    limit, spec = limit_of(results, claim.metric), results.metrics[claim.metric]
    value = limit if limit is not None else value_of_lost(spec, outcomes.outcomes)

    def estimated(version: Outcomes) -> list[Estimate]:
        return estimates_of(claim, version, drawn)

    def tested(estimates: Sequence[Estimate]) -> PValues:
        return p_values(claim, estimates, spec.better) if estimates[0].n >= FEWEST_SEEDS else UNKNOWN

    dropped = estimated(outcomes)
    by_arm = arms(claim, outcomes)
    losses = _losses(outcomes, by_arm)
    test = LookTest(look, dropped, claim_strata(claim, outcomes), losses=losses, turn=turn_of_share(claim, outcomes, drawn))
    if not look.number:
        return test
    test = replace(test, p_dropped=tested(dropped), blocked=_blocked(claim, outcomes, test, value, limit, unit))
    if claim.scale == "ratio" and test.lost and value <= 0:
        return replace(test, blocked=test.blocked or _no_ratio(claim, test, value))
    at_chance, worst = estimated(outcomes.with_lost_at(value)), None
    if not test.blocked and test.lost and (len(losses) == 1 or len({each.lost for each in losses}) > 1):
        versions = imputed(outcomes, _columns(claim, outcomes), by_arm.values(), value)
        worst = _largest([tested(estimated(version)) for version in versions])
    same = all(each.identical for each in [*dropped, *at_chance])
    return replace(test, p_at_chance=tested(at_chance), p_worst=worst, identical=same)


def _without_numbers(estimate: Estimate) -> Estimate:
    """The same at a look where it cannot be estimated."""
    nothing = estimate.by_seed.iloc[:0]
    return replace(estimate, by_seed=nothing, se=math.nan, df=0.0, arms=None, unpaired=None, least_se=0.0, by_steps=0.0)


def _no_ratio(claim: Claim, test: LookTest, value: float) -> str:
    return (
        f"{lost_by_arm(test.losses)}; they count as {value:g}, the chance level of {claim.metric}, and a ratio needs values "
        f"above zero: declare another (study.metrics.{terms_of(claim.metric)[0]}.chance), or set runs aside with a reason "
        "(study.leave_out)"
    )


def _largest(found: Sequence[PValues]) -> PValues:
    return functools.reduce(PValues.worst, found)


def _blocked(claim: Claim, outcomes: Outcomes, test: LookTest, value: float, limit: float | None, unit: Unit) -> str:
    """Why there cannot be a decided verdict; empty if there can."""
    if any(COPIES in each.note for each in test.estimates):
        return f"{COPIES}: they count as one"
    if test.lost:
        said = lost_by_arm(test.losses)
        if math.isnan(value):
            return (
                f"{said}; the chance level of {claim.metric} is unknown, so they cannot be counted at chance: declare "
                f"it (study.metrics.{terms_of(claim.metric)[0]}.chance), or set runs aside with a reason (study.leave_out)"
            )
        if test.estimates[0].n < FEWEST_SEEDS:
            return f"{said}; only {counted(test.estimates[0].n, unit)} left without their pairs"
        if len(test.losses) > 1 and sum(each.lost > 0 for each in test.losses) > ARMS:
            return f"{said}; more than {ARMS} arms lost runs"
    if limit is not None and _mostly_censored(claim, outcomes):
        return f"most runs of both arms did not reach the target within the limit of {limit:g}"
    bounded = claim.expects not in ("higher", "lower")
    if limit is not None and bounded and any(outcomes.unreached_share(arm) > 0.5 for arm in compared(claim, outcomes)):
        return f"most runs of one arm did not reach the target within the limit of {limit:g}, so the difference has no bound"
    return ""


def _exact(test: ClaimTest, outcomes: Outcomes) -> None:
    """Decide whether all values are exactly what was claimed."""
    wanted = test.claim.value
    columns = outcomes.columns(test.claim.within(outcomes.factors))
    found = outcomes.outcomes[columns]
    test.n = int(found.notna().any(axis="columns").sum())
    values = found.to_numpy().ravel()
    values = values[~np.isnan(values)]
    if not len(values):
        raise UsageError("no run has finished")
    wrong, runs = values[values != wanted], counted(len(values), "run")
    if len(wrong):
        others = ", ".join(f"{value:,.15g}" for value in np.unique(wrong)[:3])
        test.decide(decision_rules.CONTRADICTED, f"{len(wrong)} of {runs} have {others} instead of {wanted:,.15g}")
    elif lost := int(outcomes.lost_runs[columns].sum()):  # whatever value they would have had
        said = f"{runs} have exactly {wanted:,.15g}, and {counted(lost, 'run')} that the claim is about were lost"
        test.decide(decision_rules.INCONCLUSIVE, said)
    else:
        test.decide(decision_rules.SUPPORTED, f"{runs} have exactly {wanted:,.15g}")


def _columns(claim: Claim, outcomes: Outcomes) -> list[int]:
    """Every cell whose losses would affect the claim."""
    return sorted({column for arm in arms(claim, outcomes).values() for column in arm})


def _mostly_censored(claim: Claim, outcomes: Outcomes) -> bool:
    """Whether, in some pair of arms, more than half of the runs of both never reached the target."""
    mostly = [outcomes.unreached_share(arm) > 0.5 for arm in compared(claim, outcomes)]
    if len(mostly) == 4:  # the corners of an interaction: each of its four simple contrasts
        pairs = [(0, 1), (2, 3), (0, 2), (1, 3)]
        return any(mostly[one] and mostly[other] for one, other in pairs)
    return all(mostly)
