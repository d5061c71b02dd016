"""The findings of a study: one sentence for each claim, or, without claims, for each contrast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ablate.core.claims import Change, Claim
from ablate.core.levels import short_names
from ablate.core.metrics import Metrics, MetricSpec
from ablate.report import claim_tables
from ablate.report.claim_tables import claim_spec
from ablate.report.formatting import capitalized, number
from ablate.report.model import Report
from ablate.report.table import Row
from ablate.report.values import Interval, has_number, text_of
from ablate.stats import decision_rules
from ablate.stats.estimates import Estimate
from ablate.stats.judge import Judgement

SHOWN = 12  # findings of a study without claims; the table of contrasts has all


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        claim: the id of the claim; empty for a contrast.
        says: the claim in words; empty for a contrast.
        quote: the original words of the claim.
        sentence: what the runs show, in one sentence.
        next_step: how to decide it, if it is not decided.
        verdict: the verdict on the claim; empty for a contrast.
        estimate: the estimate with its interval, for the forest plot; None if there is none.
        margin: the margin of the claim, in the units of the estimate; NaN without one.
        by_seed: the values of the seeds, in the units of the estimate.
        reason: the reason of the verdict; for a contrast, its kind and its notes.
        source: the source of the numbers, see `Report.sources`.
    """

    claim: str
    says: str
    sentence: str
    next_step: str
    verdict: str
    estimate: Interval | None
    margin: float = math.nan
    by_seed: Mapping[Any, float] = field(default_factory=dict)
    reason: str = ""
    source: str = ""
    quote: str = ""

    @property
    def decided(self) -> bool:
        """Whether the verdict is final, or, for a contrast, whether the interval excludes zero."""
        if self.claim:
            return self.verdict not in (decision_rules.INCONCLUSIVE, decision_rules.NOT_TESTED)
        return self.estimate is not None and (self.estimate.low > 0 or self.estimate.high < 0)


def findings(report: Report) -> list[Finding]:
    """The findings of a report in the order of its claims or contrasts."""
    if report.claims.judgements:
        names = short_names(list(report.results.factors))
        return [_of_claim(each, report.metrics, report.metric, names) for each in report.claims.judgements]
    if report.comparison is None or report.tables.contrasts is None:
        return []
    spec = report.metrics[report.comparison.metric]
    names = short_names(list(report.results.factors))
    found = [
        _of_contrast(each, spec, names, row, report.comparison.examples)
        for each, row in zip(
            report.comparison.contrasts, report.tables.contrasts.rows, strict=False
        )  # the last may be a control
        if math.isfinite(each.estimate)
    ]
    return found[:SHOWN]


def phrase(changes: Sequence[Change], names: Mapping[str, str] | None = None) -> str:
    """A change in words.

    >>> phrase([Change.of("model.dropout", True, False)], {"model.dropout": "dropout"})
    'removing dropout'
    >>> phrase([Change.of("stem", "direct", "pyramid")])
    'changing stem from direct to pyramid'
    >>> phrase([Change.of("bn", False, True), Change.of("dropout", 0, 0.5)])
    'interaction of adding bn and adding dropout (0.5)'
    """
    words = [_one(each, (names or {}).get(each.factor, each.factor)) for each in changes]
    return words[0] if len(words) == 1 else f"interaction of {' and '.join(words)}"


def _one(change: Change, name: str) -> str:
    start, end = change.start, change.end
    if end.is_off and not start.is_off:
        return f"removing {name}" + ("" if start.text == "true" else f" ({start})")
    if start.is_off and not end.is_off:
        return f"adding {name}" + ("" if end.text == "true" else f" ({end})")
    return f"changing {name} from {start} to {end}"


def with_unit(estimate: Interval) -> str:
    """An estimate with its interval and unit: `+3.4 points [−1.3, +8.2]`."""
    text, unit = str(estimate), "points" if estimate.spec.percent and estimate.signed else estimate.spec.unit
    if not unit:
        return text
    value, _, interval = text.partition(" ")
    return f"{value} {unit} {interval}".rstrip()


def _of_contrast(estimate: Estimate, spec: MetricSpec, names: Mapping[str, str], row: Row, examples: str) -> Finding:
    low, high = estimate.interval()
    shown = Interval(estimate.estimate, low, high, spec)
    seeds = f"n = {estimate.n}"
    if math.isnan(low):
        ending = f"{seeds}, no interval"
    elif low > 0 or high < 0:
        ending = f"{seeds}; 95 % interval excludes zero"
    else:
        ending = f"{seeds}; 95 % interval includes zero"
    parts: list[str] = [estimate.kind]
    if examples and has_number(row["examples"]):
        parts.append(f"over {examples}: {text_of(row['examples'])}")
    parts += [estimate.note] if estimate.note else []
    return Finding(
        claim="",
        says="",
        sentence=f"{capitalized(phrase(estimate.changes, names))}: {with_unit(shown)} ({ending}).",
        next_step="",
        verdict="",
        estimate=shown,
        by_seed=dict(estimate.by_seed.items()),
        reason="; ".join(parts),
        source=row.source,
    )


def _of_claim(judgement: Judgement, metrics: Metrics, main: str | None, names: Mapping[str, str]) -> Finding:
    claim, spec = judgement.claim, claim_spec(judgement, metrics)
    shown = _interval(judgement, spec)
    by_seed: dict[Any, float] = {}
    if judgement.estimate is not None:
        values = judgement.estimate.by_seed
        by_seed = {seed: math.exp(value) if claim.scale == "ratio" else value for seed, value in values.items()}
    return Finding(
        claim=claim.id,
        says=claim.says,
        sentence=_sentence(judgement, shown, metrics, main, names),
        next_step=_next_step(judgement),
        verdict=judgement.verdict,
        estimate=shown,
        margin=math.nan if claim.margin is None else claim.margin,
        by_seed=by_seed,
        reason=". ".join([*([f"Where {claim.where}"] if claim.where else []), judgement.reason, *judgement.notes]),
        source=f"claim-{claim.id}",
        quote=claim.quote,
    )


def _interval(judgement: Judgement, spec: MetricSpec) -> Interval | None:
    if judgement.estimate is None:
        return None
    numbers = judgement.estimate.numbers(judgement.confidence)
    if math.isnan(numbers["estimate"]):
        return None
    signed = judgement.claim.kind != "exact" and judgement.claim.scale != "ratio"
    return Interval(numbers["estimate"], numbers["low"], numbers["high"], spec, signed)


def _sentence(
    judgement: Judgement, shown: Interval | None, metrics: Metrics, main: str | None, names: Mapping[str, str]
) -> str:
    claim = judgement.claim
    if shown is None:
        return f"{capitalized(judgement.verdict)}: {judgement.reason}."
    if claim.kind == "threshold":
        value = f" minus {number(claim.value, claim_spec(judgement, metrics))}" if claim.value else ""
        subject = f"Mean {metrics[claim.metric].title}{value}"
    else:
        subject = capitalized(_subject(claim, names)) + ("" if claim.metric == main else f", {metrics[claim.metric].title}")
    factor = "a factor of " if claim.scale == "ratio" else ""
    seeds = judgement.look.seeds or judgement.n
    numbers = judgement.estimate.numbers() if judgement.estimate is not None else {}
    at_95 = replace(shown, low=numbers.get("low", math.nan), high=numbers.get("high", math.nan))
    decision = claim_tables.decision(judgement, shown.spec)
    by = "" if decision is None else f" by the interval {decision}"
    return f"{subject}: {factor}{with_unit(at_95)}, {_state(judgement.verdict)} at n = {seeds}{by}."


def _subject(claim: Claim, names: Mapping[str, str]) -> str:
    if claim.changes:
        return phrase(claim.changes, names)
    if claim.kind == "path":
        return "the whole difference" if claim.of == "all" else f"the share of {claim.of}"
    return "value"


def _state(verdict: str) -> str:
    return "not decided" if verdict == decision_rules.INCONCLUSIVE else verdict


def _next_step(judgement: Judgement) -> str:
    """How to decide a claim that is inconclusive for want of seeds."""
    precision = judgement.precision
    if judgement.verdict != decision_rules.INCONCLUSIVE or precision is None or any(each.lost for each in judgement.losses):
        return ""
    if precision.seeds is None:
        return f"Not even {precision.most} seeds would have 80 % power at this margin: less noise or a wider margin is needed."
    if precision.seeds <= judgement.n:
        return ""
    low = precision.fewest or precision.seeds
    high = precision.most_seeds
    seeds = f"about {precision.seeds}" if high == low else f"about {low} to {high}" if high else f"{low} or more"
    return f"Not decided yet: {seeds} seeds would decide it. Continue with study.until=decided."
