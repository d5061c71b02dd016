"""List the studies in a folder: their runs, and what their reports have found.

ablate list [FOLDER]
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ablate.commands import studies
from ablate.core.errors import UsageError
from ablate.report import terminal
from ablate.storage.layout import ROOT, is_study, run_directories, studies_in
from ablate.storage.locks import state_of
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import RECORD, read_record


@dataclass(frozen=True)
class StudyOverview:
    """A study in one line.

    Attributes:
        runs: the number of runs by state, see `locks.state_of`.
        factors: the names of its factors.
        verdicts: the number of claims by verdict, from the last report; empty without one.
        changed: when a run last changed, in seconds since 1970.
    """

    name: str
    runs: Counter[str]
    configurations: int
    seeds: int
    factors: tuple[str, ...]
    verdicts: Counter[str]
    changed: float


def overview(study: Path) -> StudyOverview:
    """Summarize a study without loading its results."""
    runs: Counter[str] = Counter()
    cells, seeds, changed = set(), set(), study.stat().st_mtime
    for directory in run_directories(study):
        record = read_record(directory)
        runs["unreadable" if record is None else state_of(directory, record)] += 1
        cells.add(directory.parent.name)
        seeds.add(directory.name)
        changed = max(changed, (directory / RECORD).stat().st_mtime)
    factors: tuple[str, ...] = ()
    shared = 0  # configurations that have no runs of their own
    with suppress(UsageError):
        manifest = StudyManifest.read(study)
        factors, shared = tuple(manifest.factors), len(manifest.same) if cells else 0
    return StudyOverview(study.name, runs, len(cells) + shared, len(seeds), factors, Counter(_verdicts(study)), changed)


def _verdicts(study: Path) -> Iterator[str]:
    try:
        rows = json.loads((study / "report" / "verdicts.json").read_text(encoding="utf-8"))
        yield from (str(row["verdict"]) for row in rows)
    except (OSError, ValueError, TypeError, KeyError):
        return


def table(overviews: list[StudyOverview]) -> Table:
    """A row for each study."""
    shown = Table()
    for title in ("study", "configurations", "seeds", "runs", "factors", "verdicts of the last report", "last change"):
        shown.add_column(title, justify="right" if title in ("configurations", "seeds") else "left", overflow="fold")
    for each in overviews:
        shown.add_row(
            escape(each.name),
            str(each.configurations),
            str(each.seeds),
            _counts(each.runs) or "none",
            escape(", ".join(each.factors)),
            _counts(each.verdicts),
            f"{datetime.fromtimestamp(each.changed):%Y-%m-%d %H:%M}",
        )
    return shown


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counter.most_common())


def _nothing(folder: Path) -> str:
    if not folder.is_dir() and folder != ROOT:
        return f"{folder}: there is no such folder."
    if is_study(folder):
        return f"{folder} is a study: `ablate show {folder}` shows it, `ablate list {folder.parent}` lists those beside it."
    return (
        f"no studies in {folder}. A sweep makes one: python train.py -m hydra/sweeper=ablate KEY=LEVEL,LEVEL, or without Hydra "
        "ablate sweep KEY=LEVEL,LEVEL -- python train.py --KEY {KEY}"
    )


def main() -> None:
    """Run the command."""
    parser = studies.parser("list", "List the studies in a folder.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT, help=f"default: {ROOT}")
    arguments = parser.parse_args()

    def command() -> None:
        found = [overview(study) for study in studies_in(arguments.folder)]
        if not found:
            raise UsageError(_nothing(arguments.folder))
        terminal.console().print(table(found))

    studies.run(command)
