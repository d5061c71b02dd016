"""Findings about contrasts, for studies without claims: the strongest effects first."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from ablate.core.claims import FEWEST_SEEDS, Unit
from ablate.core.levels import short_names
from ablate.core.metrics import MetricSpec
from ablate.report.findings import Finding, phrase, strata_apart, with_unit
from ablate.report.formatting import capitalized
from ablate.report.model import Report
from ablate.report.table import Row
from ablate.report.values import Interval, has_number, text_of
from ablate.stats.estimates import Estimate
from ablate.stats.heterogeneity import heterogeneity


def contrast_findings(report: Report) -> list[Finding]:
    """One finding for each contrast with an estimate: the effects, then the interactions, in each the largest first."""
    if report.comparison is None or report.tables.contrasts is None:
        return []
    spec, unit = report.metrics[report.comparison.metric], report.comparison.unit
    names = short_names(list(report.results.factors))
    name = f"{spec.title} " if of_several(report) else ""
    limits = report.comparison.contrasts_frame.to_dict("records")
    rows = report.tables.contrasts.rows  # the last may be a control
    strata = report.comparison.strata or [()] * len(limits)
    losses = report.comparison.losses or [""] * len(limits)
    every = zip(report.comparison.contrasts, rows, limits, strata, losses, strict=False)
    known = [each for each in every if math.isfinite(each[0].estimate)]
    sizes = Counter(len(estimate.changes) for estimate, *_ in known)
    known.sort(key=lambda each: (len(each[0].changes), -abs(each[0].estimate)))
    found = []
    for estimate, row, limit, of_strata, lost in known:
        shown = Interval.of(estimate, spec)
        alone, among = _excludes_zero(shown.low, shown.high), _excludes_zero(*_simultaneous(limit, shown.low, shown.high))
        state = _state(estimate, shown, unit, alone, among, sizes[len(estimate.changes)], lost)
        apart = strata_apart(heterogeneity(of_strata), spec)
        subject = phrase(estimate.changes, names)
        over = report.comparison.examples
        parts = [f"over {over}: {text_of(row['examples'])}"] if over and has_number(row["examples"]) else []
        found.append(
            Finding(
                claim="",
                says="",
                sentence=f"{capitalized(subject)}: {name}{with_unit(shown)}{state}{apart}.",
                next_step="",
                verdict=None,
                decided=among and estimate.n >= FEWEST_SEEDS and not lost,
                estimate=shown,
                by_seed=dict(estimate.by_seed.items()),
                unit=unit,
                reason="; ".join([*parts, *filter(None, [_note(row)])]),
                source=row.source,
                subject=subject,
            )
        )
    return found


def of_several(report: Report) -> bool:
    """Whether the runs have several outcomes, so that sentences have to name theirs."""
    return sum(report.metrics[name].role == "outcome" for name in report.metrics if name in report.summary.mean) > 1


def _excludes_zero(low: float, high: float) -> bool:
    return low > 0 or high < 0


def _simultaneous(limits: dict[Any, Any], low: float, high: float) -> tuple[float, float]:
    """The interval that holds for all contrasts at once; that of the contrast alone if there is no other."""
    ends = (limits.get("simultaneous_low", math.nan), limits.get("simultaneous_high", math.nan))
    return (low, high) if math.isnan(ends[0]) else ends


def _state(estimate: Estimate, shown: Interval, unit: Unit, alone: bool, among: bool, family: int, lost: str) -> str:
    """What the interval says, with n; after lost runs it says nothing, as they may have selected those that remain."""
    n = f"n = {estimate.n}{' blocks' if unit == 'block' else ''}"
    if math.isnan(shown.low):
        return f" at {n}, without an interval"
    if not alone:
        return f", undecided at {n}"
    if estimate.n < FEWEST_SEEDS:
        return f", preliminary at {n}"
    if lost:
        return f", undecided at {n} ({lost})"
    direction = _direction(estimate, shown.spec)
    if among:
        return f", {direction} at {n}"
    return f", {direction} at {n}, but undecided among {family} {'effects' if len(estimate.changes) == 1 else 'interactions'}"


def _direction(estimate: Estimate, spec: MetricSpec) -> str:
    above = estimate.estimate > 0
    if len(estimate.changes) > 1:
        return "above zero" if above else "below zero"
    if spec.better is None:
        return "higher" if above else "lower"
    return "better" if above == (spec.better == "higher") else "worse"


def _note(row: Row) -> str:
    return text_of(row["note"]).removesuffix(".") if row["note"] else ""
