"""The status of all runs as a grid: a row for each configuration, a column for each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablate.report.model import Report

ROWS, SEEDS = 40, 40


@dataclass(frozen=True, slots=True)
class StatusGrid:
    """The status of runs by configuration and seed. Of many configurations, only those with unfinished runs.

    Attributes:
        seeds: the columns.
        rows: by the name of a configuration, the status of its run for each seed.
        more_rows, more_seeds: the numbers of rows and columns that are not shown.
    """

    seeds: Sequence[Any]
    rows: Mapping[str, Mapping[Any, str]]
    more_rows: int
    more_seeds: int


def status_grid(report: Report) -> StatusGrid:
    """Make the grid of a report, including missing runs."""
    runs, labels = report.results.runs, report.configurations.names
    statuses: dict[str, dict[Any, str]] = {labels[digest]: {} for digest in report.configurations}
    columns = ["cell", "seed", "status", "left_out"]
    for cell, seed, status, left_out in runs[columns].itertuples(index=False, name=None):
        statuses[labels[cell]][seed] = "left out" if left_out else status
    for run in report.audit.missing:
        statuses.setdefault(labels.get(run.cell, run.label), {})[_as_seed(run.seed, runs["seed"])] = "missing"
    seeds = sorted({seed for row in statuses.values() for seed in row})
    if len(statuses) > ROWS:
        statuses = {label: row for label, row in statuses.items() if set(row.values()) != {"finished"}}
    shown = dict(list(statuses.items())[:ROWS])
    return StatusGrid(seeds[:SEEDS], shown, len(statuses) - len(shown), max(0, len(seeds) - SEEDS))


def _as_seed(text: str, seeds: pd.Series) -> Any:
    return int(text) if pd.api.types.is_integer_dtype(seeds) else text
