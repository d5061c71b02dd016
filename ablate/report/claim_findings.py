"""Findings about claims: what the runs say about each, and how an open one could be decided."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ablate.core.claims import ALL, LARGEST, Claim, Unit
from ablate.core.levels import short_names
from ablate.core.metrics import Metrics, MetricSpec
from ablate.report import claim_tables
from ablate.report.claim_tables import claim_spec
from ablate.report.findings import Finding, phrase, strata_apart, with_unit
from ablate.report.formatting import capitalized, number
from ablate.report.model import Report
from ablate.report.values import Interval
from ablate.stats import decision_rules
from ablate.stats.judge import Judgement
from ablate.stats.verdict_reasons import border, leaning


def claim_findings(report: Report) -> list[Finding]:
    """One finding for each claim, in the order of the claims."""
    names = short_names(list(report.results.factors))
    changed = report.claims.verdicts["changed"].tolist()
    return [_of_claim(each, report, names, note) for each, note in zip(report.claims.judgements, changed, strict=True)]


def _of_claim(judgement: Judgement, report: Report, names: Mapping[str, str], changed: str) -> Finding:
    claim, spec = judgement.claim, claim_spec(judgement, report.metrics)
    unit = report.claims.unit_of(claim)
    # more seeds do not decide a claim over blocks, and results of other programs have no command to continue
    extensible = unit == "seed" and report.results.folder is not None
    shown = _interval(judgement, spec)
    by_seed: dict[Any, float] = {}
    if judgement.estimate is not None:
        values = judgement.estimate.by_seed
        by_seed = {seed: math.exp(value) if claim.scale == "ratio" else value for seed, value in values.items()}
    return Finding(
        claim=claim.id,
        says=claim.says,
        sentence=_sentence(judgement, shown, report.metrics, report.metric, names, unit),
        next_step=_next_step(judgement, unit, extensible),
        verdict=judgement.verdict,
        decided=judgement.verdict not in (decision_rules.INCONCLUSIVE, decision_rules.NOT_TESTED),
        estimate=shown,
        margin=math.nan if claim.margin is None else claim.margin,
        by_seed=by_seed,
        unit=unit,
        reason=". ".join([*([f"Where {claim.where}"] if claim.where else []), judgement.reason, *judgement.notes]),
        source=f"claim-{claim.id}",
        quote=claim.quote,
        changed=changed,
    )


def _interval(judgement: Judgement, spec: MetricSpec) -> Interval | None:
    if judgement.estimate is None:
        return None
    found = Interval.of(judgement.estimate, spec, judgement.signed, judgement.confidence)
    return None if math.isnan(found.estimate) else found


def _sentence(
    judgement: Judgement, shown: Interval | None, metrics: Metrics, main: str | None, names: Mapping[str, str], unit: Unit
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
    n = f"{judgement.look.seeds or judgement.n}{' blocks' if unit == 'block' else ''}"
    at_95 = shown if judgement.estimate is None else Interval.of(judgement.estimate, shown.spec, shown.signed)
    decision = claim_tables.decision(judgement, shown.spec)
    by = "" if decision is None else f" by the interval {decision}"
    apart = strata_apart(judgement.heterogeneity, shown.spec, shown.signed)
    return f"{subject}: {factor}{with_unit(at_95)}, {_state(judgement)} at n = {n}{by}{apart}."


def _subject(claim: Claim, names: Mapping[str, str]) -> str:
    if claim.changes:
        return phrase(claim.changes, names)
    if claim.kind != "path":
        return "value"
    if claim.of == ALL:
        return "the whole difference"
    if claim.exceeds is not None:
        return f"the share of {claim.of} minus {claim.exceeds:g} of the whole difference"
    return f"the share of {claim.of}" + (" minus the largest of the others" if claim.expects == LARGEST else "")


def _state(judgement: Judgement) -> str:
    """The verdict, and of a difference what was shown: the claim may have named an amount, which is not tested."""
    state = "not decided" if judgement.verdict == decision_rules.INCONCLUSIVE else judgement.verdict
    side = {"higher": "above", "lower": "below"}.get(judgement.claim.expects)
    tested = judgement.verdict == decision_rules.SUPPORTED and judgement.claim.exceeds is None and side is not None
    said = [f"{side} {border(judgement.claim)}"] if tested else []
    said += ["exploratory"] if judgement.exploratory else []
    return f"{state} ({', '.join(said)})" if said else state


def _next_step(judgement: Judgement, unit: Unit, extensible: bool) -> str:
    """How to decide a claim that is inconclusive for want of seeds or blocks.

    Args:
        judgement: of the claim.
        unit: what its n counts.
        extensible: whether the command of the study can add seeds.
    """
    precision = judgement.precision
    if judgement.verdict != decision_rules.INCONCLUSIVE or precision is None or any(each.lost for each in judgement.losses):
        return ""
    command = " Continue with study.until=decided." if extensible else ""
    if judgement.n >= precision.most:
        return f"It remains open: no look beyond {precision.most} {unit}s was declared."
    if tends := leaning(judgement.p_dropped):
        return f"Unadjusted for looks and claims it would be {tends}: more {unit}s may decide it.{command}"
    if precision.seeds is None:
        return (
            f"Even {precision.most} {unit}s would have less than 80 % power at this margin, unless runs vary less than so far."
        )
    if precision.seeds <= judgement.n:
        return ""
    low, high = precision.fewest or precision.seeds, precision.most_seeds
    ends = "" if high == low else f" ({low} to {high if high else f'more than {precision.most}'})"
    return f"Not decided yet: about {precision.seeds}{ends} {unit}s would decide it.{command}"
