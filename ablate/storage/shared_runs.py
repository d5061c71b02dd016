"""Assign runs to cells. Cells that build the same experiment share their runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.core.cells import BASE, Cell, LeaveOut, reason_to_leave_out
from ablate.core.levels import Level
from ablate.storage.manifest import StandIn, StudyManifest
from ablate.storage.records import DONE, RunRecord, set_aside


@dataclass(frozen=True)
class StoredRun:
    """A run as loaded. The runs of a cell share one mapping of levels, without the seed."""

    directory: Path
    record: RunRecord
    levels: Mapping[str, Level]
    seed_in_config: bool


@dataclass(frozen=True)
class Row:
    """A row of the results: a run, assigned to a cell."""

    cell: str
    label: str
    levels: Mapping[str, Level]
    run: StoredRun
    left_out: str | None  # reason


def share_runs(
    runs: Sequence[StoredRun], manifest: StudyManifest, entries: Sequence[LeaveOut], warnings: list[str]
) -> list[Row]:
    """Assign one run for each seed to all cells that build the same experiment.

    Surplus runs, made before two cells were known to be the same, are skipped and named in `warnings`.
    """
    same, experiments = manifest.same, manifest.experiments
    rows = [Row(run.record.cell, run.record.label, run.levels, run, _reason(entries, run, run.levels)) for run in runs]

    def experiment(cell: str) -> str:
        runner = cell if cell in experiments or cell not in same else same[cell].runner
        return experiments.get(runner, runner)

    newest_first = sorted(rows, key=lambda row: str(row.run.record.timing.get("started") or ""), reverse=True)
    counting: dict[tuple[str, int], Row] = {}
    for row in sorted(newest_first, key=lambda row: (row.left_out is not None, row.run.record.status not in DONE)):
        counting.setdefault((experiment(row.cell), row.run.record.seed), row)
    for row in rows:
        kept = counting[experiment(row.cell), row.run.record.seed]
        if kept is not row:
            warnings.append(set_aside(row.run.directory, f"it is the same experiment as {kept.run.directory}"))
    own = {(row.cell, row.run.record.seed): row for row in rows}
    of_cell = {row.cell: row for row in reversed(rows)}
    cells: dict[str, list[str]] = {}
    for cell in dict.fromkeys([*of_cell, *same]):
        cells.setdefault(experiment(cell), []).append(cell)
    stand_ins: dict[tuple[str, int], Row] = {}
    shared = []
    for (name, seed), row in counting.items():
        for cell in cells[name]:
            known = own.get((cell, seed)) or of_cell.get(cell)
            if known is None:  # this cell has no runs of its own
                like = of_cell.get(same[cell].runner, row)
                known = stand_ins.setdefault((cell, id(like.levels)), _stand_in(like, cell, same[cell]))
            left_out = row.left_out or _reason(entries, row.run, known.levels)
            shared.append(replace(known, run=row.run, left_out=left_out))
    order = {key: position for position, key in enumerate(own)}
    return sorted(shared, key=lambda row: order.get((row.cell, row.run.record.seed), len(rows)))


def with_one_label(rows: Sequence[Row], factors: Collection[str]) -> list[Row]:
    """Give each cell one label: a command with other factors has labelled its runs differently, and a single run `base`."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.cell, {})[row.label] = row
    labels = {}
    for cell, by_label in found.items():
        labels[cell] = max(by_label, key=len)
        if factors and (len(by_label) > 1 or BASE in by_label):
            levels = by_label[labels[cell]].levels
            labels[cell] = Cell({key: levels.get(key, Level.of(None)) for key in factors}).label
    return [row if row.label == labels[row.cell] else replace(row, label=labels[row.cell]) for row in rows]


def _stand_in(like: Row, cell: str, stand_in: StandIn) -> Row:
    levels = {**like.levels, **{key: Level.of(level) for key, level in stand_in.levels.items()}}
    return replace(like, cell=cell, label=stand_in.label, levels=levels)


def _reason(entries: Sequence[LeaveOut], run: StoredRun, levels: Mapping[str, Level]) -> str | None:
    return reason_to_leave_out(entries, {**levels, "seed": Level.of(run.record.seed)}) if entries else None
