"""Check the claims of a study before it starts, and find out while it runs how many more seeds they need.

Imported only for studies with claims, because the statistics import pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from ablate.core.claims import parse_all
from ablate.core.levels import Level
from ablate.stats import claim_planning
from ablate.storage.dataframe import load_results
from ablate.storage.manifest import StudyManifest


def check(manifest: StudyManifest, facts: Mapping[str, Level], seeds: int, known: Collection[str] | None = None) -> list[str]:
    """Check that a study can test its claims.

    Args:
        manifest: that of the study; the metric of claims that name none is the first that it describes.
        facts: the levels that all runs share.
        seeds: the planned number of seeds.
        known: all metrics that the runs will return; None if unknown.

    Returns:
        Lines to print: what this number of seeds can decide.

    Raises:
        ClaimError: for an invalid claim, or one that the study cannot test.
    """
    parsed = parse_all(manifest.claims, next(iter(manifest.description.get("metrics", ())), ""))
    factors = manifest.typed_factors()
    return claim_planning.plan_claims(parsed, factors, facts, seeds, known, manifest.looks, manifest.blocks)


def seeds_wanted(study: Path, seeds: int) -> int:
    """The number of seeds at the next look after `seeds`; 0 if no more are needed."""
    results = load_results(study)
    return claim_planning.seeds_wanted(results.claims(), results, seeds)
