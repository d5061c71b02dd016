"""A study read back from its directory as data frames."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from ablate.core import designs
from ablate.core.errors import UsageError
from ablate.storage.locks import LOCK
from ablate.storage.records import CONFIG, DONE, Record, read_record, read_study


@dataclass
class _Row:
    """A row of the frame to be: a run, under the cell that it stands for."""

    cell: str
    label: str
    record: Record
    directory: Path
    levels: dict[str, Any]
    left_out: str | None  # the reason


_Read = tuple[Path, Record, dict[str, Any]]
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast, where it was built


def run_directories(study: Path) -> list[Path]:
    """The directories of the runs of a study, in a fixed order."""
    return sorted(path.parent for path in (study / "runs").glob("*/seed=*/run.json"))


def load_runs(study: str | Path) -> pd.DataFrame:
    """The runs of a study, long: one row a run.

    Columns: `cell` (digest of the configuration without its seed), `label`, `seed`, `status`, `error`, `directory`
    (within the study), `left_out` (the reason, where a person left the run out; else None), one for each factor (a group's
    level is the name of its file), one for each metric (NaN where the run has none). Cells that build the same experiment
    stand on the same runs: for each seed their rows have the `directory` of the one that counts, a run that is done and that
    nobody left out, the newest of several. `frame.attrs["factors"]` maps each factor to its levels, the baseline first;
    `frame.attrs["seeds"]` are the seeds in the order in which they were asked for, as far as that is known;
    `frame.attrs["facts"]` every key and group whose level all runs share to that level. A file that cannot be read, and a
    folder that is no run, is named in a warning and left out.

    Raises UsageError if `study` holds no runs.
    """
    study = Path(study)
    for stranger in _strangers(study):
        warnings.warn(f"{stranger} is set aside: it is no run", stacklevel=2)
    configs: dict[str, Any] = {}
    runs = _once([run for directory in run_directories(study) if (run := _read(directory, configs)) is not None])
    if not runs:
        raise UsageError(f"no runs in {study}: there should be {study / 'runs'}/<levels>-<digest>/seed=<n>/run.json.")
    launched = read_study(study)
    left_out = launched.get("leave_out", [])
    rows = []
    for directory, record, config in runs:
        levels = designs.levels_of(record.choices, config)
        reason = designs.reason_to_leave_out(left_out, {**levels, "seed": record.seed})
        rows.append(_Row(record.cell, record.label, record, directory, levels, reason))
    rows = _standing_on(rows, launched)
    overridden = dict.fromkeys(key for _, record, _ in runs for key in record.overridden if key != "seed")
    overridden |= dict.fromkeys(key for same in launched.get("same", {}).values() for key in same["levels"])
    factors = designs.find_factors([row.levels for row in rows], overridden, launched.get("factors", {}))
    frame = pd.DataFrame.from_records(
        {
            "cell": row.cell,
            "label": row.label,
            "seed": row.record.seed,
            "status": row.record.status,
            "error": row.record.error,
            "directory": row.directory.relative_to(study).as_posix(),
            "left_out": row.left_out or designs.reason_to_leave_out(left_out, {**row.levels, "seed": row.record.seed}),
            **dict.fromkeys(factor.key for factor in factors),
            **{name: np.nan if value is None else value for name, value in row.record.metrics.items()},
        }
        for row in rows
    )
    for factor in factors:  # levels are values, not numbers: null is one, and 500 is not 500.0
        frame[factor.key] = pd.Series([row.levels.get(factor.key) for row in rows], dtype=object)
    frame["left_out"] = frame["left_out"].astype(object).where(frame["left_out"].notna(), None)
    frame.attrs["seeds"] = launched.get("seeds", [])
    frame.attrs["factors"] = {factor.key: list(factor.levels) for factor in factors}
    frame.attrs["facts"] = designs.common([row.levels for row in rows])
    return frame


def load_history(study: str | Path, runs: pd.DataFrame) -> pd.DataFrame:
    """The epochs of the given runs (rows of `load_runs`), long: their `directory`, then the columns of history.csv."""
    histories = []
    for directory in runs["directory"].drop_duplicates():
        try:
            history = pd.read_csv(Path(study) / directory / "history.csv")
        except FileNotFoundError:
            continue  # a run that ended before its first epoch
        except (ValueError, OSError) as error:
            warnings.warn(f"{Path(study) / directory / 'history.csv'} is set aside: {error}", stacklevel=2)
            continue
        history.insert(0, "directory", directory)
        histories.append(history)
    return pd.concat(histories, ignore_index=True) if histories else pd.DataFrame({"directory": []})


def load_kept(study: str | Path, runs: pd.DataFrame, name: str) -> dict[str, dict[str, NDArray[Any]]]:
    """The arrays that the given runs kept under a name (`Run.keep`), by `directory`; a run that kept none is not in it."""
    kept = {}
    for directory in runs["directory"].drop_duplicates():
        path = Path(study) / directory / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                kept[directory] = dict(arrays)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            warnings.warn(f"{path} is set aside: {error}", stacklevel=2)
    return kept


def _standing_on(rows: list[_Row], launched: Mapping[str, Any]) -> list[_Row]:
    """The rows of all cells, where those that build the same experiment stand on the same runs, one for each seed.

    A run that is not needed for that, since its cell was run before it was known to be the same, is named in a warning.
    """
    same: Mapping[str, Mapping[str, Any]] = launched.get("same", {})
    experiments: Mapping[str, str] = launched.get("experiments", {})

    def experiment(cell: str) -> str:
        runner = cell if cell in experiments or cell not in same else same[cell]["as"]
        return experiments.get(runner, runner)

    newest_first = sorted(rows, key=lambda row: str(row.record.timing.get("started")), reverse=True)
    ran: dict[tuple[str, int], _Row] = {}
    for row in sorted(newest_first, key=lambda row: (row.left_out is not None, row.record.status not in DONE)):
        ran.setdefault((experiment(row.cell), row.record.seed), row)
    for row in rows:
        kept = ran[experiment(row.cell), row.record.seed]
        if kept is not row:
            said = f"{row.directory} is set aside: it is the same experiment as {kept.directory}"
            warnings.warn(said, stacklevel=3)
    own = {(row.cell, row.record.seed): row for row in rows}
    of_cell = {row.cell: row for row in reversed(rows)}
    cells: dict[str, list[str]] = {}
    for cell in dict.fromkeys([*of_cell, *same]):
        cells.setdefault(experiment(cell), []).append(cell)
    standing = []
    for (name, seed), row in ran.items():
        for cell in cells[name]:
            known = own.get((cell, seed)) or of_cell.get(cell)
            if known is None:  # it has no run of its own
                like = of_cell.get(same[cell]["as"], row)
                known = replace(like, cell=cell, label=same[cell]["label"], levels={**like.levels, **same[cell]["levels"]})
            levels = {**known.levels, "seed": seed} if "seed" in known.levels else known.levels
            standing.append(replace(known, levels=levels, record=row.record, directory=row.directory, left_out=row.left_out))
    order = {key: position for position, key in enumerate(own)}
    return sorted(standing, key=lambda row: order.get((row.cell, row.record.seed), len(rows)))


def _strangers(study: Path) -> list[Path]:
    """What lies among the runs and is no run. A folder with nothing but a lock is a run that is just beginning."""
    strangers = []
    for cell in sorted((study / "runs").glob("[!.]*")):
        seeds = sorted(cell.glob("[!.]*"))
        strangers += [
            path for path in seeds if not path.match("seed=*") or not ((path / "run.json").exists() or (path / LOCK).exists())
        ]
        strangers += [] if seeds else [cell]
    return strangers


def _once(runs: list[_Read]) -> list[_Read]:
    """Each run once: a folder that was copied within the study would count twice."""
    found: dict[tuple[str, int], _Read] = {}
    for directory, record, config in sorted(runs, key=lambda run: not run[0].parent.name.endswith(f"-{run[1].cell}")):
        known = found.setdefault((record.cell, record.seed), (directory, record, config))
        if known[0] != directory:
            warnings.warn(f"{directory} is set aside: it is the same run as {known[0]}", stacklevel=2)
    kept = {directory for directory, _, _ in found.values()}
    return [run for run in runs if run[0] in kept]


def _read(directory: Path, configs: dict[str, Any]) -> _Read | None:
    """A run, or None. `configs` holds what was parsed before, by its text without the seed: the runs of a cell share it."""
    record = read_record(directory, warn=True)
    if record is None:
        return None
    try:
        text = (directory / CONFIG).read_text(encoding="utf-8")
        own = f"seed: {record.seed}"
        shared = "\n".join("" if line == own else line for line in text.splitlines())
        if shared not in configs:
            configs[shared] = yaml.load(text, Loader=_YAML_LOADER)
        config = configs[shared]
        if not isinstance(config, dict):
            raise ValueError("it holds no keys")
        config = {**config, "seed": record.seed} if shared != text.rstrip("\n") else config
    except (OSError, ValueError, yaml.YAMLError) as error:
        warnings.warn(f"{directory / 'config.yaml'} is set aside: {error}", stacklevel=2)
        return None
    return directory, record, config
