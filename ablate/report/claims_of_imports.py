"""Claims and descriptions of metrics for the results of other tools, which have none of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ablate.core.claim_checks import check
from ablate.core.claims import Claim, parse_all
from ablate.core.errors import UsageError
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
    if stray := [claim for claim in claims or () if not isinstance(claim, Mapping)]:
        raise UsageError(f"claims: expected a list of mappings, such as [{{id: C1, kind: contrast, …}}], found {stray[0]!r}.")
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


def read_claims(path: Path, metrics: Sequence[str]) -> dict[str, Any]:
    """Read a YAML file with claims: a list, or the keys `claims:`, `chance:` and `budgets:`, optionally under `study:`.

    Args:
        path: the file.
        metrics: those that were read, the main one first.

    Raises:
        UsageError: if the file cannot be read, or a claim is about another metric.
    """
    content = read_text(path, yaml.safe_load, "YAML")
    of_study = isinstance(content, Mapping) and isinstance(content.get("study"), Mapping)
    if of_study:
        content = content["study"]
    if isinstance(content, list):
        content = {"claims": content}
    if not isinstance(content, Mapping) or not isinstance(content.get("claims"), list):
        raise UsageError(f"--claims {path}: the file should contain a list of claims, or the key claims.")
    if unknown := [key for key in content if key not in ("claims", "chance", "budgets") and not of_study]:
        raise UsageError(f"--claims {path}: unknown key '{unknown[0]}'; available: claims, chance, budgets.")
    for key in ("chance", "budgets"):
        numbers = content.get(key) or {}
        if not isinstance(numbers, Mapping) or not all(type(value) in (int, float) for value in numbers.values()):
            raise UsageError(f"--claims {path}: {key} should map metrics to numbers, such as {{accuracy: 0.1}}.")
    for claim in content["claims"]:
        named = str(claim.get("metric") or metrics[0]) if isinstance(claim, Mapping) else metrics[0]
        if unread := [term for term in terms_of(named) if term not in metrics]:
            raise UsageError(f"claim {claim.get('id')} is about {unread[0]}: add it to --metric, after the metric to compare.")
    return {key: content[key] for key in ("claims", "chance", "budgets") if content.get(key)}


def read_text(path: Path, parse: Callable[[str], Any], kind: str) -> Any:
    """Read a file and parse its text.

    Raises:
        UsageError: if it cannot be read, or is not valid; `kind` is what it should be.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} is not valid {kind} ({error}).") from None


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
