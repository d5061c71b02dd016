"""Watch a study while it runs: progress, learning curves, and its tables so far.

ablate watch STUDY [--every SECONDS] [--page] [--once]

Everything is read from the folder of the study, so it works for sweeps on other machines, and for sweeps that have ended.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablate.commands import studies
from ablate.commands.status import ENDED, Known, RunStatus, status_of, summary
from ablate.core.errors import UsageError
from ablate.report import terminal
from ablate.report.build import build
from ablate.report.folder import write_folder
from ablate.report.model import Report
from ablate.report.table_formats import to_rich
from ablate.storage.run_progress import RunProgress

SHOWN = 12  # running runs
TABLES = ("ablation", "results")  # the first of these that a report has is shown
BARS = "▁▂▃▄▅▆▇█"
POINTS = 30  # of a curve in the terminal


@dataclass(frozen=True)
class Running:
    """A running run.

    Attributes:
        name: its configuration and seed.
        epoch: the number of epochs that it has logged.
        epochs: the number that it will log; None if unknown.
        metric: the name of the curve.
        curve: the logged values.
    """

    name: str
    epoch: int
    epochs: int | None
    metric: str
    curve: Sequence[float]


@dataclass(frozen=True)
class Snapshot:
    """What a study is doing at one moment.

    Attributes:
        runs: the status of each run.
        running: the first running runs with their curves.
    """

    runs: Sequence[RunStatus]
    running: Sequence[Running]

    @property
    def counts(self) -> Counter[str]:
        return Counter(run.state for run in self.runs)

    @property
    def over(self) -> bool:
        """Whether no run is running or queued."""
        return not self.counts["running"] and not self.counts["queued"]


def look(study: Path, known: Known | None = None) -> Snapshot:
    """Read the state of a study; see `status_of` for `known`."""
    runs = status_of(study, known)
    running = [_running(study, run) for run in [run for run in runs if run.state == "running"][:SHOWN]]
    return Snapshot(runs, running)


def _running(study: Path, run: RunStatus) -> Running:
    found = RunProgress.read(study / run.directory)
    curve = [row[found.metric] for row in found.rows if isinstance(row.get(found.metric), int | float)]
    return Running(f"{run.label} seed={run.seed}", len(found.rows), found.epochs, found.metric, curve)


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line of text, from its lowest to its highest value.

    >>> sparkline([0.0, 0.5, 1.0])
    '▁▅█'
    """
    finite = [value for value in values if value == value and abs(value) != float("inf")]
    if not finite:
        return ""
    shown = [finite[at * len(finite) // POINTS] for at in range(POINTS)] if len(finite) > POINTS else finite
    low, span = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] for value in shown)


def render(study: Path, snapshot: Snapshot, report: Report | None) -> RenderableType:
    """The display: progress, running runs, and a table of the results so far."""
    ended = sum(snapshot.counts[state] for state in ENDED)
    parts: list[RenderableType] = [
        Text(f"{study.name}: {summary(snapshot.runs, time.time()).removesuffix('.')}"),
        Padding(ProgressBar(total=max(1, len(snapshot.runs)), completed=ended, width=60), 0),
    ]
    if snapshot.running:
        curves = Table("running", "epoch", "curve", "last", box=None)
        for run in snapshot.running:
            epoch = f"{run.epoch}/{run.epochs}" if run.epochs else str(run.epoch)
            last = f"{run.metric} {run.curve[-1]:.4g}" if run.curve else "starting"
            curves.add_row(escape(run.name), epoch, sparkline(run.curve), escape(last))
        parts.append(curves)
    if report is not None:
        tables = {table.name: table for table in report.tables}
        parts += [to_rich(tables[name]) for name in TABLES if name in tables][:1]
    return Group(*parts)


class Watch:
    """Watches one study.

    Args:
        study: its folder.
        page: whether to write the report's page when a run has ended; the page reloads itself while the study runs.
        every: seconds between two looks.

    Attributes:
        over: whether the study was over at the last look.
    """

    def __init__(self, study: Path, page: bool, every: float) -> None:
        self.study = study
        self.page = page
        self.every = every
        self.over = False
        self._counts: Counter[str] | None = None
        self._ended = -1
        self._known: Known = {}
        self._report: Report | None = None

    def look(self, last: bool = False) -> tuple[Snapshot, RenderableType]:
        """Look at the study; build its report, and write the page, if a run has ended since the last look.

        Sets `over` once no run is running or queued. Between two runs of a sweep there may be none for a moment: if some have
        not started, or have to be repeated, this needs two looks without a change in between.

        Args:
            last: whether there will be no further look.
        """
        snapshot = look(self.study, self._known)
        ended = sum(snapshot.counts[state] for state in ENDED)
        to_do = snapshot.counts["not started"] + snapshot.counts["unreadable"]
        self.over = snapshot.over and (last or not to_do or snapshot.counts == self._counts)
        self._counts = snapshot.counts
        if ended != self._ended or (self.page and self.over):
            self._ended = ended
            self._build(None if self.over else max(5, round(self.every)))
        return snapshot, render(self.study, snapshot, self._report)

    def stop_reloading(self) -> None:
        """Write the page once more, so that it no longer reloads itself: nobody keeps it up to date any more."""
        if self.page:
            self._build(None)

    def _build(self, refresh: int | None) -> None:
        try:
            self._report = build(self.study)
        except UsageError:  # no run has results yet
            return
        if self.page:
            write_folder(self._report, refresh)


def follow(watch: Watch, console: Console, once: bool) -> None:
    """Show the display until no run is running or queued, or once."""
    once = once or not console.is_terminal
    snapshot, shown = watch.look(last=once)
    if not snapshot.runs:
        raise UsageError(f"{watch.study} has no runs yet.")
    if once:
        console.print(shown)
        return
    try:
        with Live(shown, console=console, auto_refresh=False) as live:
            while not watch.over:
                time.sleep(watch.every)
                _, shown = watch.look()
                live.update(shown, refresh=True)
    except KeyboardInterrupt:
        watch.stop_reloading()
        raise


def main() -> None:
    """Run the command."""
    parser = studies.parser("watch", "Watch a study while it runs: progress, learning curves, and its tables so far.")
    studies.add_study(parser)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="time between two updates; default: 2")
    parser.add_argument("--page", action="store_true", help="also write the page of the report whenever a run has ended")
    parser.add_argument("--once", action="store_true", help="show the state once and exit")
    arguments = parser.parse_args()

    def command() -> None:
        if not 0 < arguments.every < float("inf"):
            raise UsageError(f"--every {arguments.every:g}: expected a number of seconds above 0.")
        follow(Watch(studies.find(arguments.study), arguments.page, arguments.every), terminal.console(), arguments.once)

    studies.run(command)
