"""Tables of claims: verdicts, and the scorecard of published figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ablate.core.claims import LARGEST, Unit
from ablate.core.metrics import Metrics, MetricSpec
from ablate.report.formatting import MISSING, RATIO, finer, number
from ablate.report.table import Column, Row, Table
from ablate.report.values import SHOWN_FROM, Count, Exact, Interval, Limits, Number, Value, text_of
from ablate.stats.decision_rules import ALPHA, INCONCLUSIVE, LOOKS
from ablate.stats.judge import Judgement


def verdicts(judgements: Sequence[Judgement], frame: pd.DataFrame, metrics: Metrics, unit: Unit = "seed") -> Table:
    """The verdicts in the order of the claims.

    Args:
        judgements: one for each claim.
        frame: the same as a frame, unrounded.
        metrics: the descriptions of the metrics, for formatting.
        unit: what n counts, `seed` or `block`.
    """
    rows = []
    for each, row in zip(judgements, frame.to_dict("records"), strict=True):
        values: dict[str, Value] = {
            "claim": each.claim.id,
            "says": each.claim.says,
            "verdict": each.verdict,
            "estimate": _estimate(each, claim_spec(each, metrics)),
            "decision": decision(each, claim_spec(each, metrics)),
            "n": _seeds(each),
            "reason": ". ".join(
                [
                    each.reason + _detectable(each, claim_spec(each, metrics), unit),
                    *each.notes,
                    *filter(None, [row.get("changed")]),
                ]
            ),
        }
        rows.append(Row(values, source=f"claim-{each.claim.id}"))
    notes = ["Estimates have their 95 % interval over n seeds (or blocks), which describes how precise they are."]
    apart = any(row["decision"] is not None for row in rows)
    if apart:
        notes[0] += (
            " The verdict rests on the other interval, whose level accounts for the looks of the study and for the number of "
            "primary claims."
        )
    percent = [each for each in judgements if claim_spec(each, metrics).in_percent]
    if any(text_of(_estimate(each, claim_spec(each, metrics))) != MISSING for each in percent):
        notes[0] += " Differences of percentages are in percentage points."
    if any(each.claim.exceeds is not None for each in judgements):
        notes[0] += " Of a share that is claimed to exceed a part of the whole, it is the share minus that part."
    if any(each.claim.expects == LARGEST for each in judgements):
        notes[0] += " Of a share that is claimed to be the largest, it is the share minus the largest of the others."
    if any(not math.isnan(each.p) for each in judgements):
        notes.append(
            "p is one-sided (two-sided where an equivalence is contradicted), for the more likely of supported and "
            "contradicted, and is adjusted for the looks of the study and for the number of primary claims (Holm). A claim is "
            f"decided if its adjusted p is at most {ALPHA}."
        )
    columns = [
        Column("claim", "claim"),
        Column("says", "says", "sentence"),
        Column("verdict", "verdict"),
        Column("estimate", "estimate [95 %]", "number"),
        *([Column("decision", "interval of the verdict", "number")] if apart else []),
        Column("n", "n", "number"),
        Column("reason", "reason", "sentence"),
    ]
    return Table("verdicts", "Verdicts", columns, rows, frame, notes)


def claim_spec(judgement: Judgement, metrics: Metrics) -> MetricSpec:
    """The format of a claim's numbers: that of its metric, without a unit for a ratio."""
    return RATIO if judgement.claim.scale == "ratio" else metrics[judgement.claim.metric]


def scorecard(frame: pd.DataFrame, metrics: Metrics) -> Table:
    """Published values with the prediction intervals of this study, see ablate/stats/scorecard.py."""
    rows = []
    for row in frame.to_dict("records"):
        inside = {True: "yes", False: "no"}.get(row["inside"], MISSING)
        inside = inside if row["n"] >= SHOWN_FROM or row["kind"] == "exact" else MISSING  # its interval is not shown either
        values: dict[str, Value] = {
            "claim": row["id"],
            "says": row["says"],
            "published": _figure(row, row["published"], row["published"], row["published"], metrics, alone=True),
            "ours": row["reason"] or _figure(row, row["mean"], row["low"], row["high"], metrics),
            "n": Count(int(row["n"])),
            "how": row["how"],
            "inside": f"({inside})" if row["differs"] and inside != MISSING else inside,
            "differs": row["differs"],
            "protocol": row["protocol"],
        }
        rows.append(Row(values, source=f"claim-{row['id']}"))
    notes = [
        "This study: mean with the 95 % prediction interval of a value that was made like the published one, which is in the "
        "column “published value of”; for exact claims, all values. Published values under another protocol need not agree."
    ]
    if frame["differs"].any():
        notes.append(
            "In parentheses: this study does not meet the needs of the claim, so it neither confirms nor refutes the published "
            "value."
        )
    columns = [
        Column("claim", "claim"),
        Column("says", "says", "sentence"),
        Column("published", "published", "number"),
        Column("ours", "this study", "number"),
        Column("n", "n", "number"),
        Column("how", "published value of"),
        Column("inside", "inside the interval"),
        Column("differs", "differences of this study", "sentence"),
        Column("protocol", "published protocol", "sentence"),
    ]
    return Table("scorecard", "Scorecard", columns, rows, frame, notes, main=False)


def _estimate(judgement: Judgement, spec: MetricSpec) -> Value:
    if judgement.estimate is None:
        return None
    return Interval.of(judgement.estimate, spec, judgement.signed)


def decision(judgement: Judgement, spec: MetricSpec) -> Value:
    """The interval that the verdict rests on, with its level; None if there is none, or it is the 95 % interval."""
    low, high = judgement.interval
    if math.isnan(low) or not judgement.look.number or math.isclose(judgement.confidence, 0.95):
        return None
    return Limits(low, high, spec, judgement.signed, judgement.confidence)


def _seeds(judgement: Judgement) -> Count:
    """The number of seeds; if runs diverged, also the number of seeds in the interval."""
    n = judgement.look.seeds or judgement.n
    used = None if judgement.estimate is None or not judgement.estimate.df > 0 else round(judgement.estimate.df) + 1
    return Count(n, used=used if used is not None and used < n else None)


def _detectable(judgement: Judgement, spec: MetricSpec, unit: Unit) -> str:
    """The minimum detectable effect, if the margin of the claim is smaller than that."""
    claim = judgement.claim
    if judgement.verdict != INCONCLUSIVE or not judgement.look.seeds or math.isnan(judgement.decidable) or claim.margin is None:
        return ""
    points, most = " points" if spec.in_percent else "", judgement.precision.most if judgement.precision else LOOKS[-1]
    effect, margin = number(judgement.decidable, spec), number(claim.margin, spec)
    if effect == margin and spec.digits is not None:  # it is larger, by less than a digit shows
        effect, margin = number(judgement.decidable, finer(spec)), number(claim.margin, finer(spec))
    return f". Minimum detectable effect at {most} {unit}s: {effect}{points}; the margin is {margin}"


def _figure(row: Mapping[Any, Any], mean: float, low: float, high: float, metrics: Metrics, alone: bool = False) -> Value:
    """Format a published value: exactly for exact claims, percentages with two digits."""
    if row["kind"] == "exact":
        return Exact(low, high)
    spec = RATIO if row["scale"] == "ratio" else metrics[row["metric"]]
    spec = replace(spec, digits=2) if spec.in_percent else spec
    signed = row["kind"] in ("contrast", "interaction", "path") and row["scale"] != "ratio"
    return Number(mean, spec, signed) if alone else Interval.over(row["n"], mean, low, high, spec, signed)
