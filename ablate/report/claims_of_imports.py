"""Claims and descriptions of metrics for the results of other tools, which have none of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablate.core.claim_checks import check
from ablate.core.claims import Claim, parse_all
from ablate.core.metrics import terms_of
from ablate.storage.results import StudyResults

SMALLEST = 0.1  # percentage points: a smaller margin was probably meant as a fraction


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
    parsed = parse_all(mappings, results.main_metric)
    for claim in parsed:
        check(claim, results.factors, results.facts, list(map(str, results.values)))
    caveats = (*results.description.caveats, *filter(None, (_of_margin(claim, results) for claim in parsed)))
    return replace(
        results,
        description=replace(results.description, caveats=caveats),
        manifest=results.manifest.model_copy(update={"claims": mappings}),
        metrics=results.metrics.updated(described).completed(chance=chance, limits=limits),
    )


def _of_margin(claim: Claim, results: StudyResults) -> str | None:
    """A caveat about a margin that seems to be a fraction of a metric in percentages, or the reverse."""
    spec = results.metrics[claim.metric]
    if claim.margin is None or claim.scale == "ratio" or not spec.in_percent or len(terms_of(claim.metric)) > 1:
        return None
    percentages = bool((results.values[claim.metric] > 1).any())
    if percentages and 0 < claim.margin < SMALLEST:
        return (
            f"The values of {spec.title} are percentages, so the margin of claim {claim.id}, {claim.margin:g}, is less than "
            "a tenth of a percentage point: one point is 1."
        )
    if not percentages and claim.margin >= 1:
        margin = f"the margin of claim {claim.id} is {100 * claim.margin:g} percentage points"
        return f"The values of {spec.title} are fractions, so {margin}: one point is 0.01."
    return None
