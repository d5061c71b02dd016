"""Check the claims of a study before it starts, and find out while it runs how many more seeds they need.

Imported only for studies with claims, because the statistics import pandas.
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
    looks: Sequence[int] = (),
    block: str | None = None,
) -> list[str]:
    """Check that a study can test its claims.

    Args:
        claims: the mappings in study.claims.
        factors: the factors of the study.
        facts: the levels that all runs share.
        seeds: the planned number of seeds.
        metrics: the described metrics, the main one first.
        known: all metrics that the runs will return; None if unknown.
        looks: the numbers of seeds at which verdicts are taken; empty for the default.
        block: the factor whose levels are blocks.

    Returns:
        Lines to print: what this number of seeds can decide.

    Raises:
        ClaimError: for an invalid claim, or one that the study cannot test.
    """
    parsed = parse_all(claims, metrics[0] if metrics else "")
    return claim_planning.plan_claims(parsed, factors, facts, seeds, known, looks, block)


def seeds_wanted(study: Path, seeds: int) -> int:
    """The number of seeds at the next look after `seeds`; 0 if no more are needed."""
    results = load_results(study)
    return claim_planning.seeds_wanted(results.claims(), results, seeds)
