"""Read plan.csv, the planned runs of a study, which `ablate.engine.plan_display` writes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from ablate.storage.layout import PLAN


class PlannedRow(NamedTuple):
    """A row of plan.csv: the folder of the run relative to the study, its seed as text, and its state when it was planned."""

    directory: str
    seed: str
    state: str


def read_plan(study: Path) -> dict[str, PlannedRow] | None:
    """The planned runs of a study by folder, in the order of the plan.

    Cells that share the runs of another one have rows of their own, and are one entry.

    Returns:
        None without a plan, or if it cannot be read: another encoding, a missing column, or a row that is cut off.
    """
    try:
        with (study / PLAN).open(encoding="utf-8", newline="") as file:
            rows = [PlannedRow(row["directory"], row["seed"], row["state"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError, csv.Error):
        return None
    if any(None in row for row in rows):
        return None
    return {row.directory: row for row in rows}
