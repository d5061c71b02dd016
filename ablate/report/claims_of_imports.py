"""Claims and descriptions of metrics for the results of other tools, which have none of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablate.core.claim_checks import check
from ablate.core.claims import parse_all
from ablate.storage.results import StudyResults


def with_claims(
    results: StudyResults,
    claims: Sequence[Mapping[str, Any]] | None,
    described: Mapping[str, Mapping[str, Any]],
    chance: Mapping[str, float] | None = None,
    limits: Mapping[str, float] | None = None,
) -> StudyResults:
    """The results with claims, which are checked, and with descriptions of metrics.

    Args:
        results: of another tool.
        claims: as in a study; None for none.
        described: by metric, the keys of its description.
        chance: of metrics whose description lacks it, the value that guessing reaches.
        limits: of metrics whose description lacks it, the limit of a time to a target.

    Raises:
        UsageError: if a claim is invalid or cannot be tested on these results, or for an invalid description.
    """
    mappings = [dict(claim) for claim in claims or ()]
    for claim in parse_all(mappings, results.main_metric):
        check(claim, results.factors, results.facts, list(map(str, results.values)))
    return replace(
        results,
        manifest=results.manifest.model_copy(update={"claims": mappings}),
        metrics=results.metrics.updated(described).completed(chance=chance, limits=limits),
    )
