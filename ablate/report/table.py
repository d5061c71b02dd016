"""Tables of typed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from ablate.report.values import Value

Kind = Literal["text", "level", "sentence", "number", "flags"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: by which the rows hold its values.
        title: its header.
        kind: `text`, `level` (of a factor), `sentence` (may be broken into lines), `number` (anything measured; set to the
            right), or `flags`.
    """

    key: str
    title: str
    kind: Kind = "text"

    @property
    def numeric(self) -> bool:
        return self.kind == "number"

    @property
    def wraps(self) -> bool:
        """Whether its text may be broken into lines."""
        return self.kind in ("sentence", "flags")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a value for each column, and the name of the runs that its numbers come from, for a link."""

    values: Mapping[str, Value]
    source: str = ""

    def __getitem__(self, key: str) -> Value:
        return self.values[key]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be written in every format, see `ablate.report.table_formats`.

    Attributes:
        name: of its files, without suffix.
        title: its heading.
        columns: in their order.
        rows: all of them; formats for reading may cut them.
        data: the numbers with all their digits, for the CSV.
        notes: sentences below it.
        main: whether it is printed when a report is written; else it is in the files alone.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    data: pd.DataFrame
    notes: Sequence[str] = field(default_factory=tuple)
    main: bool = True

    def column(self, key: str) -> list[Value]:
        """The values of one column."""
        return [row[key] for row in self.rows]

    @property
    def keys(self) -> list[str]:
        return [column.key for column in self.columns]


def side_by_side(table: Table, *others: Table | None) -> Table:
    """One table of several whose rows are the same configurations: each later one adds the columns that are new."""
    columns, notes = list(table.columns), list(table.notes)
    values = [dict(row.values) for row in table.rows]
    for other in filter(None, others):
        known = {column.key for column in columns}
        columns += [column for column in other.columns if column.key not in known]
        notes += [note for note in other.notes if note not in notes]
        values = [{**row.values, **found} for found, row in zip(values, other.rows, strict=True)]
    rows = [Row(found, row.source) for found, row in zip(values, table.rows, strict=True)]
    return Table(table.name, table.title, columns, rows, table.data, notes, table.main)
