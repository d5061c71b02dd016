"""Tables of typed values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from ablate.core.errors import UsageError
from ablate.core.text import nearest
from ablate.report.values import Value

Kind = Literal["text", "level", "switch", "sentence", "number", "flags"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: the key of its values in the rows.
        title: the header.
        kind: `text`, `level` (of a factor), `switch` (✓ or ✗, centered), `sentence` (may be broken into lines), `number`
            (right-aligned), or `flags`.
    """

    key: str
    title: str
    kind: Kind = "text"

    @property
    def numeric(self) -> bool:
        return self.kind == "number"

    @property
    def wraps(self) -> bool:
        """Whether the text may wrap."""
        return self.kind in ("sentence", "flags")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a value for each column, and the source of its numbers, for links."""

    values: Mapping[str, Value]
    source: str = ""

    def __getitem__(self, key: str) -> Value:
        return self.values[key]


@dataclass(frozen=True, slots=True)
class Table:
    """A table for all formats, see table_formats.py.

    Attributes:
        name: the file name without suffix.
        title: the heading.
        columns: the columns in order.
        rows: all rows; some formats show only the first ones.
        data: the unrounded numbers, for the CSV.
        notes: sentences below the table.
        main: whether the table is also printed to the terminal.
        caption: the caption of a LaTeX `table` environment; if empty, the LaTeX file has only the `tabular`.
        label: its label.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    data: pd.DataFrame
    notes: Sequence[str] = field(default_factory=tuple)
    main: bool = True
    caption: str = ""
    label: str = ""

    def column(self, key: str) -> list[Value]:
        """The values of one column."""
        return [row[key] for row in self.rows]

    @property
    def keys(self) -> list[str]:
        return [column.key for column in self.columns]


def named(tables: Iterable[Table], name: str, study: str, *also: str) -> Table:
    """The table with this name.

    Args:
        tables: all tables.
        name: that of a table.
        study: the name of the study, for the message.
        also: further words that the user may type instead, for the message.

    Raises:
        UsageError: if there is none; the message lists those that there are.
    """
    available = {table.name: table for table in tables}
    if name in available:
        return available[name]
    listed = ", ".join([*available, *also]) or "none"
    raise UsageError(f"{study} has no table '{name}'; available: {listed}.{nearest(name, available)}")


def without_repeated_notes(tables: Iterable[Table], said: Iterable[str] = ()) -> list[Table]:
    """Tables that are shown below each other: a note stands below the first one only.

    Args:
        tables: the tables in order.
        said: sentences above the first table.
    """
    known, found = set(said), []
    for table in tables:
        found.append(replace(table, notes=[note for note in table.notes if note not in known]))
        known.update(table.notes)
    return found


def side_by_side(table: Table, *others: Table | None) -> Table:
    """Merge tables with the same rows; each later table adds its new columns."""
    columns, notes = list(table.columns), list(table.notes)
    values = [dict(row.values) for row in table.rows]
    for other in filter(None, others):
        known = {column.key for column in columns}
        columns += [column for column in other.columns if column.key not in known]
        notes += [note for note in other.notes if note not in notes]
        values = [{**row.values, **found} for found, row in zip(values, other.rows, strict=True)]
    columns.sort(key=lambda column: column.kind == "flags")  # the widest column goes last
    rows = [Row(found, row.source) for found, row in zip(values, table.rows, strict=True)]
    return Table(table.name, table.title, columns, rows, table.data, notes, table.main)
