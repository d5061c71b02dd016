"""Tables of blocks: a change in every data set, task or environment, and over all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.core.wording import shortened
from ablate.report.effect_tables import PROBABILITY, describe
from ablate.report.formatting import RATIO, capitalized, difference_heading, number
from ablate.report.table import Column, Row, Table
from ablate.report.values import Count, Interval, Value, Wins
from ablate.stats.blocks import Aggregate, BlockAnalysis

THESE, LIKE_THESE = "mean of these blocks", "mean of blocks like these"


def blocks(
    found: BlockAnalysis,
    spec: MetricSpec,
    name: str,
    source: str = "runs",
    names: Mapping[str, str] | None = None,
    specs: Mapping[Level, MetricSpec] | None = None,
) -> Table:
    """A row for each block with the estimate over its own seeds, and the two aggregates over the complete blocks.

    Args:
        found: the change in every block.
        spec: the metric.
        name: of the table, see `Table`.
        source: of its numbers, for links.
        names: short names of factors.
        specs: by block, the metric with the digits of its differences.
    """
    metric, spec = spec, scaled(found, spec)
    signed = found.scale != "ratio"
    rows = []
    for level, each in found.rows.items():
        note = "left out of the aggregates: runs are missing" if level in found.holes else ""
        values: dict[str, Value] = {
            "block": level,
            "n": Count(each.n),
            "estimate": Interval.of(each, scaled(found, (specs or {}).get(level, metric)), signed),
            "wins": None if each.unpaired else Wins(each.wins, each.n),
            "note": "; ".join(filter(None, [each.note, note])),
        }
        rows.append(Row(values, source))
    for title, aggregate, n in over_blocks(found):
        wins = Wins(found.wins, found.like_these.n) if title == LIKE_THESE else None
        interval = Interval.over(n, aggregate.estimate, aggregate.low, aggregate.high, spec, signed)
        values = {"block": title, "n": Count(aggregate.n), "estimate": interval, "wins": wins, "note": ""}
        rows.append(Row(values, source))
    columns = [
        Column("block", found.block, "level"),
        Column("n", "n", "number"),
        Column("estimate", "estimate", "number"),
        Column("wins", "above one" if found.scale == "ratio" else "above zero", "number"),
    ]
    if any(row["note"] for row in rows):
        columns.append(Column("note", "note", "sentence"))
    title = f"Blocks ({found.block}): {describe([found.change], names)}"
    return Table(name, title, columns, rows, _frame(found), _notes(found, metric), main=True)


def scaled(found: BlockAnalysis, spec: MetricSpec) -> MetricSpec:
    """The format of the numbers: a ratio, a normalized value, or a difference of the metric."""
    if found.scale == "ratio":
        return RATIO
    if found.normalized:
        return replace(spec, title=f"normalized {spec.title}", unit="", digits=3)
    return spec


def over_blocks(found: BlockAnalysis) -> list[tuple[str, Aggregate, int]]:
    """The aggregates with their names, and how many values each has its error from: blocks, or the fewest seeds of a block."""
    seeds = min((each.n for level, each in found.rows.items() if level not in found.holes), default=0)
    return [(LIKE_THESE, found.like_these, found.like_these.n), (THESE, found.these, seeds)]


def _notes(found: BlockAnalysis, metric: MetricSpec) -> Sequence[str]:
    spec = scaled(found, metric)
    ratio = found.scale == "ratio"
    notes = [
        f"{'Ratio' if ratio else capitalized(difference_heading(spec))}: each block with its 95 % interval over n seeds. "
        f"{capitalized(LIKE_THESE)}: Student's t over blocks, whose number is n. Claims are tested in this way, each on its "
        "own scale and over the seeds that are complete in a block in all configurations that it compares. "
        f"{capitalized(THESE)}: from the scatter of seeds within each block; it says nothing about other blocks."
    ]
    if found.holes:
        notes.append(f"Left out of the aggregates, since runs are missing: {shortened(list(map(str, found.holes)))}.")
    before, after = (
        _text(each, replace(spec, digits=3) if found.normalized else metric if ratio else spec) for each in found.iqm
    )
    intervals = "" if math.isnan(found.improvement.low) else "95 % intervals, stratified bootstrap; "
    of_logarithms = " of logarithms, as values," if ratio else ""
    notes.append(
        f"Interquartile mean{of_logarithms} over all runs of the complete blocks: {before} before and {after} after the "
        f"change; probability of improvement: {_text(found.improvement, PROBABILITY)} ({intervals}Agarwal et al. 2021)."
    )
    return notes


def _text(aggregate: Aggregate, spec: MetricSpec) -> str:
    estimate, low, high = (number(value, spec) for value in (aggregate.estimate, aggregate.low, aggregate.high))
    return estimate if math.isnan(aggregate.low) else f"{estimate} [{low}, {high}]"


def _frame(found: BlockAnalysis) -> pd.DataFrame:
    """The rows of the table, and the aggregates with their bootstrap intervals, unrounded."""
    aggregates = {
        LIKE_THESE: found.like_these,
        THESE: found.these,
        "interquartile mean before": found.iqm[0],
        "interquartile mean after": found.iqm[1],
        "probability of improvement": found.improvement,
    }
    frame = found.frame().assign(complete=[level not in found.holes for level in found.rows])
    further = [
        {"block": name, "n": each.n, "estimate": each.estimate, "low": each.low, "high": each.high, "complete": math.nan}
        for name, each in aggregates.items()
    ]
    return pd.concat([frame.astype({"complete": object}), pd.DataFrame(further, dtype=object)], ignore_index=True)
