"""Check before anything runs that a study can test its claims."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ablate.core.cells import Condition
from ablate.core.claims import Claim
from ablate.core.errors import ClaimError, UsageError
from ablate.core.levels import Factor, Level
from ablate.core.metrics import terms_of


def check(
    claim: Claim,
    factors: Mapping[str, Factor],
    facts: Mapping[str, Level] | None = None,
    metrics: Collection[str] | None = None,
) -> None:
    """Check that a study with these factors can test the claim.

    Args:
        claim: the claim.
        factors: the factors of the study.
        facts: the levels that all runs share; the claim's `where` must not contradict them.
        metrics: the metrics that the runs will return; None if unknown.

    Raises:
        ClaimError: if the study cannot test the claim.
    """
    facts = facts or {}
    if metrics is not None and claim.metric not in metrics:
        for term in terms_of(claim.metric):
            if term not in metrics:
                raise ClaimError(f"claim {claim.id}: unknown metric '{term}'; available: {', '.join(metrics)}.")
    for change in claim.all_changes:
        if change.factor not in factors:
            raise ClaimError(f"claim {claim.id}: {change.factor} is not a factor of this study; available: {_names(factors)}.")
        for level in (change.start, change.end):
            _known(claim, factors[change.factor], level, "")
    _check_where(claim, factors, facts)
    if claim.kind == "path":
        _check_path(claim, factors)


def over_blocks(claim: Claim, block: str) -> Claim:
    """The claim over the blocks of a study: what its `where` says of them selects blocks, and is no condition of cells.

    Raises:
        ClaimError: if the claim is about a change of the block.
    """
    if any(change.factor == block for change in claim.all_changes):
        raise ClaimError(f"claim {claim.id}: {block} is a block of this study, and a claim cannot be about a change of it.")
    others = Condition({key: levels for key, levels in claim.where.allowed.items() if key != block})
    return claim.model_copy(update={"where": others})


def unmet(claim: Claim, factors: Mapping[str, Factor], facts: Mapping[str, Level] | None = None) -> str:
    """Describe the needs of the claim that the study does not meet; empty if it meets all.

    A need that concerns a factor is met if the claim's `where` fixes that factor at an allowed level.
    """
    facts = facts or {}
    missing = []
    for key, allowed in claim.needs.allowed.items():
        wanted = str(Condition({key: allowed}))
        if key in factors:
            fixed = claim.where.allowed.get(key, ())
            if not fixed or not set(fixed) <= set(allowed):
                missing.append(f"needs {wanted}, but {key} is a factor of this study: fix its level in `where`")
        elif facts.get(key) not in allowed:
            has = f"has {key}={facts[key]}" if key in facts else f"does not record {key}"
            missing.append(f"needs {wanted}; this study {has}")
    return ", and ".join(missing)


def _check_where(claim: Claim, factors: Mapping[str, Factor], facts: Mapping[str, Level]) -> None:
    changed = {change.factor for change in claim.all_changes}
    for key, allowed in claim.where.allowed.items():
        if key in changed:
            raise ClaimError(f"claim {claim.id}: `where` cannot fix {key}, which the claim itself changes.")
        if key in factors:
            for level in allowed:
                _known(claim, factors[key], level, "no cell matches `where`: ")
        elif facts.get(key) not in allowed:
            has = f"this study has {key}={facts[key]}" if key in facts else f"{key} does not vary"
            raise ClaimError(f"claim {claim.id}: no cell matches where {Condition({key: allowed})}: {has}.")


def _check_path(claim: Claim, factors: Mapping[str, Factor]) -> None:
    changed = {change.factor for change in claim.all_changes}
    if several := [key for key, allowed in claim.where.allowed.items() if len(allowed) > 1]:
        raise ClaimError(f"claim {claim.id}: for a path, `where` needs a single level of {several[0]}.")
    if loose := [key for key in factors if key not in changed and key not in claim.where.allowed]:
        raise ClaimError(f"claim {claim.id}: {', '.join(loose)} varies in this study: fix its level in `where`.")


def _known(claim: Claim, factor: Factor, level: Level, prefix: str) -> None:
    try:
        factor.level(level)
    except UsageError as error:
        raise ClaimError(f"claim {claim.id}: {prefix}{error}") from None


def _names(factors: Collection[str]) -> str:
    return ", ".join(factors) or "nothing"
