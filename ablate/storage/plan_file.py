"""Read and write plan.csv, the planned runs of a study. `ablate.engine.plan_display` makes its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ablate.core.levels import short_names
from ablate.core.text import from_spreadsheet, in_spreadsheet
from ablate.storage.files import write_atomically
from ablate.storage.layout import PLAN

FACTS = ("seed", "state", "seconds", "directory", "note")  # the columns after the levels


class PlannedRow(NamedTuple):
    """A row of plan.csv.

    Attributes:
        seed: as text.
        state: when it was planned.
        label: the levels of its configuration as text; empty without factors.
    """

    seed: str
    state: str
    label: str = ""


def read_plan(study: Path) -> dict[str, PlannedRow]:
    """The planned runs of a study by their folders relative to it, in the order of the plan; none if it cannot be read.

    Cells that share the runs of another one have rows of their own, and are one entry: that of the first row.
    """
    rows = read_plan_rows(study)
    names = short_names([key for key in rows[0] if key not in FACTS]) if rows else {}
    found: dict[str, PlannedRow] = {}
    for row in rows:  # a factor that another command has added has no level in the rows of this one
        label = ",".join(f"{name}={row[key]}" for key, name in names.items() if row[key])
        found.setdefault(row["directory"], PlannedRow(row["seed"], row["state"], label))
    return found


def read_plan_rows(study: Path) -> list[dict[str, str]]:
    """The rows of plan.csv; none without a plan, or with another encoding, a missing column, or a row that is cut off."""
    try:
        with (study / PLAN).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows, names = list(reader), set(reader.fieldnames or ())
    except (OSError, ValueError, csv.Error):
        return []
    cut_off = any(None in row or None in row.values() for row in rows)
    if cut_off or not {"directory", "seed", "state"} <= names:
        return []
    return [{from_spreadsheet(name): from_spreadsheet(field) for name, field in row.items()} for row in rows]


def write_plan(study: Path, lines: Iterable[Sequence[object]]) -> None:
    """Write plan.csv from its lines, the names of the columns first. It is inert in a spreadsheet, and reads back the same."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([in_spreadsheet(str(field)) for field in line] for line in lines)
    write_atomically(study / PLAN, text.getvalue())
