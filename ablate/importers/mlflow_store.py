"""Runs in an MLflow store, read without MLflow: a folder `mlruns`, or a SQLite file such as `mlflow.db`."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.core.errors import UsageError
from ablate.importers.metric_files import Row
from ablate.importers.numbers import LARGEST
from ablate.importers.run_folders import UNREADABLE, ImportedRun, read_mapping

META = "meta.yaml"
_STATUS = {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}  # mlflow.entities.RunStatus
_PARENT = "mlflow.parentRunId"
_SQLITE = b"SQLite format 3\0"


@dataclass
class _Run:
    uid: str
    name: str
    experiment: str
    experiment_id: str
    status: str
    start: int
    error: str | None = None
    params: dict[str, object] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[tuple[int, int, float]]] = field(default_factory=dict)  # step, time, value

    def stored(self) -> ImportedRun:
        rows: list[list[Row]] = []
        for name, logged in self.metrics.items():
            rows.append([{"step": float(step), name: value} for step, _, value in sorted(logged, key=lambda each: each[:2])])
        return ImportedRun(
            f"run {self.name or self.uid} ({self.uid[:8]})", self.params, _by_step(rows), self.status, self.error
        )


def is_file_store(path: Path) -> bool:
    """Whether a folder is an MLflow store, or one experiment of it."""
    metas = [path / META, *path.glob(f"*/{META}")]
    return any("artifact_location" in meta.read_text(encoding="utf-8", errors="replace") for meta in metas if meta.is_file())


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def read(path: Path, experiment: str | None = None) -> list[ImportedRun]:
    """Read the runs of one experiment, oldest first. Deleted runs, and parents of other runs without metrics, are left out.

    Args:
        path: the folder or the file.
        experiment: the name or id of the experiment, if there are several.

    Raises:
        UsageError: if there is no run, if several experiments have runs and none is named, or if it is not a store of MLflow.
    """
    runs = _of_database(path) if path.is_file() else _of_folder(path)
    names = list(dict.fromkeys(run.experiment for run in runs))
    if experiment is not None:
        runs = [run for run in runs if experiment in (run.experiment, run.experiment_id)]
        if not runs:
            raise UsageError(f"--experiment {experiment}: {path} has no runs of it; available: {', '.join(names) or 'none'}.")
    elif len(names) > 1:
        raise UsageError(f"{path} has runs of several experiments: {', '.join(names)}. Name one with --experiment.")
    parents = {run.tags.get(_PARENT) for run in runs}
    runs = [run for run in runs if run.metrics or run.uid not in parents]
    if not runs:
        raise UsageError(f"{path} is an MLflow store without runs.")
    return [run.stored() for run in sorted(runs, key=lambda run: run.start)]


def _by_step(files: Sequence[list[Row]]) -> list[list[Row]]:
    """One list of rows, combined by step, so that the best row of one metric has the others of the same step."""
    steps: dict[float, Row] = {}
    for rows in files:
        for row in rows:
            steps.setdefault(row["step"], {}).update(row)
    return [[steps[step] for step in sorted(steps)]] if steps else []


def _of_folder(path: Path) -> list[_Run]:
    found = []
    experiments = [path] if (path / META).is_file() else sorted(meta.parent for meta in path.glob(f"*/{META}"))
    for folder in experiments:
        about = read_mapping(folder / META)
        experiment = str(about.get("name", folder.name))
        for meta in sorted(folder.glob(f"*/{META}")):
            try:
                run = _of_files(meta, experiment, folder.name)
            except (UsageError, OSError, ValueError, TypeError, OverflowError) as error:  # the other runs count
                said = error if isinstance(error, UsageError) else f"{meta.parent} cannot be read as a run of MLflow ({error})."
                run = _Run(meta.parent.name, "", experiment, folder.name, UNREADABLE, start=0, error=str(said))
            found += [] if run is None else [run]
    return found


def _of_files(meta: Path, experiment: str, number: str) -> _Run | None:
    """Read the files of a run; None if it is deleted. A file of metrics that cannot be read makes it a failed run.

    Raises:
        UsageError, OSError, ValueError, TypeError, OverflowError: if another file cannot be read.
    """
    content = read_mapping(meta)
    if content.get("lifecycle_stage") == "deleted":
        return None
    if missing := [key for key in ("run_id", "status") if content.get(key) is None]:  # a file that is torn at the end of a line
        raise UsageError(f"{meta} cannot be read (it has no {missing[0]}).")
    status: Any = content["status"]
    tags = _texts(meta.parent / "tags")
    run = _Run(
        uid=str(content["run_id"]), name=str(content.get("run_name") or tags.get("mlflow.runName") or ""),
        experiment=experiment, experiment_id=number, status=_STATUS.get(status, str(status).lower()),
        start=int(content.get("start_time") or 0), params=dict(_texts(meta.parent / "params")), tags=tags,
    )  # fmt: skip
    for name, path in _files(meta.parent / "metrics").items():
        try:
            text = path.read_text(encoding="utf-8")
            if text and not text.endswith("\n"):  # MLflow ends every line; a number may have lost digits
                raise ValueError("the last line is incomplete")
            lines = [line.split() for line in text.splitlines() if line.strip()]
            run.metrics[name] = [(int(line[2]) if len(line) > 2 else 0, int(float(line[0])), float(line[1])) for line in lines]
        except (ValueError, IndexError, OverflowError):
            run.status, run.error = "failed", f"{path} cannot be read as metrics of MLflow."
    return run


def _files(folder: Path) -> dict[str, Path]:
    """The files below a folder by their name in MLflow: a metric `val/acc` is a file `acc` in a folder `val`."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _texts(folder: Path) -> dict[str, str]:
    return {name: path.read_text(encoding="utf-8") for name, path in _files(folder).items()}


def _of_database(path: Path) -> list[_Run]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return _queried(database)
    except (ValueError, TypeError, OverflowError) as error:  # a column of SQLite can have values of any type
        raise UsageError(f"{path} cannot be read as a store of MLflow ({error}).") from None
    except sqlite3.Error as error:
        raise UsageError(
            f"{path} is a SQLite file, but not a store of MLflow ({error}). For another tool, export a CSV file, such as "
            "study.trials_dataframe().to_csv('trials.csv') of Optuna."
        ) from None


def _queried(database: sqlite3.Connection) -> list[_Run]:
    runs = {
        uid: _Run(str(uid), str(name or ""), str(experiment), str(number), str(status).lower(), int(start or 0))
        for uid, name, experiment, number, status, start in database.execute(
            "select run_uuid, runs.name, experiments.name, experiments.experiment_id, status, start_time from runs "
            "join experiments on runs.experiment_id = experiments.experiment_id where runs.lifecycle_stage = 'active'"
        )
    }
    for uid, key, value in database.execute("select run_uuid, key, value from params"):
        if uid in runs:
            runs[uid].params[key] = value
    for uid, key, value in database.execute("select run_uuid, key, value from tags"):
        if uid in runs:
            runs[uid].tags[key] = value
    for uid, key, value, time, step, is_nan in database.execute(
        "select run_uuid, key, value, timestamp, step, is_nan from metrics"
    ):
        if uid in runs:
            runs[uid].metrics.setdefault(key, []).append((int(step), int(time), math.nan if is_nan else _as_logged(value)))
    return list(runs.values())


def _as_logged(value: float) -> float:
    """A metric as the program logged it."""
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else value
