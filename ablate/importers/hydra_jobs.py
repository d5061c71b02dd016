"""Jobs of a Hydra multirun: `.hydra/overrides.yaml` in the folder of each job, and the files with metrics beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.core.errors import UsageError
from ablate.importers.column_names import CALLED_SEEDS, words
from ablate.importers.run_folders import (
    UNREADABLE,
    ImportedRun,
    flat,
    metric_files,
    natural,
    read_files,
    read_mapping,
    read_yaml,
)

OVERRIDES = ".hydra/overrides.yaml"
_ABSENT = object()


@dataclass(frozen=True)
class _Job:
    folder: Path
    overrides: Mapping[str, str | None]  # by key; None for a deletion (`~key`)
    config: Any  # as composed
    choices: Mapping[str, Any]  # of config groups


def job_folders(folder: Path) -> list[Path]:
    """The folders of jobs, in the order of their numbers."""
    return sorted((path.parent.parent for path in folder.rglob(OVERRIDES)), key=natural)


def read(folder: Path, pattern: str | None = None) -> list[ImportedRun]:
    """Read the jobs.

    Their configuration is every key that a job overrides, and every other one that differs between jobs of equal config groups,
    such as a default that was edited between two multiruns. Other keys of one value are facts.

    A job without a file of metrics, or with one that cannot be read, has failed, because it left no result. A job with a torn
    file in `.hydra` is UNREADABLE.

    Args:
        folder: of one or several multiruns, or of single runs.
        pattern: the files with metrics within the folder of a job, such as `**/metrics.csv`.

    Raises:
        UsageError: if no job has a file of metrics.
    """
    jobs: list[_Job] = []
    found: list[ImportedRun] = []
    for path in job_folders(folder):
        try:
            jobs.append(_read_job(path))
        except UsageError as error:
            found.append(ImportedRun(str(path.relative_to(folder)), {}, [], UNREADABLE, str(error)))
    keys = list(dict.fromkeys(key for job in jobs for key in job.overrides))
    files = [metric_files(job.folder, pattern) for job in jobs]
    if not any(files):
        others = sorted({path.name for job in jobs for path in job.folder.iterdir() if path.name != ".hydra"})[:20]
        expected = pattern or "metrics.csv, results.json, event files, …"
        raise UsageError(
            f"{folder}: no job has a file of metrics ({expected}). Name them with --files, such as '**/metrics.csv'; the "
            f"folders of the jobs contain: {', '.join(others) or 'nothing'}." + "".join(f" {each.error}" for each in found[:1])
        )
    flattened = [flat(job.config) if job.config else {} for job in jobs]
    same = {key: value for key, value in flattened[0].items() if all(each.get(key, _ABSENT) == value for each in flattened)}
    seeds = [key for each in flattened for key in each if words(key) in CALLED_SEEDS]
    chosen = [*keys, *(key for key in dict.fromkeys(seeds) if key not in keys and key not in same)]
    chosen += _differing(jobs, flattened, chosen)
    facts = {key: value for key, value in same.items() if key not in chosen}
    for job, paths in zip(jobs, files, strict=True):
        levels = facts | {key: _level(key, job) for key in chosen}
        place = str(job.folder.relative_to(folder))
        if not paths:
            found.append(ImportedRun(place, levels, [], "failed", "no file of metrics"))
            continue
        try:
            found.append(ImportedRun(place, levels, read_files(paths)))
        except UsageError as error:  # such as a file that a killed job left incomplete; the other jobs count
            found.append(ImportedRun(place, levels, [], "failed", str(error)))
    return found


def _differing(jobs: Sequence[_Job], flattened: Sequence[Mapping[str, Any]], chosen: Sequence[str]) -> list[str]:
    """The keys beside `chosen` that differ between jobs of equal config groups, so that no override explains it."""
    first: dict[str, Mapping[str, Any]] = {}  # by the choices of config groups
    found: dict[str, None] = {}
    for job, values in zip(jobs, flattened, strict=True):
        other = first.setdefault(json.dumps(job.choices, sort_keys=True, default=str), values)
        if other is not values:
            keys = dict.fromkeys([*other, *values])
            found |= dict.fromkeys(key for key in keys if other.get(key, _ABSENT) != values.get(key, _ABSENT))
    return [key for key in found if not any(f"{key}.".startswith(f"{name}.") for name in chosen)]


def _read_job(folder: Path) -> _Job:
    path = folder / ".hydra/hydra.yaml"
    choices = read_mapping(path)
    for section in ("hydra", "runtime", "choices"):  # the last one is missing before Hydra 1.1
        choices = choices.get(section, {})
        if not isinstance(choices, Mapping):
            raise UsageError(f"{path} cannot be read ({section} has no keys).")
    return _Job(folder, _overrides(folder), read_mapping(folder / ".hydra/config.yaml"), choices)


def _overrides(job: Path) -> dict[str, str | None]:
    """The overrides of a job by key; None for a deletion (`~key`)."""
    lines = read_yaml(job / OVERRIDES) or []
    found: dict[str, str | None] = {}
    for line in map(str, lines):
        key, sign, value = line.partition("=")
        deleted = key.startswith("~")
        found[key.lstrip("+~")] = None if deleted or not sign else _unquoted(value)
    return found


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _level(key: str, job: _Job) -> object:
    """The level of a key in a job: what it became in the composed configuration, or the choice of a config group."""
    value = job.config
    for part in key.split("."):
        value = value.get(part, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, list):
        return json.dumps(value, default=str)
    if key in job.overrides:
        return job.overrides[key]
    if key in job.choices:
        return str(job.choices[key])
    return None if value is _ABSENT else json.dumps(value, default=str)
