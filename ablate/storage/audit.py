"""What a reader should know before believing: which runs are not there, and what the others do not have in common."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ablate.storage.records import Record, read_record

STATES = ("finished", "diverged", "failed", "interrupted", "running", "missing", "left out")
UNLIKE = {  # what has to be equal in all runs, and where run.json has it
    "code": ("code",),
    "numerics": ("numerics",),
    "hardware": ("hardware",),
    "versions": ("python", "packages"),
}
DATA = "data.digest"


class Missing(NamedTuple):
    """A run that was planned and never begun."""

    cell: str  # its digest
    label: str
    seed: str


@dataclass
class Health:
    """The runs by how they ended, and what made them.

    `made` has for each fact (such as `hardware.processor`) its values, with the number of runs. `mixed` names what is not
    equal in all finished runs, of the keys of `UNLIKE`; `stale` are the cells with finished runs that other code made than
    the newest run; `timed_alike`: whether times can be compared.
    """

    states: dict[str, int]
    missing: list[Missing]
    made: dict[str, Counter[str]] = field(default_factory=dict)
    mixed: list[str] = field(default_factory=list)
    stale: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    timed_alike: bool = True


def examine(runs: pd.DataFrame, study: Path | None, launched: Mapping[str, Any]) -> Health:
    """The health of runs as `load_runs` gives them; `study` is their folder, or None if another program made them.

    `launched` is study.yaml: of what it fixed, the digest of the data has to be a fact of all runs.
    """
    by_run = runs.drop_duplicates("directory")
    states = Counter(by_run["status"].where(by_run["left_out"].isna(), "left out"))
    missing = _not_begun(study, set(by_run["directory"])) if study is not None else None
    if missing is None:
        missing = _holes(runs)
    states["missing"] = len(missing)
    health = Health({state: states[state] for state in STATES}, missing)
    if study is not None:
        _compare(health, by_run, study)
    if DATA in launched.get("fixed", {}) and DATA not in {**runs.attrs["facts"], **runs.attrs["factors"]}:
        health.mixed.append("data")
    return health


def _not_begun(study: Path, begun: set[str]) -> list[Missing] | None:
    """The runs of plan.csv that nobody began; None if there is no plan that can be read."""
    try:
        with (study / "plan.csv").open(encoding="utf-8", newline="") as file:
            planned = {row["directory"]: row for row in csv.DictReader(file) if row["state"] != "left out"}
            unseen = [name for name in planned if name not in begun and read_record(study / name) is None]
            missing = [(Path(name).parent.name, planned[name]["seed"]) for name in unseen]
    except (OSError, KeyError, ValueError, TypeError, csv.Error):
        return None
    if not planned:
        return None
    return [Missing(folder.rpartition("-")[2], folder.rpartition("-")[0], seed) for folder, seed in missing]


def _holes(runs: pd.DataFrame) -> list[Missing]:
    """Without a plan: the seeds that some cells have and others do not."""
    seeds = sorted(runs["seed"].unique())
    held = set(zip(runs["cell"], runs["seed"], strict=True))
    cells = runs.drop_duplicates("cell")
    return [
        Missing(cell, label, str(seed))
        for cell, label in zip(cells["cell"], cells["label"], strict=True)
        for seed in seeds
        if (cell, seed) not in held
    ]


def _compare(health: Health, by_run: pd.DataFrame, study: Path) -> None:
    made_by: dict[str, str] = {}
    newest = ("", "")
    processes = set()
    for run in by_run.to_dict("records"):
        record = read_record(study / run["directory"])
        if record is None or run["left_out"] or record.status != "finished":
            continue
        facts = _facts(record)
        for name, value in facts.items():
            health.made.setdefault(name, Counter())[value] += 1
        made_by[run["directory"]] = facts.get("code", "")
        newest = max(newest, (str(record.timing.get("started", "")), facts.get("code", "")))
        health.resumed += bool(record.timing.get("resumed"))
        processes.add(record.timing.get("processes"))
    for title, keys in UNLIKE.items():
        names = [name for name in health.made if name.split(".")[0] in keys]
        # a fact that some runs do not have is a difference too
        if any(len(health.made[name]) > 1 or health.made[name].total() < len(made_by) for name in names):
            health.mixed.append(title)
    cells = dict(zip(by_run["directory"], by_run["cell"], strict=True))
    health.stale.update(cells[directory] for directory, code in made_by.items() if code != newest[1])
    health.timed_alike = not health.resumed and len(processes) < 2 and not {"numerics", "hardware"} & set(health.mixed)


def _facts(record: Record) -> dict[str, str]:
    return {name: "none" if value is None else str(value) for name, value in _flat(record.provenance)}


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + str(name), value
