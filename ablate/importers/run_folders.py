"""Runs that another tool stored, before they become a table: their configuration, and the rows of their metrics."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ablate.core.errors import UsageError
from ablate.importers.metric_files import EVENT_FILE, Row, counters, final, is_counter, read_metrics
from ablate.importers.table import AtStep, Kind, Table
from ablate.storage.manifest import YAML_LOADER

# Files with metrics, in the order in which they are looked for; the first pattern that finds any counts
PATTERNS = (
    "**/metrics.csv", "**/metrics.json*", "**/*metrics*.*", "**/*result*.*", "**/*scores*.*", "**/*summary*.*",
    f"**/{EVENT_FILE}*", "**/*.csv", "**/*.json*",
)  # fmt: skip
SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".yaml", ".yml")
_KEY_VALUE = re.compile(r"(?:^|[,;_\s])([A-Za-z][\w.]*?)=([^,;=]+?)(?=$|[,;\s]|_[A-Za-z][\w.]*=)")
_REPLICATE = re.compile(r"(seed|fold|split|replicate|rep)[ _-]?(\d+)", re.I)
_COUNTED = re.compile(r"version_\d+", re.I)  # Lightning's folders: what counts runs is not a level


UNREADABLE = "unreadable"


@dataclass(frozen=True)
class ImportedRun:
    """A run of another tool.

    Attributes:
        place: where it is in the source, for messages and the report.
        config: the configuration: flat keys with scalars or texts.
        files: for each file, the rows of numbers as `metric_files.read_metrics` returns them.
        status: a word of `status.STATUS_OF`, or UNREADABLE: without a configuration, the run belongs to no cell.
        error: why it did not finish.
    """

    place: str
    config: Mapping[str, object]
    files: Sequence[Sequence[Row]]
    status: str = "finished"
    error: str | None = None

    def values(self, which: AtStep, metric: str | None) -> Row:
        """One value for each metric; infinite for one that is not a number."""
        found: Row = {}
        for rows in self.files:
            has_it = any(metric in row for row in rows)
            found |= _means(rows) if which == "mean" else final(rows, which if has_it else "last", metric)
        return {name: value if math.isfinite(value) else math.inf for name, value in found.items()}

    def end(self) -> float | None:
        """The last step or epoch."""
        rows = [row for rows in self.files for row in rows]
        counter = next(iter(counters(rows)), None)
        return None if counter is None else max(row[counter] for row in rows if counter in row)


def table_of(source: Path, runs: Sequence[ImportedRun], which: AtStep, metric: str | None, notes: Sequence[str]) -> Table:
    """A table with one row for each run whose configuration can be read; a caveat names the others.

    Args:
        source: the folder or file, for messages.
        runs: the runs, in the order in which they were made.
        which: which of a run's values count: `last`: the last of each metric. `max` and `min`: the values in the row where
            `metric` is largest or smallest. `mean`: over the rows.
        metric: the metric for `max` and `min`.
        notes: what was recognized.

    Raises:
        UsageError: if no run has a number; the message has the error of the first run with one.
    """
    found, runs = runs, [run for run in runs if run.status != UNREADABLE]
    logged = {name for run in runs for rows in run.files for row in rows for name in row}
    if metric is not None and metric not in logged:  # its name in the table, see below
        metric = metric.removeprefix("metrics.")
    values = [run.values(which, metric) for run in runs]
    metrics = list(dict.fromkeys(name for row in values for name in row))
    if not metrics:
        reason = next((f": {run.error.removesuffix('.')}" for run in found if run.error), "")
        raise UsageError(f"{source}: none of the {len(found)} runs has a number in its metrics{reason}.")
    keys = list(dict.fromkeys(key for run in runs for key in run.config))
    named = {name: name if name not in keys else f"metrics.{name}" for name in metrics}
    columns: dict[str, pd.Series] = {key: pd.Series([run.config.get(key) for run in runs], dtype=object) for key in keys}
    kinds: dict[str, Kind] = {**dict.fromkeys(keys, "config"), **dict.fromkeys(named.values(), "metric")}
    for name, column in named.items():
        columns[column] = pd.Series([row.get(name, math.nan) for row in values], dtype=float)
    if any(run.status != "finished" for run in runs):
        taken = "status" in columns
        columns["run status" if taken else "status"] = pd.Series([run.status for run in runs], dtype=object)
        if not taken and "error" not in columns:
            columns["error"] = pd.Series([run.error or "" for run in runs], dtype=object)
            kinds["error"] = "other"
    ends = {run.place: end for run in runs if run.status == "finished" and (end := run.end()) is not None}
    caveats = [] if which == "last" else [f"Of each run the {which} counts" + (f" ({metric})." if metric else ".")]
    caveats += [f"{run.place} is left out: {run.error}" for run in found if run.status == UNREADABLE]
    caveats += _ambiguous(runs)
    if ends and min(ends.values()) < max(ends.values()):
        first = min(ends, key=lambda place: ends[place])
        caveats.append(f"The runs end at different steps, from {ends[first]:g} ({first}) to {max(ends.values()):g}.")
    places = [run.place for run in runs]
    return Table(str(source), pd.DataFrame(columns), places, notes=tuple(notes), kinds=kinds, caveats=tuple(caveats))


def _ambiguous(runs: Sequence[ImportedRun]) -> list[str]:
    """Say that files of a run have different values of a metric: folds, or an earlier attempt."""
    found = []
    for run in runs:
        ends = [final(rows) for rows in run.files]
        names = dict.fromkeys(name for end in ends for name in end if len({each[name] for each in ends if name in each}) > 1)
        if names:
            found.append((run.place, next(iter(names))))
    if not found:
        return []
    place, name = found[0]
    return [
        f"{place}{f' and {len(found) - 1} more runs' if found[1:] else ''}: files with different values of {name}; the last "
        "file in order counts. Choose one with --files."
    ]


def _means(rows: Sequence[Row]) -> Row:
    names = dict.fromkeys(name for row in rows for name in row if not is_counter(name))
    found = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: sum(each) / len(each) for name, each in found.items()}


def natural(path: Path | str) -> list[tuple[int, str]]:
    """A key for sorting in which `job 2` comes before `job 10`; different names have different keys."""
    return [(int(part), part) if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", str(path))]


def matches(folder: Path, pattern: str) -> list[Path]:
    """The paths in a folder that match --files.

    Raises:
        UsageError: if it is no pattern.
    """
    try:
        return list(folder.glob(pattern))
    except (NotImplementedError, ValueError) as error:
        raise UsageError(
            f"--files {pattern}: {error}. Expected a pattern within the folder of a run, such as '**/metrics.csv'."
        ) from None


def metric_files(folder: Path, pattern: str | None) -> list[Path]:
    """The files with metrics in the folder of a run, without hidden folders; those of the first of PATTERNS that finds any."""
    for each in (pattern,) if pattern else PATTERNS:
        found = [path for path in matches(folder, each) if path.is_file() and not _hidden(path.relative_to(folder))]
        found = [path for path in found if path.suffix in SUFFIXES or EVENT_FILE in path.name]
        found = [path for path in found if pattern or path.name not in ("hparams.yaml", "config.yaml", "config.json")]
        if found:
            return sorted(found, key=natural)
    return []


def read_files(files: Iterable[Path]) -> list[list[Row]]:
    """The rows of files. Event files of one folder are one file, because every process that resumes a run begins another."""
    folders: dict[Path, list[Row]] = {}
    for path in files:
        rows = read_metrics(path)
        key = path.parent if EVENT_FILE in path.name else path
        folders.setdefault(key, []).extend(rows)
    return list(folders.values())


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "wandb" for part in path.parts)


def flat(content: object, prefix: str = "") -> dict[str, object]:
    """Flatten nested mappings to keys with dots; lists are texts."""
    if not isinstance(content, Mapping):
        return {prefix: content if isinstance(content, str | int | float | bool | None) else json.dumps(content, default=str)}
    found: dict[str, object] = {}
    for key, value in content.items():
        found |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found


class _AnyTag(YAML_LOADER):  # type: ignore[valid-type, misc]
    """A safe loader that reads values with a tag, such as `!!python/tuple`, as their content."""


def _untagged(loader: Any, suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) or suffix


_AnyTag.add_multi_constructor("", _untagged)
_AnyTag.add_multi_constructor("tag:yaml.org,2002:python/", _untagged)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; None if there is none.

    Raises:
        UsageError: if it is not YAML, or empty, as a process leaves it that is killed or whose disk is full.
    """
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
        if not text.strip():
            raise ValueError("the file is empty")
        return yaml.load(text, Loader=_AnyTag)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read ({' '.join(str(error).split())}).") from None


def read_mapping(path: Path) -> dict[str, Any]:
    """The content of a YAML file with keys; empty if there is none.

    Raises:
        UsageError: as `read_yaml`, or if it has no keys, as when it was torn within the first one.
    """
    content = read_yaml(path)
    if not isinstance(content, dict | None):
        raise UsageError(f"{path} cannot be read (it has no keys).")
    return content or {}


def config_of_path(path: Path) -> dict[str, object]:
    """The levels in the names of folders: `lr=0.1,seed=0`, `seed_0`; other names are the columns `group`, `group 2`, ….

    >>> config_of_path(Path("resnet/lr=0.1_wd=0/seed_3/version_0"))
    {'group': 'resnet', 'lr': '0.1', 'wd': '0', 'seed': '3'}
    """
    found: dict[str, object] = {}
    groups = 0
    for part in path.parts:
        if pairs := dict(_KEY_VALUE.findall(part)):
            found |= pairs
        elif match := _REPLICATE.fullmatch(part):
            found[match[1].lower()] = match[2]
        elif not _COUNTED.fullmatch(part):
            groups += 1
            found["group" if groups == 1 else f"group {groups}"] = part
    return found
