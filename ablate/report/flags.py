"""What a reader should heed before comparing a cell with the baseline."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from ablate.report.figures import curves
from ablate.report.formatting import Row
from ablate.stats import contrasts, sources

if TYPE_CHECKING:
    from ablate.report.build import Report

UNFINISHED = ("diverged", "failed", "interrupted", "running")
SPEED = "images_per_second"
SIZES = {"parameters": "parameters", "macs": "MACs"}


def flags(report: Report, counted: pd.DataFrame) -> dict[str, list[str]]:
    """By cell, in words: runs that did not finish or that other code made, and whether it is bigger or slower than the
    baseline (the first of `report.summary`), learned nothing, or was still getting better when training ended."""
    ended = counted.drop_duplicates(["cell", "directory"]).groupby(["cell", "status"]).size()
    missing = Counter(run.cell for run in report.health.missing)
    stale = report.health.stale
    slower, improving, lost = _slower(report, counted), _still_improving(report, counted), _at_chance(report, counted)
    baseline = report.summary.iloc[0]
    found = {}
    for row in report.summary.to_dict("records"):
        cell = row["cell"]
        said = [f"{ended[cell, status]} {status}" for status in UNFINISHED if (cell, status) in ended]
        said += [f"{missing[cell]} missing"] * (missing[cell] > 0)
        said += [f"bigger: {grown}"] if (grown := _grown(row, baseline)) else []
        said += [slower[cell]] if cell in slower else []
        said += ["at chance"] * (cell in lost)
        said += ["undertrained"] * (cell in improving)
        said += [f"{stale[cell]} made by other code"] * (stale[cell] > 0)
        found[cell] = said
    return found


def _grown(row: Row, baseline: pd.Series) -> str:
    sizes = [(name, row[name] / baseline[name]) for name in SIZES if name in row and row[name] > baseline[name]]
    return ", ".join(
        f"{100 * (times - 1):.2g} % more {SIZES[name]}" if times < 2 else f"{times:.1f} times the {SIZES[name]}"
        for name, times in sizes
    )


def _slower(report: Report, counted: pd.DataFrame) -> dict[str, str]:
    """By how much, where the interval of the difference says so and the times are comparable."""
    if SPEED not in report.metrics or not report.health.timed_alike:
        return {}
    baseline = report.summary.iloc[0]
    differences = contrasts.paired_differences(counted, SPEED, baseline["cell"]).to_dict("records")
    return {row["cell"]: f"slower: {-100 * row['estimate'] / baseline[SPEED]:.2g} %" for row in differences if row["high"] < 0}


def _at_chance(report: Report, counted: pd.DataFrame) -> set[str]:
    """The cells all of whose finished runs have the very value of a run that learned nothing."""
    chance = report.launched.get("chance", {}).get(report.metric)
    if chance is None:
        return set()
    finished = counted[counted["status"] == "finished"]
    lost = ((finished[report.metric] - chance).abs() < 1e-9).groupby(finished["cell"]).all()
    return set(lost.index[lost])


def _still_improving(report: Report, counted: pd.DataFrame) -> set[str]:
    """The cells all of whose finished runs were still getting better in their last epoch."""
    column = next((name for name in curves(report.history) if name.endswith(("accuracy", "loss"))), None)
    if column is None or "epoch" not in report.history:
        return set()
    improving = sources.still_improving(report.history, column, higher_is_better=not column.endswith("loss"))
    finished = counted[counted["status"] == "finished"]
    by_cell = finished["directory"].map(improving).eq(True).groupby(finished["cell"]).all()
    return set(by_cell.index[by_cell])
