"""The table of contrasts by stratum: each change at every combination of the levels of the other factors."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from ablate.core.claims import FEWEST_SEEDS
from ablate.core.metrics import MetricSpec
from ablate.report.effect_tables import describe
from ablate.report.formatting import capitalized, difference_heading
from ablate.report.model import Comparison
from ablate.report.table import Column, Row, Table
from ablate.report.values import Count, Interval, PValue, Value, Wins
from ablate.stats.estimates import table
from ablate.stats.heterogeneity import heterogeneity


def strata(comparison: Comparison, spec: MetricSpec, names: Mapping[str, str] | None = None) -> Table | None:
    """A row for each stratum of each change; None if no change has several. `names`: of the factors."""
    unit = comparison.unit
    rows, frames = [], []
    for at, found in enumerate(comparison.strata):
        spread = heterogeneity(found)
        p = spread.p if spread is not None and spread.n >= FEWEST_SEEDS else math.nan
        for number, each in enumerate(found):
            values: dict[str, Value] = {
                "change": describe(each.changes, names),
                "where": each.strata[0].label,
                "n": Count(each.n),
                "estimate": Interval.of(each, spec),
                "wins": None if each.unpaired else Wins(each.wins, each.n),
                "p": PValue(p) if not number else None,
                "note": each.note,
            }
            rows.append(Row(values, source=f"contrast-{at}"))
        if found:
            frames.append(table(found).assign(p_strata=p))
    if not rows:
        return None
    columns = [
        Column("change", "change"),
        Column("where", "where"),
        Column("n", "n", "number"),
        Column("estimate", "estimate", "number"),
        Column("wins", "above zero", "number"),
        Column("p", "p (strata)", "number"),
    ]
    if any(row["note"] for row in rows):
        columns.append(Column("note", "note", "sentence"))
    notes = [
        f"{capitalized(difference_heading(spec))}: the change at each combination of the levels of the other factors, over "
        f"the {unit}s that pair there, with its 95 % interval.",
        f"p (strata): of the test that the change has the same effect in all of them, not adjusted for the number of changes; "
        f"none below {FEWEST_SEEDS} {unit}s that are complete in all strata.",
    ]
    return Table("strata", "Contrasts by stratum", columns, rows, pd.concat(frames, ignore_index=True), notes, main=False)
