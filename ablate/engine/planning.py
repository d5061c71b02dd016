"""The plan of a sweep: its runs, the state of each, which are due, and the estimated duration."""

from __future__ import annotations

import time
from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from ablate.core import designs
from ablate.core.cells import Cell, LeaveOut, reason_to_leave_out
from ablate.core.levels import Level
from ablate.engine.cells import PlannedCell
from ablate.engine.execution import Outcome
from ablate.engine.study_update import stand_in_digest
from ablate.storage import locks
from ablate.storage.code_files import made_by_other_code
from ablate.storage.layout import cell_folder, known_cells, run_directory, run_identity, short_experiment
from ablate.storage.records import CHECKPOINT, RunRecord, is_done, read_record
from ablate.storage.run_progress import RunProgress

State = Literal["done", "to resume", "to do", "held", "left out", "given up"]
STATES: tuple[State, ...] = ("done", "to resume", "to do", "held", "left out", "given up")
DUE: tuple[State, ...] = ("to resume", "to do")
MAX_DEATHS = 2
MAX_FRUITLESS = 2  # attempts of a run in one sweep after which it is neither done nor failed, and no further than before
TIMING_SECONDS = 10.0  # time limit for all estimates before a sweep


@dataclass
class PlannedRun:
    """A run of the plan with its state.

    Attributes:
        left_out: the reason in study.leave_out, if the run is excluded.
        twins: the folders of this run in other cells that build the same experiment.
        attempts: how often it was started.
        deaths: how often its process died.
        death: how it died the last time, if the launcher told it in this sweep.
        failed: whether its last attempt failed.
        begun: the fraction that is completed, according to the checkpoint.
        seconds: the estimated duration of the whole run.
        measured: its actual duration.
        measured_on: the hardware on which it took so long, if the program says.
        recorded: the outcome in its record if it is done.
        outcome: its outcome in this sweep.
        failures: the number of failures in this sweep.
        fruitless: how often in a row it came back in this sweep without being done, failed, or further than before.
        reached: how far it got in this sweep: the rows of its history; -1 if it has not come back.
        stopped: the reason why it is not launched again in this sweep.
        repeats: the seed of the program, if this is a second run with the same seed (study.check_repeatable).
    """

    cell: PlannedCell
    seed: int
    directory: Path
    identity: str
    left_out: str | None = None
    twins: list[Path] = field(default_factory=list)
    state: State = "to do"
    attempts: int = 0
    deaths: int = 0
    death: str | None = None
    failed: bool = False
    begun: float = 0.0
    seconds: float | None = None
    measured: float | None = None
    measured_on: str | None = None
    recorded: Outcome | None = None
    outcome: Outcome | None = None
    failures: int = 0
    fruitless: int = 0
    reached: int = -1
    stopped: str | None = None
    repeats: int | None = None

    @property
    def program_seed(self) -> int:
        """The seed that the program gets."""
        return self.seed if self.repeats is None else self.repeats

    @property
    def stale(self) -> bool:
        """Whether the run is done and was made by other code than the current version."""
        return self.state == "done" and self.recorded is not None and self.recorded.stale

    @property
    def name(self) -> str:
        return f"{self.cell.name} seed={self.seed}"

    def came_back(self, reason: str) -> None:
        """Note that an attempt has ended and the run is due all the same; the second time without progress stops it.

        Args:
            reason: why it is due.
        """
        rows = len(RunProgress.read(self.directory).rows)
        self.fruitless = self.fruitless + 1 if rows <= self.reached else 1
        self.reached = rows
        if self.fruitless >= MAX_FRUITLESS:
            self.stopped, self.state = reason, "given up"

    def look(self, code: str, same_code: bool, warnings: list[str], root: Path | None = None) -> None:
        """Determine the state of the run from its folder."""
        if self.left_out is not None:
            self.state = "left out"
            return
        record = read_record(self.directory, warnings)
        self.attempts = record.attempts if record is not None else 0
        self.deaths = locks.deaths(self.directory)
        self.failed = record is not None and record.status == "failed"
        own = (self.directory, record) if record is not None and record.identity == self.identity else None
        for directory, found in filter(None, [own, *map(_read, self.twins)]):
            stale = made_by_other_code(found.provenance, code, root)
            if not is_done(directory, found) or (stale and same_code):
                continue
            self.state = "done"
            self.directory, self.identity, self.attempts = directory, found.identity, found.attempts
            whole = found.status == "finished" and not found.timing.get("resumed")
            self.measured = found.timing.get("seconds") if whole else None
            self.measured_on = found.hardware
            self.recorded = Outcome.of(found, directory, kept=True, stale=stale)
            return
        if locks.holder(self.directory) is not None:
            self.state = "held"
        elif self.deaths >= MAX_DEATHS or self.stopped is not None:
            self.state = "given up"
        elif (self.directory / CHECKPOINT).exists():
            self.state = "to resume"
            self.begun = RunProgress.of(self.directory, record).share
        else:
            self.state = "to do"


@dataclass
class Plan:
    """The runs of a sweep in order.

    Attributes:
        study: the folder of the study.
        cells: the cells that run, by digest, in the order of their levels.
        runs: all runs.
        stand_ins: by digest, a cell that does not run, and the cell whose runs it shares.
        code: the digest of the current code.
        root: the folder of the project whose imported files are compared; None if the program names its code itself.
        same_code: whether runs made by other code are repeated.
        processes: the number of runs that share the machine.
        cost_from: the basis of the estimated durations, as text.
        notes: sentences to print with the plan.
        leave_out: the entries of study.leave_out.
    """

    study: Path
    cells: dict[str, PlannedCell]
    runs: list[PlannedRun]
    stand_ins: dict[str, tuple[PlannedCell, PlannedCell]]
    code: str = ""
    same_code: bool = False
    root: Path | None = None
    processes: int = 1
    cost_from: str = ""
    notes: list[str] = field(default_factory=list)
    leave_out: Sequence[LeaveOut] = ()

    def look(self) -> None:
        """Determine the state of each run; damaged records are reported in `notes`."""
        self.notes = []
        for run in self.runs:
            run.look(self.code, self.same_code, self.notes, self.root)

    def carry_over(self, earlier: Plan) -> None:
        """Take over what an earlier plan of this command knows about runs that failed, so that they stay failed."""
        known = {run.directory: run for run in earlier.runs if run.state != "done"}
        for run in self.runs:
            if (was := known.get(run.directory)) is not None:
                run.failures, run.stopped, run.outcome = was.failures, was.stopped, was.outcome
                run.fruitless, run.reached = was.fruitless, was.reached

    def due(self) -> list[PlannedRun]:
        """The runs to launch, in order; those that failed or crashed come last, since they may stop the sweep."""
        return sorted((run for run in self.runs if run.state in DUE), key=lambda run: (run.deaths > 0, run.failed))

    def count(self, state: State) -> int:
        """The number of runs in this state."""
        return sum(run.state == state for run in self.runs)

    def seconds_left(self) -> float | None:
        """The estimated time until all due runs are done, in seconds; None if unknown."""
        left = [run for run in self.runs if run.state in DUE]
        if not left or any(run.seconds is None for run in left):
            return None
        return waiting_time([(run.seconds or 0.0) * (1 - run.begun) for run in left], self.processes)

    def estimate(self, cost: Callable[[Any, int], float | None]) -> None:
        """Estimate the duration of each run: from finished runs of its cell, `Experiment.cost`, or other cells."""
        took: dict[str, list[float]] = {}
        for run in self.runs:
            if run.measured is not None:
                took.setdefault(run.cell.digest, []).append(run.measured)
        known = {digest: fmean(seconds) for digest, seconds in took.items()}
        hardware = sorted({run.measured_on for run in self.runs if run.measured is not None and run.measured_on is not None})
        sources = {"finished runs" + (f" on {', '.join(hardware)}" if hardware else "")} if known else set()
        unknown = {run.cell.digest: run.cell for run in self.runs if run.state in DUE and run.cell.digest not in known}
        started = time.perf_counter()
        for digest, cell in unknown.items():
            if time.perf_counter() - started > TIMING_SECONDS:
                break
            seconds, problem = estimated(cell, cost, self.processes)
            self.notes += [problem] if problem else []
            if seconds is not None:
                known[digest] = seconds
                sources.add("the program's estimate")
        mean = fmean(known.values()) if known else None
        for run in self.runs:
            run.seconds = known.get(run.cell.digest, mean)
        self.cost_from = " and ".join(sorted(sources))


def estimated(cell: PlannedCell, cost: Callable[[Any, int], float | None], processes: int) -> tuple[float | None, str]:
    """The seconds of a run by `Experiment.cost`, None if unknown, and what went wrong: a sweep goes on without it."""
    try:
        return cost(cell.settings, processes), ""
    except Exception as error:  # the run will show it
        return None, f"the duration of {cell.name} could not be estimated: {type(error).__name__}: {error}"


def make_plan(
    study: Path,
    cells: Sequence[PlannedCell],
    seeds: Sequence[int],
    leave_out: Sequence[LeaveOut] = (),
    wanted: Mapping[int, Collection[str]] | None = None,
    experiments: Mapping[str, str] | None = None,
    repeats: Mapping[int, int] | None = None,
    baseline: Cell | None = None,
) -> Plan:
    """Make the plan for these cells and seeds: one block of cells for each seed, in random order within a block.

    Of several cells that build the same experiment, one runs: one that has runs already, otherwise the first.

    Args:
        study: the folder of the study.
        cells: the cells, without duplicates.
        seeds: the seeds in order.
        leave_out: the entries of study.leave_out.
        wanted: the experiments of each seed; None if each seed runs all.
        experiments: `StudyManifest.experiments`, for all cells of the study; runs of an equal experiment by another command
            count as done.
        repeats: by the number of a second run with the same seed, that seed.
        baseline: the levels from which the names of the cells are shortened; None: they are in full.
    """
    for cell in cells:
        cell.baseline = baseline
    known = known_cells(study)
    runners: dict[str, PlannedCell] = {}
    for cell in sorted(cells, key=lambda cell: cell.short not in known):
        runners.setdefault(cell.builds, cell)
    stand_ins = {
        stand_in_digest(cell, runners[cell.builds]): (cell, runners[cell.builds])
        for cell in cells
        if cell.levels != runners[cell.builds].levels
    }
    by_digest = {cell.digest: cell for cell in cells if cell is runners[cell.builds]}
    alike: dict[str, list[str]] = {}
    for other, built in (experiments or {}).items():
        alike.setdefault(built, []).append(other)
    levels = {digest: cell.all_levels() for digest, cell in by_digest.items()} if leave_out else {}
    folders = {digest: cell_folder(known, cell.short, cell.name) for digest, cell in by_digest.items()}
    runs = []
    for seed in seeds:
        for digest in designs.shuffled(list(by_digest), seed):
            cell = by_digest[digest]
            if wanted is not None and cell.builds not in wanted[seed]:
                continue
            equal = [other for other in alike.get(short_experiment(cell.builds), ()) if other in known]
            twins = [run_directory(study, known[other], seed) for other in equal if other != cell.short]
            run = PlannedRun(cell, seed, run_directory(study, folders[digest], seed), run_identity(digest, seed))
            run.repeats = (repeats or {}).get(seed)
            if leave_out:
                run.left_out = reason_to_leave_out(leave_out, ChainMap({"seed": Level.of(seed)}, levels[digest]))
            else:  # with study.leave_out, cells do not share runs
                run.twins = twins
            runs.append(run)
    return Plan(study, by_digest, runs, stand_ins, leave_out=leave_out)


def waiting_time(seconds: Sequence[float], processes: int) -> float:
    """The time that runs of these durations take in `processes` processes: at least that of the longest."""
    return max(max(seconds), sum(seconds) / processes)


def _read(directory: Path) -> tuple[Path, RunRecord] | None:
    record = read_record(directory)
    return None if record is None else (directory, record)
