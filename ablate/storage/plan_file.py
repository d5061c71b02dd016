"""Read plan.csv, the planned runs of a study, which `ablate.engine.plan_display` writes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ablate.core.levels import short_names
from ablate.storage.layout import PLAN

FACTS = ("seed", "state", "seconds", "directory", "note")  # the columns after the levels


class PlannedRow(NamedTuple):
    """A row of plan.csv.

    Attributes:
        directory: the folder of the run relative to the study.
        seed: as text.
        state: when it was planned.
        label: the levels of its configuration as text; empty without factors.
    """

    directory: str
    seed: str
    state: str
    label: str = ""


def read_plan(study: Path) -> dict[str, PlannedRow] | None:
    """The planned runs of a study by folder, in the order of the plan.

    Cells that share the runs of another one have rows of their own, and are one entry: that of the first row.

    Returns:
        None without a plan, or if it cannot be read: another encoding, a missing column, or a row that is cut off.
    """
    try:
        with (study / PLAN).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            names = short_names([key for key in reader.fieldnames or () if key not in FACTS])
            rows = [_row(row, names) for row in reader]
    except (OSError, KeyError, ValueError, csv.Error):
        return None
    if any(None in row for row in rows):
        return None
    found: dict[str, PlannedRow] = {}
    for row in rows:
        found.setdefault(row.directory, row)
    return found


def _row(row: Mapping[str, str], names: Mapping[str, str]) -> PlannedRow:
    label = ",".join(f"{name}={row[key]}" for key, name in names.items())
    return PlannedRow(row["directory"], row["seed"], row["state"], label)
