"""Audit a study: find missing runs, and differences in the provenance of the existing ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ablate.storage.code_files import FILES, outdated
from ablate.storage.fingerprint import flatten
from ablate.storage.layout import split_folder
from ablate.storage.plan_file import read_plan
from ablate.storage.records import RunRecord, read_record
from ablate.storage.results import StudyResults

LEFT_OUT = "left out"
MISSING = "missing"
STATES = ("finished", "diverged", "failed", "interrupted", "running", MISSING, LEFT_OUT)
PROVENANCE = {  # what should be equal in all runs, with its keys in `RunRecord.provenance`
    "code": ("code",),
    "numerics": ("numerics",),
    "hardware": ("hardware",),
    "versions": ("python", "packages"),
}


@dataclass(frozen=True, slots=True)
class MissingRun:
    """A planned run that was never started."""

    cell: str  # short digest
    label: str
    seed: str


@dataclass
class Audit:
    """The states and the provenance of the runs of a study.

    Attributes:
        states: the number of runs in each of STATES.
        missing: planned runs that were never started.
        made: for each item of provenance (such as `hardware.processor`), its values with the number of finished runs.
        mixed: the keys of PROVENANCE that differ between finished runs.
        recorded: the keys of PROVENANCE that finished runs have.
        drifted: see `StudyResults.drifted`.
        differing: what a finished run was made with otherwise than planned (code, versions), with the number of such runs.
        stale: by cell, the number of finished runs that were made by other code than the newest run.
        resumed: the number of finished runs that were resumed from a checkpoint.
        timed_alike: whether the durations of the runs are comparable.
    """

    states: dict[str, int]
    missing: list[MissingRun]
    made: dict[str, Counter[str]] = field(default_factory=dict)
    mixed: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    drifted: tuple[str, ...] = ()
    differing: Counter[str] = field(default_factory=Counter)
    stale: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    timed_alike: bool = True


def examine(results: StudyResults) -> Audit:
    """Audit a study. For results of other tools, only states and missing runs are available."""
    by_run = results.runs.drop_duplicates("directory")
    states = Counter(by_run["status"].where(by_run["left_out"].isna(), LEFT_OUT))
    missing = None if results.folder is None else _not_started(results.folder, set(by_run["directory"]))
    if missing is None:
        missing = _holes(results) if results.paired else []
    states[MISSING] = len(missing)
    audit = Audit({state: states[state] for state in STATES}, missing, drifted=results.drifted)
    if results.folder is not None:
        _compare(audit, by_run, results.folder)
    return audit


def _not_started(study: Path, started: set[str]) -> list[MissingRun] | None:
    """The runs in plan.csv that were never started; None without a readable plan."""
    planned = {name: row for name, row in read_plan(study).items() if row.state != LEFT_OUT}
    if not planned:
        return None
    try:
        missing = [name for name in planned if name not in started and read_record(study / name) is None]
    except ValueError:  # a name that cannot be a folder
        return None
    folders = {name: split_folder(Path(name).parent.name) for name in missing}
    return [MissingRun(cell, planned[name].label or called, planned[name].seed) for name, (called, cell) in folders.items()]


def _holes(results: StudyResults) -> list[MissingRun]:
    """Missing runs without a plan: the seeds that at least half of the cells have, and others not.

    If no two cells share a seed, none is missing. Further seeds of one of several configurations, such as the baseline, were
    not meant for the others. A cell with other seeds has no hole if it has as many as any cell has of those.

    The cells of a block (a data set, say) are compared with each other only: each block may have seeds of its own.
    """
    blocks = results.manifest.blocks
    if blocks not in results.levels:
        return _holes_of(results.runs)
    names = [level.text for level in results.levels[blocks]]
    return [hole for _, runs in results.runs.groupby(names, sort=False) for hole in _holes_of(runs)]


def _holes_of(runs: pd.DataFrame) -> list[MissingRun]:
    present = set(zip(runs["cell"], runs["seed"], strict=True))
    cells = runs.drop_duplicates("cell")
    cells_with = Counter(seed for _, seed in present)
    if len(present) == len(cells_with):
        return []
    due = {seed for seed, number in cells_with.items() if 2 * number >= len(cells)}
    seeds_of = Counter(cell for cell, _ in present)
    most = max(Counter(cell for cell, seed in present if seed in due).values(), default=0)
    return [
        MissingRun(cell, label, str(seed))
        for cell, label in zip(cells["cell"], cells["label"], strict=True)
        if seeds_of[cell] < most
        for seed in sorted(due)
        if (cell, seed) not in present
    ]


def _compare(audit: Audit, by_run: pd.DataFrame, study: Path) -> None:
    """Compare the provenance and the timing of the finished runs."""
    code_of: dict[str, str] = {}
    files_of: list[tuple[str, str, dict[str, str]]] = []  # by run: when it was started, its directory, what it imported
    newest = ("", "")
    processes = set()
    for directory, left_out in zip(by_run["directory"], by_run["left_out"], strict=True):
        record = read_record(study / directory)
        if record is None or left_out or record.status != "finished":
            continue
        facts = _facts(record)
        files = record.provenance.get(FILES)
        if isinstance(files, dict):  # then these matter, rather than the text of the program's file
            files_of.append((record.timing.get("started") or "", directory, files))
            facts["code"] = FILES
        for name, value in facts.items():
            audit.made.setdefault(name, Counter())[value] += 1
        differs = record.provenance.get("differs")
        audit.differing.update(map(str, differs if isinstance(differs, dict) else ()))
        code_of[directory] = facts.get("code", "")
        newest = max(newest, (record.timing.get("started") or "", facts.get("code", "")))
        audit.resumed += bool(record.timing.get("resumed"))
        processes.add(record.timing.get("processes"))
    for title, keys in PROVENANCE.items():
        names = [name for name in audit.made if name.split(".")[0] in keys]
        # a fact that is missing in some runs counts as a difference, but for packages that only some configurations import
        partly = [name for name in names if not name.startswith("packages.") and audit.made[name].total() < len(code_of)]
        if partly or any(len(audit.made[name]) > 1 for name in names):
            audit.mixed.append(title)
        if names:
            audit.recorded.append(title)
    cells = dict(zip(by_run["directory"], by_run["cell"], strict=True))
    old = outdated({directory: files for _, directory, files in sorted(files_of, key=lambda each: each[:2])})
    audit.mixed = [*(["code"] if old and "code" not in audit.mixed else []), *audit.mixed]
    code_of.update(dict.fromkeys(old, ""))
    audit.stale.update(cells[directory] for directory, code in code_of.items() if code != newest[1])
    audit.timed_alike = not audit.resumed and len(processes) < 2 and not {"numerics", "hardware"} & set(audit.mixed)


def _facts(record: RunRecord) -> dict[str, str]:
    facts = flatten({name: value for name, value in record.provenance.items() if name != FILES})
    return {name: "none" if value is None else str(value) for name, value in facts.items()}
