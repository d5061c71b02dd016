"""Verdicts in words: the reason of each, and the notes below it."""

from __future__ import annotations

import math

from ablate.core.claims import Claim, Unit
from ablate.stats.attribution import Turn
from ablate.stats.claim_tests import ClaimTest, LookTest, lost_by_arm
from ablate.stats.decision_rules import ALPHA, CONTRADICTED, INCONCLUSIVE, SHOWN, SMALLER, Conclusion, PValues
from ablate.stats.estimates import Estimate
from ablate.stats.heterogeneity import Heterogeneity
from ablate.stats.power import POWER, Precision
from ablate.stats.robustness import Robustness


def reason(
    test: ClaimTest,
    conclusion: Conclusion,
    at: LookTest,
    p: float,
    family: int,
    at_levels: PValues,
    precision: Precision | None,
) -> str:
    """The reason of the verdict of a claim that was tested.

    Args:
        test: of the claim.
        conclusion: what its looks have shown.
        at: the test at the look of the conclusion.
        p: adjusted for looks and claims.
        family: the number of primary claims.
        at_levels: of the hypotheses of the claim, on the scale of the whole study.
        precision: what the seeds can decide.
    """
    last = test.tests[-1]
    prevented = _prevented(test, conclusion, at, at_levels)
    if prevented:
        return prevented
    estimate = at.estimates[0]
    parts = [
        _unpaired(estimate),
        _tested(test, at, p, family),
        _smaller(test, conclusion, at) if conclusion.verdict == SMALLER else "",
        _beyond(test, at) if test.claim.expects == "equivalent" and conclusion.verdict == CONTRADICTED else "",
        _undecided(test, precision) if conclusion.verdict == INCONCLUSIVE else "",
        _later(test, conclusion, last, at_levels) if conclusion.verdict != INCONCLUSIVE and at is not last else "",
        _despite_losses(at) if at.lost else "",
        "" if estimate.unpaired else estimate.note,
    ]
    return "; ".join(part for part in parts if part)


def _prevented(test: ClaimTest, conclusion: Conclusion, at: LookTest, at_levels: PValues) -> str:
    """What alone prevents a verdict: too few seeds, a rule that blocks the test, lost runs; empty if nothing does."""
    last = test.tests[-1]
    if not last.look.number:
        if test.waits_for is not None:
            return _waits(test, last)
        first = test.design.first
        counted = "runs of each configuration" if at.estimates[0].unpaired else f"{test.unit}s"
        return f"no verdict below {first} {counted}: {first - test.n} more needed"
    if conclusion.verdict != INCONCLUSIVE:
        return ""
    if last.blocked:
        return last.blocked
    if last.lost and _decided(test, last.p_dropped, last, at_levels):
        kept = "; unequal losses may have selected the runs that remain" if last.p_worst is not None else ""
        where = "at their worst" if last.p_worst is not None else "at chance"
        return (
            f"{lost_by_arm(last.losses)}{kept}. Without their pairs the claim would be decided, and with the lost runs "
            f"{where} it is not"
        )
    return ""


def _smaller(test: ClaimTest, conclusion: Conclusion, at: LookTest) -> str:
    """What is shown of a difference that is smaller than the margin."""
    if not conclusion.real:
        return "any difference in the claimed direction is smaller than the margin, and none is shown"
    shown = conclusion.real_at
    elsewhere = "" if shown == at.look else f" (look {shown.number} at {shown.seeds} {test.unit}s)"
    return f"a difference in the claimed direction is shown{elsewhere}, and it is smaller than the margin"


def _undecided(test: ClaimTest, precision: Precision | None) -> str:
    """What it takes to decide the claim, and whether it was the last look."""
    last = test.tests[-1]
    if test.waits_for is not None:
        return _waits(test, last)
    needs = _what_it_takes(test, precision)
    too_few = precision is not None and precision.seeds is None  # names the last look itself
    if not test.design.looks or test.design.next(test.n) is not None or too_few:
        return needs
    ended = f"this was the last look: {last.look.seeds} {test.unit}s do not decide the claim"
    return f"{needs}; {ended}" if needs else ended


def _despite_losses(at: LookTest) -> str:
    worst = "" if at.p_worst is None else ", and with those of each arm at the worst or the best value"
    return f"{lost_by_arm(at.losses)}: the verdict is the same with their pairs dropped and with them at chance{worst}"


def notes(
    estimate: Estimate,
    spread: Heterogeneity | None,
    robust: Robustness | None,
    unit: Unit = "seed",
    exploratory: int = 0,
    above: str = "zero",
    turn: Turn | None = None,
) -> tuple[str, ...]:
    """Sentences below a verdict: how many seeds (or blocks) agree, whether strata do, and how much hangs on one seed.

    Args:
        estimate: of the claim.
        spread: of its strata.
        robust: of a decided verdict.
        unit: what n counts.
        exploratory: the number of exploratory claims, for one of these.
        above: what an estimate above zero is above.
        turn: another change before and after which a contribution has opposite signs.
    """
    found = [f"One of {exploratory} exploratory claims, which are not adjusted for each other"] if exploratory > 1 else []
    if estimate.n and not estimate.unpaired:
        superior = "" if math.isnan(estimate.p_superior) or unit == "block" else f"; P(B > A) = {estimate.p_superior:.2f}"
        found.append(
            f"Above {above} in {estimate.wins} of {estimate.n} {unit}s, lowest at {unit} {estimate.worst[0]}{superior}"
        )
    if turn is not None:
        sides = [f"{'above' if each > 0 else 'below'} zero" for each in (turn.before, turn.after)]
        found.append(
            f"Before {turn.other}, the contribution is {sides[0]}, afterwards {sides[1]} (both 95 % intervals exclude zero): "
            "the share is an average of opposite effects"
        )
    if spread is not None and not math.isnan(spread.p):
        differ = "differ" if spread.shown else "are not shown to differ"
        opposite = "" if spread.same_sign else "; their estimates have opposite signs"
        ends = f" (lowest: {spread.lowest.where}; highest: {spread.highest.where})" if spread.shown else ""
        found.append(f"The strata {differ}: p = {spread.p:.2g}{ends}{opposite}")
    if robust is not None:
        found.append(robust.in_words(unit))
    return tuple(found)


def _unpaired(estimate: Estimate) -> str:
    """Where not all is paired, the first thing to say."""
    note = estimate.note if estimate.unpaired else ""
    return note.replace("unpaired: ", "NOT PAIRED: ")


def _tested(test: ClaimTest, at: LookTest, p: float, family: int) -> str:
    claim, over = test.claim, f"{at.look.seeds} {test.unit}s"
    adjusted = [f"look {at.look.number} at {over}" if len(test.design.looks) > 1 else f"one look at {over}"]
    if not claim.primary:
        adjusted.append("exploratory: not a primary claim, not corrected for the others")
    elif family > 1:
        adjusted.append(f"Holm over {family} claims")
    name = "adjusted p" if claim.primary else "p adjusted for looks" if len(test.design.looks) > 1 else "p"
    return f"{name} {'< 0.0001' if p < 0.0001 else f'= {p:.2g}'} ({', '.join(adjusted)})"


def _beyond(test: ClaimTest, at: LookTest) -> str:
    """The strata whose estimate is beyond the margin, which the average may hide."""
    margin = test.claim.margin_on_scale or 0.0
    far = [each for each in at.estimates[1:] if abs(each.estimate) > margin]
    named = [f"{each.where} ({'above' if each.estimate > 0 else 'below'} zero)" for each in far]
    return f"the estimate is beyond the margin in {', '.join(named)}" if named else ""


def _later(test: ClaimTest, conclusion: Conclusion, last: LookTest, at_levels: PValues) -> str:
    """What the looks after the verdict say of it."""
    if conclusion.reversed_at.number:
        where = conclusion.reversed_at
        return (
            f"the verdict of look {conclusion.look.number} stands, but the opposite was shown at look {where.number} "
            f"({where.seeds} seeds): compare the seeds of both before trusting either"
        )
    shown = test.design.shows(last.p, last.look.number, at_levels)
    again = SHOWN[conclusion.verdict] in shown
    left = "not show this" if shown else "leave it open"
    alone = "" if again else f"; look {last.look.number} by itself would {left}"
    if not again and (last.blocked or last.lost):
        alone += f" ({last.blocked or lost_by_arm(last.losses)})"
    return f"reached at {conclusion.look.seeds} of {last.look.seeds} seeds, and stands{alone}"


def _decided(test: ClaimTest, p: PValues, at: LookTest, at_levels: PValues) -> bool:
    """Whether these p values of a look show anything."""
    return bool(test.design.shows(p, at.look.number, at_levels))


def _waits(test: ClaimTest, last: LookTest) -> str:
    """What the look after the last one is not taken for, although it has its number of seeds."""
    look = test.design.reached(test.n)[last.look.number]
    return (
        f"look {look.number} at {look.seeds} seeds waits for seed {test.waits_for}, which was requested before others and has "
        "runs that have not ended: run the command of the study again, or leave these runs out with a reason (study.leave_out)"
    )


def _what_it_takes(test: ClaimTest, precision: Precision | None) -> str:
    if test.claim.margin is None:
        return "the claim has no margin, so the number of seeds that it needs is unknown"
    if precision is None:
        return ""
    enough = f"{100 * POWER:.0f} %"
    power = f"{enough} power"
    tends = leaning(test.tests[-1].p_dropped) if test.n < precision.most else ""
    beyond = f"; but unadjusted for looks and claims it would be {tends}: more {test.unit}s may decide it" if tends else ""
    if precision.seeds is None:
        most = f"{precision.most} {test.unit}s{precision.which}"
        return f"even with {most}, the power at this margin is below {enough}{beyond}"
    if precision.seeds > test.n:
        return (
            f"{precision.seeds - test.n} more {test.unit}s ({precision.seeds} in total; {precision.range}) "
            f"give {power} at this margin{beyond}"
        )
    if beyond:
        return f"this many {test.unit}s have {power} at this margin{beyond}"
    return f"this many {test.unit}s have {power} at this margin, so the true difference may be close to the decision boundary"


def leaning(p: PValues) -> str:
    """The verdict that unadjusted p values, those of the 95 % interval, would give; empty if they leave it open.

    The power at the margin does not know how large the difference seems to be: beyond the border it may take few more seeds.
    """
    verdicts = {name: verdict for verdict, name in SHOWN.items()}
    shown = [name for name in ("contradict", "below", "support") if getattr(p, name) <= ALPHA]
    return verdicts[shown[0]] if shown else ""


def border(claim: Claim) -> str:
    """What the value of a seed is above, in words, if its number in the estimate is above zero."""
    if claim.scale == "ratio":
        return "1"
    return "the threshold" if claim.kind == "threshold" and claim.value else "zero"
