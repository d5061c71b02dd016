"""A finding of a study: one sentence for a claim or a contrast, and the words for changes and estimates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablate.core.claims import FEWEST_SEEDS, Change, Unit
from ablate.core.metrics import MetricSpec
from ablate.report.values import Interval
from ablate.stats.decision_rules import Verdict
from ablate.stats.heterogeneity import Heterogeneity


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        claim: the id of the claim; empty for a contrast.
        says: the claim in words; empty for a contrast.
        quote: the original words of the claim.
        sentence: what the runs show, in one sentence.
        next_step: how to decide it, if it is not decided.
        changed: which verdict an earlier report had, and why it is another one now; empty if none had.
        verdict: the verdict on the claim; None for a contrast.
        decided: whether the verdict is final; for a contrast, whether the interval excludes zero among all contrasts.
        estimate: the estimate with its interval, for the forest plot; None if there is none.
        margin: the margin of the claim, in the units of the estimate; NaN without one.
        by_seed: the values of the seeds or blocks, in the units of the estimate.
        unit: what `by_seed` is about: `seed` or `block`.
        reason: the reason of the verdict; for a contrast, what limits it.
        source: the source of the numbers, see `Report.sources`.
        subject: of a contrast, the change in few words.
    """

    claim: str
    says: str
    sentence: str
    next_step: str
    verdict: Verdict | None
    decided: bool
    estimate: Interval | None
    margin: float = math.nan
    by_seed: Mapping[Any, float] = field(default_factory=dict)
    unit: Unit = "seed"
    reason: str = ""
    source: str = ""
    quote: str = ""
    subject: str = ""
    changed: str = ""


def phrase(changes: Sequence[Change], names: Mapping[str, str] | None = None) -> str:
    """A change in words.

    >>> phrase([Change.of("model.dropout", True, False)], {"model.dropout": "dropout"})
    'removing dropout'
    >>> phrase([Change.of("stem", "direct", "pyramid")])
    'changing stem from direct to pyramid'
    >>> phrase([Change.of("bn", False, True), Change.of("stem", "direct", "pyramid")])
    'interaction of adding bn and stem=pyramid'
    """
    names = names or {}
    if len(changes) == 1:
        return _one(changes[0], names.get(changes[0].factor, changes[0].factor))
    return f"interaction of {' and '.join(_part(each, names.get(each.factor, each.factor)) for each in changes)}"


def _one(change: Change, name: str) -> str:
    start, end = change.start, change.end
    if end.is_off and not start.is_off:
        return f"removing {name}" + ("" if start.text == "true" else f" ({start})")
    if start.is_off and not end.is_off:
        return f"adding {name}" + ("" if end.text == "true" else f" ({end})")
    return f"changing {name} from {start} to {end}"


def _part(change: Change, name: str) -> str:
    """A change of an interaction: shorter, since the baseline is known."""
    return _one(change, name) if change.start.is_off != change.end.is_off else f"{name}={change.end}"


def strata_apart(spread: Heterogeneity | None, spec: MetricSpec, signed: bool = True) -> str:
    """The two strata that are furthest apart, as the end of a sentence; empty if strata are not shown to differ."""
    if spread is None or not spread.shown or spread.n < FEWEST_SEEDS:
        return ""
    cells = [each.strata[0] for each in (spread.highest, spread.lowest)]
    own = [cell.changed(other) for cell, other in zip(cells, reversed(cells), strict=True)]
    ends = [
        f"{with_unit(Interval.of(each, spec, signed))} where {cell.label}"
        for each, cell in zip((spread.highest, spread.lowest), own, strict=True)
    ]
    return f"; the strata differ: {', '.join(ends)}"


def with_unit(estimate: Interval) -> str:
    """An estimate with its interval and unit: `+3.4 points [−1.3, +8.2]`."""
    text, unit = str(estimate), "points" if estimate.spec.in_percent and estimate.signed else estimate.spec.unit
    if not unit:
        return text
    value, bracket, rest = text.partition(" [")
    return f"{value} {unit}{bracket}{rest}"
