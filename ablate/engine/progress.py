"""The progress display of a sweep, based on the files of its runs, so that it covers runs in all processes."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ablate.core.wording import duration
from ablate.engine.planning import Plan, PlannedRun
from ablate.storage.locks import LEASE
from ablate.storage.records import DONE, RECORD, read_record
from ablate.storage.run_progress import RunProgress
from ablate.storage.time_left import Span, Unfinished, seconds_left, span_of

LOOK_SECONDS = 0.5
LOOK_SHARE = 20  # between two looks, at least so many times the duration of a look: with 100,000 runs it takes seconds
LINE_SECONDS = 60.0  # between two lines if the output is not a terminal
SHOWN = 16  # running runs shown at a time
LAST = 10_000  # finished runs from which the time left is estimated


@dataclass
class Tally:
    """The progress of a launch."""

    total: int
    done: int = 0
    failed: int = 0
    running: int = 0
    seconds_left: float | None = None

    def __str__(self) -> str:
        said = f"{self.done} of {self.total} done"
        if self.failed:
            said += f", {self.failed} failed"
        if self.running:
            said += f", {self.running} running"
        if self.seconds_left is not None and self.done + self.failed < self.total:
            said += f", about {duration(self.seconds_left)} left"
        return said


class Watch:
    """Counts the states of launched runs from their folders."""

    def __init__(self, plan: Plan, runs: Sequence[PlannedRun]) -> None:
        self.plan = plan
        self.waiting = {run.directory: run for run in runs}
        self.running: dict[Path, RunProgress] = {}
        self.tally = Tally(len(runs))
        self._took = 0.0
        self._finished: deque[Span] = deque(maxlen=LAST)  # of this launch
        self._expected = 0.0
        self._began = time.time()
        self._left_behind = {run.directory: _changed(run.directory / LEASE) for run in runs}  # by processes that are gone

    def look(self) -> Tally:
        """Count the states again."""
        self.running = {}
        for directory, run in list(self.waiting.items()):
            beat = _changed(directory / LEASE)
            if beat is not None and beat != self._left_behind[directory]:
                self.running[directory] = RunProgress.read(directory)
            elif (changed := _changed(directory / RECORD)) is not None and changed >= self._began:
                self._ended(run)
        self.tally.running = len(self.running)
        self.tally.seconds_left = self._seconds_left()
        return self.tally

    def _ended(self, run: PlannedRun) -> None:
        record = read_record(run.directory)
        if record is None or record.status in ("running", "interrupted"):
            return  # running, or damaged; the sweeper finds out after the launch
        del self.waiting[run.directory]
        if record.status in DONE:
            self.tally.done += 1
            if (span := span_of(record.timing)) is not None:
                self._finished.append(span)
            if run.seconds:
                self._took += record.timing.get("seconds") or 0.0
                self._expected += run.seconds * (1 - run.begun)
        else:
            self.tally.failed += 1

    def _seconds_left(self) -> float | None:
        """The estimated time left, with the estimated durations corrected by the ratio of actual to estimated ones so far."""
        ratio = self._took / self._expected if self._expected else 1.0
        left = [_unfinished(run, ratio, self.running.get(run.directory)) for run in self.waiting.values()]
        return seconds_left(left, self._finished, self.plan.processes)


@contextmanager
def shown(plan: Plan, runs: Sequence[PlannedRun], console: Console) -> Iterator[None]:
    """Show the progress of `runs` while the body launches them: live on a terminal, otherwise as a line every few seconds."""
    watch = Watch(plan, runs)
    over = threading.Event()
    thread = threading.Thread(target=_live if console.is_terminal else _lines, args=(watch, console, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _lines(watch: Watch, console: Console, over: threading.Event) -> None:
    before = ""
    while not over.wait(LINE_SECONDS):
        if (said := str(watch.look())) != before:
            console.print(said, markup=False)
            before = said


def _live(watch: Watch, console: Console, over: threading.Event) -> None:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[said]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        sweep = progress.add_task(watch.plan.study.name, total=watch.tally.total, said="")
        lines: dict[Path, TaskID] = {}
        while True:
            began = time.perf_counter()
            tally = watch.look()
            progress.update(sweep, completed=tally.done + tally.failed, said=str(tally))
            current = dict(itertools.islice(watch.running.items(), SHOWN))
            for directory in [directory for directory in lines if directory not in current]:
                progress.remove_task(lines.pop(directory))
            for directory, run in current.items():
                if directory not in lines:
                    lines[directory] = progress.add_task(f"  {watch.waiting[directory].name}", total=None, said="")
                progress.update(lines[directory], completed=len(run.rows), total=run.epochs, said=_last_row(run))
            if over.wait(max(LOOK_SECONDS, LOOK_SHARE * (time.perf_counter() - began))):
                return


def _last_row(run: RunProgress) -> str:
    """The last epoch in words."""
    if not run.rows:
        return "starting"
    value = run.rows[-1][run.metric]
    shown = f"{value:.4g}" if isinstance(value, int | float) else value
    return f"epoch {len(run.rows)}{f'/{run.epochs}' if run.epochs else ''}, {run.metric} {shown}"


def _unfinished(planned: PlannedRun, ratio: float, running: RunProgress | None) -> Unfinished:
    seconds = None if planned.seconds is None else planned.seconds * ratio
    if running is None:
        return Unfinished(planned.begun, seconds)
    record = running.record
    return Unfinished(running.share, seconds, span_of(record.timing, time.time()) if record is not None else None)


def _changed(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
