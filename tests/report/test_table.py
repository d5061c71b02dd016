"""Tables of typed values."""

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.report.table import Column, Row, Table, named, side_by_side, without_repeated_notes
from ablate.report.values import Count


def table(name: str, columns: list[Column], *rows: Row, notes: tuple[str, ...] = ()) -> Table:
    return Table(name, name, columns, rows, pd.DataFrame(), notes)


def test_tables_of_the_same_configurations_stand_side_by_side() -> None:
    cell = Column("cell", "cell")
    first = table("results", [cell, Column("n", "n", "number")], Row({"cell": "a", "n": Count(1)}, "cell-a"), notes=("x",))
    second = table("costs", [cell, Column("t", "t", "number")], Row({"cell": "a", "t": Count(2)}), notes=("x", "y"))
    joined = side_by_side(first, None, second)
    assert (joined.name, joined.keys, joined.notes) == ("results", ["cell", "n", "t"], ["x", "y"])
    assert [text for key in joined.keys for text in map(str, joined.column(key))] == ["a", "1", "2"]
    assert joined.rows[0].source == "cell-a"


def test_sentences_and_flags_may_be_broken_into_lines() -> None:
    kinds = ("text", "level", "sentence", "number", "flags")
    columns = [Column(kind, kind, kind) for kind in kinds]  # type: ignore[arg-type]
    assert [column.key for column in columns if column.wraps] == ["sentence", "flags"]
    assert [column.key for column in columns if column.numeric] == ["number"]


def test_flags_go_last() -> None:
    first = table("results", [Column("flags", "flags", "flags"), Column("n", "n", "number")], Row({"flags": (), "n": Count(1)}))
    second = table("costs", [Column("t", "t", "number")], Row({"t": Count(2)}))
    assert side_by_side(first, second).keys == ["n", "t", "flags"]


def test_a_note_stands_below_the_first_table_only() -> None:
    tables = [table("a", [], notes=("said", "x")), table("b", [], notes=("x", "y"))]
    assert [list(each.notes) for each in without_repeated_notes(tables, ["said"])] == [["x"], ["y"]]


def test_a_table_is_found_by_its_name() -> None:
    tables = [table("ablation", []), table("contrasts", [])]
    assert named(tables, "contrasts", "paper") is tables[1]
    with pytest.raises(UsageError) as raised:
        named(tables, "contrast", "paper", "all")
    assert str(raised.value) == (
        "paper has no table 'contrast'; available: ablation, contrasts, all. Did you mean 'contrasts'?"
    )
