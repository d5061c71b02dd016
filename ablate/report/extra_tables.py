"""Tables of arrays that runs saved, as described by the program."""

from __future__ import annotations

import pandas as pd

from ablate.core.descriptions import ExtraTable
from ablate.core.metrics import MetricSpec
from ablate.report.configurations import Configurations
from ablate.report.table import Column, Row, Table
from ablate.report.values import Count, Spread, Value

RANGES = "Means over n seeds, with the lowest and the highest value in parentheses."


def extra_table(description: ExtraTable, frame: pd.DataFrame, configurations: Configurations) -> Table:
    """A table with a row for each configuration and each value of `description.by`.

    Args:
        description: the description of the table.
        frame: the numbers, see ablate/stats/kept_arrays.py.
        configurations: the names of the configurations.
    """
    rows = []
    for row in frame.to_dict("records"):
        n = int(row["n"])
        values: dict[str, Value] = {
            "configuration": configurations.names[row["cell"]],
            "by": str(row[description.by]),
            "n": Count(n),
        }
        for column in description.columns:
            mean, low, high = (float(row[f"{column.name}{part}"]) for part in ("", "_low", "_high"))
            spec = MetricSpec(column.name, digits=column.digits)
            values[f"column {column.name}"] = Spread(mean, low, high, n, spec)
        rows.append(Row(values, source=f"cell-{row['cell']}"))
    columns = [
        Column("configuration", "Configuration"),
        Column("by", description.by_title),
        Column("n", "n", "number"),
        *(Column(f"column {column.name}", column.title, "number") for column in description.columns),
    ]
    return Table(description.name, description.title, columns, rows, frame, [*description.notes, RANGES], main=False)
