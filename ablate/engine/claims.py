"""The claims of a study: checked before it starts, and asked, while it runs, whether they are decided.

Imported when a study has claims: statistics need pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.core.claims import parse_all
from ablate.core.levels import Factor, Level
from ablate.stats import claim_planning
from ablate.storage.dataframe import load_results


def check(
    claims: Sequence[Mapping[str, Any]],
    factors: Mapping[str, Factor],
    facts: Mapping[str, Level],
    seeds: int,
    metrics: Sequence[str] = (),
    known: Collection[str] | None = None,
) -> list[str]:
    """Check that a study can test its claims.

    Args:
        claims: as the options have them.
        factors: of the study.
        facts: the levels that all runs share.
        seeds: how many there will be.
        metrics: those that are described, the main one first.
        known: all metrics that runs will have; None if that is not known.

    Returns:
        What so many seeds can decide, in lines to print.

    Raises:
        ClaimError: for a claim that cannot be read, or that this study cannot test.
    """
    parsed = parse_all(claims, metrics[0] if metrics else "")
    return claim_planning.plan_claims(parsed, factors, facts, seeds, known)


def seeds_wanted(study: Path, seeds: int) -> int:
    """How many seeds a study needs for its next look, after so many; 0 if it needs no more."""
    results = load_results(study)
    return claim_planning.seeds_wanted(results.claims(), results, seeds)
