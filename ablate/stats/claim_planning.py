"""Planning of claims: whether a study can test them, what its seeds can decide, and when it may stop."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ablate.core.claim_checks import check, over_blocks, unmet
from ablate.core.claims import Claim
from ablate.core.levels import Factor, Level
from ablate.core.wording import counted
from ablate.stats.decision_rules import INCONCLUSIVE, LOOKS, SequentialDesign
from ablate.stats.judge import judge
from ablate.stats.power import POWER, plan_table
from ablate.storage.results import StudyResults


def plan_claims(
    claims: Sequence[Claim],
    factors: Mapping[str, Factor],
    facts: Mapping[str, Level],
    seeds: int,
    metrics: Collection[str] | None = None,
    looks: Sequence[int] = LOOKS,
    block: str | None = None,
) -> list[str]:
    """Check that a study can test its claims, and say what its seeds can decide.

    Args:
        claims: of the study.
        factors: those that vary.
        facts: the levels that all runs share.
        seeds: how many there will be.
        metrics: those that the runs will have; None if that is not known.
        looks: the numbers of complete seeds at which verdicts are taken.
        block: the factor whose levels are blocks: their number counts, at one look.

    Returns:
        Lines to print before the sweep.

    Raises:
        ClaimError: for a claim that this study cannot test.
    """
    others = {key: factor for key, factor in factors.items() if key != block}
    for claim in claims:
        if block is None or claim.kind == "exact":
            check(claim, factors, facts, metrics)
        else:
            check(over_blocks(claim, block), others, facts, metrics)
    lacking = {claim.id: unmet(claim, factors, facts) for claim in claims}
    lines = [f"{name} will not be tested: it {missing}." for name, missing in lacking.items() if missing]
    # an exact number needs no seeds, and is no member of Holm's family
    tested = [claim for claim in claims if claim.kind != "exact" and not lacking[claim.id]]
    if not tested:
        return lines
    if block is None:
        design, unit, what = SequentialDesign(tuple(looks) or LOOKS), "seeds", "the paired differences"
    else:
        design, unit, what, seeds = SequentialDesign(()), "blocks", "the differences in the blocks", len(factors[block])
    first, look = design.first, design.last(seeds)
    if not look.number:
        advice = f"use study.seeds={first}, or study.until=decided" if block is None else f"{block} has {seeds} levels"
        return [*lines, f"No verdict below {first} {unit}: {advice}."]
    primary = sum(claim.primary for claim in tested)
    (margins,) = plan_table(claims=max(1, primary), design=design, numbers=[look.seeds]).to_dict("records")
    return [
        *lines,
        f"Minimum detectable effect at {look.seeds} {unit} ({counted(primary, 'primary claim')}, {100 * POWER:.0f} % power): "
        f"{margins['margin']:.1f} standard deviations of {what}; smallest margin of an equivalence: "
        f"{margins['margin_equivalent']:.1f}.",
    ]


def seeds_wanted(claims: Sequence[Claim], results: StudyResults, seeds: int) -> int:
    """The number of seeds that a study needs for its next look, after so many.

    A claim that this study cannot test, whatever it runs, is not waited for.

    Returns:
        The number; 0 if every primary claim is decided, or the last look is taken.
    """
    design = SequentialDesign(tuple(results.manifest.looks) or LOOKS)
    if seeds < design.first:
        return design.first
    verdicts = [each for each in judge(claims, results, looks=design.looks) if each.verdict == INCONCLUSIVE]
    if not any(each.claim.primary and each.claim.kind != "exact" for each in verdicts):  # no seed decides an exact number
        return 0
    return design.next(seeds) or 0
