"""Show what the runs of a study are doing: their states, machines, jobs and attempts.

ablate status STUDY [--all] [--json]

Everything is read from the folder of the study, and Slurm is asked about jobs in its queue; no command has to be running.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from ablate.commands import studies
from ablate.core.text import cut
from ablate.core.wording import duration
from ablate.report import terminal
from ablate.storage import locks, scheduler
from ablate.storage.layout import run_directories, split_folder
from ablate.storage.plan_file import read_plan
from ablate.storage.records import DONE, RECORD, RunRecord, read_record
from ablate.storage.time_left import Span, Unfinished, seconds_left, seconds_since_1970

ROWS_SHOWN = 40
NOTE = 200  # characters of an error; run.json has more
STATES = ("running", "queued", "failed", "interrupted", "unreadable", "not started", "diverged", "finished", "left out")
ENDED = (*DONE, "failed", "left out")
AT_REST = (*DONE, "not started", "left out")  # shown with --all only


@dataclass(frozen=True)
class RunStatus:
    """What a run is doing.

    Attributes:
        directory: relative to the study.
        state: one of STATES. A run whose record says `running`, but that no process holds, is `interrupted`;
            one whose record is damaged is `unreadable`: a sweep repeats it.
        since: seconds since 1970; None if unknown.
        seconds: how long it took, if it has ended.
    """

    directory: str
    label: str
    seed: str
    state: str
    host: str | None = None
    job: str | None = None
    attempts: int = 0
    since: float | None = None
    note: str | None = None
    seconds: float | None = None


Known = dict[str, tuple[int, RunStatus]]  # by the folder of a run that has ended, when run.json was written, and its status


def status_of(study: Path, known: Known | None = None) -> list[RunStatus]:
    """The status of each planned or recorded run of a study, in the order of the plan.

    Args:
        study: its folder.
        known: for repeated calls: runs that have ended, which are only read again if they have changed. It is updated.
    """
    planned = {name: row.state for name, row in read_plan(study).items()}
    names = dict.fromkeys([*planned, *(path.relative_to(study).as_posix() for path in run_directories(study))])
    queued = scheduler.queued_jobs(study)
    known = {} if known is None else known
    return [_unless_known(study, name, planned.get(name, ""), queued.get(name), known) for name in names]


def _unless_known(study: Path, name: str, planned: str, queued: scheduler.QueuedJob | None, known: Known) -> RunStatus:
    try:
        written = (study / name / RECORD).stat().st_mtime_ns
    except OSError:
        return _status(study, name, planned, queued)
    before = known.get(name)
    if before is not None and before[0] == written:
        return before[1]
    status = _status(study, name, planned, queued)
    if status.state in DONE:
        known[name] = written, status
    return status


def _status(study: Path, name: str, planned: str, queued: scheduler.QueuedJob | None) -> RunStatus:
    directory = study / name
    damaged: list[str] = []
    record = read_record(directory, damaged)
    lease = locks.lease_of(directory)
    label = record.short_name if record is not None else split_folder(directory.parent.name)[0]
    seed = directory.name.removeprefix("seed=")
    attempts = record.attempts if record is not None else 0
    if lease and locks.holder(directory) is not None:
        host, job = _place(record, lease)
        started = record.timing.get("started") if record is not None else None
        return RunStatus(name, label, seed, "running", host, job, attempts, seconds_since_1970(started) or lease.get("beat"))
    if queued is not None and (record is None or record.status not in DONE):
        submitted = seconds_since_1970(queued.submitted)
        running, _, node = (queued.state or "").partition(" on ")
        if running == "RUNNING":  # it is just starting
            return RunStatus(name, label, seed, "running", node, queued.name, attempts, note="starting")
        note = queued.state or "Slurm does not answer"
        return RunStatus(name, label, seed, "queued", None, queued.name, attempts, submitted, note)
    if record is None:
        state = "left out" if planned == "left out" else "unreadable" if damaged else "not started"
        return RunStatus(name, label, seed, state, note="; ".join(damaged) or None)
    state = locks.state_of(directory, record)
    host, job = _place(record, {})
    began, seconds = seconds_since_1970(record.timing.get("started")), record.timing.get("seconds")
    ended = None if began is None else began + (seconds or 0.0)
    return RunStatus(name, label, seed, state, host, job, attempts, ended, record.error, seconds)


def _place(record: RunRecord | None, lease: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The machine and the job of a run."""
    worker: Mapping[str, Any] = record.worker if record is not None else {}
    current = not lease or worker.get("pid") == lease.get("pid")
    host = worker.get("host") if current else None
    return host or lease.get("host"), lease.get("job") or worker.get("job")


def table(runs: Sequence[RunStatus], now: float) -> Table:
    """A terminal table of these runs."""
    shown = Table()
    for column in ("configuration", "seed", "state", "host", "job"):
        shown.add_column(column, overflow="fold")
    shown.add_column("attempts", justify="right")
    shown.add_column("since", justify="right")
    shown.add_column("note", overflow="fold")
    for run in runs:
        since = "" if run.since is None else f"{duration(now - run.since)} ago"
        facts = (
            run.label,
            run.seed,
            run.state,
            run.host or "",
            run.job or "",
            str(run.attempts or ""),
            since,
            cut(run.note or "", NOTE),
        )
        shown.add_row(*map(escape, facts))
    return shown


def time_left(runs: Sequence[RunStatus], now: float) -> float | None:
    """The estimated seconds until all runs are done; None if none is running, or if none has finished.

    Args:
        runs: all runs of a study.
        now: the current time, in seconds since 1970.
    """
    finished = [
        Span(run.since - run.seconds, run.seconds)
        for run in runs
        if run.state == "finished" and run.since is not None and run.seconds is not None
    ]
    unfinished = [run for run in runs if run.state not in ENDED]
    if not any(run.state == "running" for run in unfinished):
        return None
    running = {
        run.directory: Span(run.since, max(0.0, now - run.since))
        for run in unfinished
        if run.state == "running" and run.since is not None
    }
    left = [Unfinished(span=running.get(run.directory)) for run in unfinished]
    return seconds_left(left, finished)


def summary(runs: Sequence[RunStatus], now: float) -> str:
    """The number of runs in each state, and the estimated time left."""
    counts = Counter(run.state for run in runs)
    states = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    left = time_left(runs, now)
    return f"{len(runs)} runs: {states}{'' if left is None else f'; about {duration(left)} left'}."


def main() -> None:
    """Run the command."""
    parser = studies.parser("status", "Show what the runs of a study are doing: their states, machines, jobs and attempts.")
    studies.add_study(parser)
    parser.add_argument("--all", action="store_true", help="also list runs that are finished, diverged or not started")
    parser.add_argument("--json", action="store_true", help="print all runs as JSON")
    arguments = parser.parse_args()

    def command() -> None:
        study = studies.find(arguments.study)
        runs = status_of(study)
        if arguments.json:
            facts = [{**asdict(run), "since": _iso(run.since)} for run in runs]
            left = time_left(runs, time.time())
            answer = {"study": str(study), "seconds_left": left and round(left, 1), "runs": facts}
            print(json.dumps(answer, indent=1, ensure_ascii=False))
        else:
            _show(runs, arguments.all)

    studies.run(command)


def _show(runs: Sequence[RunStatus], every: bool) -> None:
    """Print the summary, and a table of the runs that need attention, or of all."""
    console = terminal.console()
    listed = [run for run in runs if every or run.state not in AT_REST]
    listed.sort(key=lambda run: STATES.index(run.state))
    rows = len(listed) if every else ROWS_SHOWN
    if listed:
        console.print(table(listed[:rows], time.time()))
    if len(listed) > rows:
        console.print(f"… and {len(listed) - rows} more: add --all.", markup=False)
    console.print(summary(runs, time.time()), markup=False, soft_wrap=True)


def _iso(since: float | None) -> str | None:
    return None if since is None else datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
