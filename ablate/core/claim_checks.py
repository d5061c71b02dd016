"""Check whether a study can test a claim: that its factors, levels and metrics exist, and that its needs are met."""

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
        factors: those that vary in the study.
        facts: the levels that all runs share; a `where` about one of them must agree with it.
        metrics: those that its runs will have; None if that is not known.

    Raises:
        ClaimError: saying why not.
    """
    facts = facts or {}
    for term in terms_of(claim.metric) if metrics is not None and claim.metric not in metrics else ():
        if term not in (metrics or ()):
            raise ClaimError(f"claim {claim.id}: unknown metric '{term}'; available: {', '.join(metrics or ())}.")
    for change in claim.all_changes:
        if change.factor not in factors:
            raise ClaimError(f"claim {claim.id}: {change.factor} does not vary in this study; what varies: {_names(factors)}.")
        for level in (change.start, change.end):
            _known(claim, factors[change.factor], level, "")
    _check_where(claim, factors, facts)
    if claim.kind == "path":
        _check_path(claim, factors)


def unmet(claim: Claim, factors: Mapping[str, Factor], facts: Mapping[str, Level] | None = None) -> str:
    """In words, all that the claim needs and the study does not have; empty if it has everything.

    A need about a factor that varies is met if the claim's `where` fixes the factor as needed.
    """
    facts = facts or {}
    missing = []
    for key, allowed in claim.needs.allowed.items():
        wanted = str(Condition({key: allowed}))
        if key in factors:
            fixed = claim.where.allowed.get(key, ())
            if not fixed or not set(fixed) <= set(allowed):
                missing.append(f"needs {wanted}, and {key} varies in this study: `where` has to fix it")
        elif facts.get(key) not in allowed:
            has = f"has {key}={facts[key]}" if key in facts else f"does not say its {key}"
            missing.append(f"needs {wanted}; this study {has}")
    return ", and ".join(missing)


def _check_where(claim: Claim, factors: Mapping[str, Factor], facts: Mapping[str, Level]) -> None:
    changed = {change.factor for change in claim.all_changes}
    for key, allowed in claim.where.allowed.items():
        if key in changed:
            raise ClaimError(f"claim {claim.id}: {key} changes, so `where` cannot fix it.")
        if key in factors:
            for level in allowed:
                _known(claim, factors[key], level, "`where` selects nothing: ")
        elif facts.get(key) not in allowed:
            has = f"this study has {key}={facts[key]}" if key in facts else f"{key} does not vary"
            raise ClaimError(f"claim {claim.id}: where {Condition({key: allowed})} selects nothing: {has}.")


def _check_path(claim: Claim, factors: Mapping[str, Factor]) -> None:
    changed = {change.factor for change in claim.all_changes}
    if several := [key for key, allowed in claim.where.allowed.items() if len(allowed) > 1]:
        raise ClaimError(f"claim {claim.id}: where {several[0]} has to be one level for a path.")
    if loose := [key for key in factors if key not in changed and key not in claim.where.allowed]:
        raise ClaimError(f"claim {claim.id}: {', '.join(loose)} varies in this study: `where` has to fix it.")


def _known(claim: Claim, factor: Factor, level: Level, prefix: str) -> None:
    try:
        factor.level(level)
    except UsageError as error:
        raise ClaimError(f"claim {claim.id}: {prefix}{error}") from None


def _names(factors: Collection[str]) -> str:
    return ", ".join(factors) or "nothing"
