"""The plan of a sweep: which runs it has, what is done, what is left, and what that will cost."""

from __future__ import annotations

import csv
import io
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from rich.markup import escape
from rich.table import Table

from ablate.core import designs
from ablate.engine.application import Outcome
from ablate.engine.compose import Cell
from ablate.storage import fingerprint, locks
from ablate.storage.layout import cell_folder, known_cells, run_directory, run_identity, short_cell, short_experiment
from ablate.storage.records import CHECKPOINT, HISTORY, Record, is_done, read_record, write_atomically

State = Literal["done", "to resume", "to do", "held", "left out", "given up"]
DUE: tuple[State, ...] = ("to resume", "to do")
MAX_DEATHS = 2
ROWS_SHOWN = 24
TIMING_SECONDS = 20.0  # for all that is timed before a sweep


@dataclass
class PlannedRun:
    """One run of the plan, and what is known of it."""

    cell: Cell
    seed: int
    directory: Path
    identity: str
    left_out: str | None = None  # the reason
    twins: list[Path] = field(default_factory=list)  # where other cells that build the same experiment have this run
    state: State = "to do"
    stale: bool = False  # done by other code than today's
    deaths: int = 0
    begun: float = 0.0  # the share of it that a checkpoint holds
    seconds: float | None = None  # what the whole of it is expected to take
    measured: float | None = None  # what it took
    outcome: Outcome | None = None  # how it ended in this sweep
    failures: int = 0  # in this sweep

    def look(self, code: str, same_code: bool) -> None:
        """Find out from its folder how far it is."""
        if self.left_out is not None:
            self.state = "left out"
            return
        record = read_record(self.directory, warn=True)
        self.deaths = locks.deaths(self.directory)
        own = (self.directory, record) if record is not None and record.identity == self.identity else None
        for directory, found in filter(None, [own, *map(_read, self.twins)]):
            stale = found.provenance.get("code") != code
            if not is_done(directory, found) or (stale and same_code):
                continue
            self.state, self.stale = "done", stale
            self.directory, self.identity = directory, found.identity
            whole = found.status == "finished" and not found.timing.get("resumed")
            self.measured = found.timing.get("seconds") if whole else None
            return
        if locks.holder(self.directory) is not None:
            self.state = "held"
        elif self.deaths >= MAX_DEATHS:
            self.state = "given up"
        elif (self.directory / CHECKPOINT).exists():
            self.state = "to resume"
            epochs = record.epochs if record is not None else None
            self.begun = min(1.0, _rows(self.directory / HISTORY) / epochs) if epochs else 0.0
        else:
            self.state = "to do"

    @property
    def name(self) -> str:
        return f"{self.cell.label} seed={self.seed}"


@dataclass
class Plan:
    """The runs of a sweep in their order, and the cells that stand on the runs of another."""

    study: Path
    cells: dict[str, Cell]  # those that run, by their digest, in the order of their levels
    runs: list[PlannedRun]
    same: dict[str, tuple[Cell, Cell]]  # by its digest, a cell and the one that runs in its place
    code: str = ""  # the digest of today's
    same_code: bool = False  # what other code made is made again
    processes: int = 1
    cost_from: str = ""  # where the estimate comes from
    notes: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Find out how far each run is; torn records are noted."""
        with warnings.catch_warnings(record=True) as torn:
            warnings.simplefilter("always")
            for run in self.runs:
                run.look(self.code, self.same_code)
        self.notes = [str(warning.message) for warning in torn]

    def due(self) -> list[PlannedRun]:
        """What is to be run now, in order; a run that a process died of goes last."""
        return sorted((run for run in self.runs if run.state in DUE), key=lambda run: run.deaths > 0)

    def seconds_left(self) -> float | None:
        """The estimate for everything that is not done, in seconds of waiting; None if nothing is known."""
        left = [run for run in self.runs if run.state in DUE]
        if not left or any(run.seconds is None for run in left):
            return None
        return waiting([(run.seconds or 0.0) * (1 - run.begun) for run in left], self.processes)

    def estimate(self, cost: Callable[[Any, int], float] | None) -> None:
        """Say what each run will take: as its cell took in this study, else by the application's `cost`, else as others."""
        took: dict[str, list[float]] = {}
        for run in self.runs:
            if run.measured is not None:
                took.setdefault(run.cell.digest, []).append(run.measured)
        known = {digest: fmean(seconds) for digest, seconds in took.items()}
        sources = {"finished runs"} if known else set()
        wanted = {run.cell.digest: run.cell for run in self.runs if run.state in DUE and run.cell.digest not in known}
        began = time.perf_counter()
        for digest, cell in wanted.items() if cost is not None else ():
            if time.perf_counter() - began > TIMING_SECONDS:
                break
            try:
                known[digest] = cost(cell.config, self.processes)  # type: ignore[misc]
                sources.add("a few steps, timed just now")
            except Exception as error:  # an estimate is no reason not to run: the run itself will tell
                self.notes.append(f"the cost of {cell.label} could not be estimated: {type(error).__name__}: {error}")
        mean = fmean(known.values()) if known else None
        for run in self.runs:
            run.seconds = known.get(run.cell.digest, mean)
        self.cost_from = " and ".join(sorted(sources, reverse=True))

    def table(self, rows: int = ROWS_SHOWN) -> Table:
        """The cells, with their runs, at most so many: for a terminal."""
        keys = list(self.runs[0].cell.levels)
        states = [state for state in ("done", "to resume", "to do", "held", "left out", "given up") if self.count(state)]
        table = Table()
        names = designs.short_names(keys)
        for key in keys:
            table.add_column(escape(names[key]), overflow="fold")
        if not keys:
            table.add_column("cell")
        known = any(run.seconds is not None for run in self.runs)
        for column in (*states, *(["a run takes"] if known else [])):
            table.add_column(column, justify="right")
        by_cell: dict[str, list[PlannedRun]] = {}
        for run in self.runs:
            by_cell.setdefault(run.cell.digest, []).append(run)
        cells = [by_cell[digest] for digest in self.cells if digest in by_cell]
        for runs in cells[:rows]:
            counts: Counter[str] = Counter(run.state for run in runs)
            levels = [escape(designs.say(level)) for level in runs[0].cell.levels.values()] or ["base"]
            took = [duration(runs[0].seconds)] if runs[0].seconds is not None else []
            table.add_row(*levels, *(str(counts[state] or "") for state in states), *took)
        return table

    def summary(self, rows: int = ROWS_SHOWN) -> str:
        """The plan in a line or two: how many runs, and how long. `rows` are those of the table."""
        unseen = len(self.cells) - rows
        counts = [f"{self.count(state)} {state}" for state in ("done", "to resume", "to do") if self.count(state)]
        counts += [f"{self.count('held')} held by another process"] if self.count("held") else []
        counts += [f"{self.count('left out')} left out"] if self.count("left out") else []
        counts += [f"{self.count('given up')} given up"] if self.count("given up") else []
        text = f"… and {_counted(unseen, 'cell')} more: all runs are in {self.study / 'plan.csv'}.\n" if unseen > 0 else ""
        text += f"{_counted(len(self.runs), 'run')} in {self.study}: {', '.join(counts)}."
        if (left := self.seconds_left()) is not None:
            where = f" in {self.processes} processes" if self.processes > 1 else ""
            text += f" About {duration(left)}{where} (from {self.cost_from})."
        if stale := sum(run.stale and run.state == "done" for run in self.runs):
            text += f" {stale} of those done were made by other code: study.reuse=same_code makes them again."
        return text

    def count(self, state: State) -> int:
        """How many runs are in this state."""
        return sum(run.state == state for run in self.runs)

    def write_csv(self) -> None:
        """plan.csv, a row a run; cells that stand on the runs of another have rows too."""
        stand_ins: dict[str, list[Cell]] = {}
        for cell, runner in self.same.values():
            stand_ins.setdefault(runner.digest, []).append(cell)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*self.runs[0].cell.levels, "seed", "state", "seconds", "directory", "note"])
        for run in self.runs:
            seconds = "" if run.seconds is None else f"{run.seconds:.1f}"
            where = [run.seed, run.state, seconds, run.directory.relative_to(self.study).as_posix()]
            said = run.left_out or ("made by other code" if run.stale else "")
            writer.writerow([*map(designs.say, run.cell.levels.values()), *where, said])
            for cell in stand_ins.get(run.cell.digest, []):
                writer.writerow([*map(designs.say, cell.levels.values()), *where, f"the same experiment as {run.cell.label}"])
        write_atomically(self.study / "plan.csv", text.getvalue())


def make_plan(
    study: Path,
    cells: Sequence[Cell],
    seeds: Sequence[int],
    left_out: Sequence[Mapping[str, Any]],
    wanted: Mapping[int, Collection[str]] | None = None,
    experiments: Mapping[str, str] | None = None,
) -> Plan:
    """The plan for these cells and seeds: one block of cells for each seed, at random inside a block.

    `wanted` names, for each seed, the experiments that it runs; without it, each seed runs all. `experiments` are those of
    all cells of the study, by the first digits of both digests: what another command ran for an equal one is done.
    Of cells that build the same experiment one runs: one that has runs already, else the first.
    """
    known = known_cells(study)
    runners: dict[str, Cell] = {}
    for cell in sorted(cells, key=lambda cell: short_cell(cell.digest) not in known):
        runners.setdefault(cell.experiment, cell)
    same = {
        stand_in_digest(cell, runners[cell.experiment]): (cell, runners[cell.experiment])
        for cell in cells
        if cell.levels != runners[cell.experiment].levels
    }
    by_digest = {cell.digest: cell for cell in cells if cell is runners[cell.experiment]}
    alike: dict[str, list[str]] = {}
    for other, experiment in (experiments or {}).items():
        alike.setdefault(experiment, []).append(other)
    runs = []
    for seed in seeds:
        for digest in designs.shuffled(list(by_digest), seed):
            cell = by_digest[digest]
            if wanted is not None and cell.experiment not in wanted[seed]:
                continue
            directory = run_directory(study, cell_folder(known, digest, cell.label), seed)
            equal = [other for other in alike.get(short_experiment(cell.experiment), ()) if other in known]
            twins = [run_directory(study, known[other], seed) for other in equal if other != short_cell(digest)]
            # what a person set aside stands for nothing: there, each cell has runs of its own
            run = PlannedRun(cell, seed, directory, run_identity(digest, seed), twins=[] if left_out else twins)
            if left_out:
                run.left_out = designs.reason_to_leave_out(left_out, {**cell.every_level, "seed": seed})
            runs.append(run)
    return Plan(study, by_digest, runs, same)


def stand_in_digest(cell: Cell, runner: Cell) -> str:
    """The digest of a cell that stands on another's runs; two levels may compose to the very same configuration."""
    return cell.digest if cell.digest != runner.digest else fingerprint.digest([cell.digest, cell.levels])


def inert(cells: Sequence[Cell]) -> list[str]:
    """The factors that change nothing, in words: everywhere, or where the others stand at certain levels."""
    said = []
    for key in cells[0].levels if cells else ():
        strata: dict[tuple[tuple[str, Any], ...], set[str]] = {}
        for cell in cells:
            others = tuple((other, designs.say(level)) for other, level in cell.levels.items() if other != key)
            strata.setdefault(others, set()).add(cell.experiment)
        sizes = Counter(tuple((k, designs.say(v)) for k, v in cell.levels.items() if k != key) for cell in cells)
        compared = {others: experiments for others, experiments in strata.items() if sizes[others] > 1}
        dead = [others for others, experiments in compared.items() if len(experiments) == 1]
        if dead and len(dead) == len(compared):
            said.append(f"{key} changes nothing: its levels build the same experiment.")
        elif dead:
            said.append(f"{key} changes nothing {_where(dead, compared)}: the same experiment, which runs once.")
        elif any(len(experiments) < sizes[others] for others, experiments in compared.items()):
            said += _alike(key, cells)
    return said


def _alike(key: str, cells: Sequence[Cell]) -> list[str]:
    """Levels of a factor of which some, and not all, build the same experiment."""
    first: dict[tuple[str, str], Any] = {}
    said = []
    for cell in cells:
        others = str([(other, designs.say(level)) for other, level in cell.levels.items() if other != key])
        twin = first.setdefault((others, cell.experiment), cell.levels[key])
        if not designs.same(twin, cell.levels[key]):
            said.append(
                f"{key}={designs.say(cell.levels[key])} is the same experiment as {key}={designs.say(twin)}: it runs once."
            )
    return list(dict.fromkeys(said))


def waiting(seconds: Sequence[float], processes: int) -> float:
    """How long runs of so many seconds take in so many processes: no less than the longest of them."""
    return max(max(seconds), sum(seconds) / processes)


def _where(dead: Sequence[tuple[tuple[str, Any], ...]], compared: Iterable[tuple[tuple[str, Any], ...]]) -> str:
    """The strata in words: by one level that they have in common and the others have not, else by their number."""
    alive = [others for others in compared if others not in dead]
    for condition in dead[0]:
        if all(condition in others for others in dead) and not any(condition in others for others in alive):
            return f"where {condition[0]}={condition[1]}"
    return f"in {len(dead)} of {len(dead) + len(alive)} strata"


def duration(seconds: float) -> str:
    """A length of time as a person says it: `40 s`, `3 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(1, round(seconds))
    for size, unit, smaller, smaller_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{whole} s"


def _read(directory: Path) -> tuple[Path, Record] | None:
    record = read_record(directory)
    return None if record is None else (directory, record)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" + ("" if count == 1 else "s")


def _rows(history: Path) -> int:
    try:
        return max(0, history.read_bytes().count(b"\n") - 1)
    except OSError:
        return 0
