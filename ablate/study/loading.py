"""A study read back from its directory as data frames."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ablate.study import design
from ablate.study.errors import UsageError
from ablate.study.records import Record, read_record, read_study

_Read = tuple[Path, Record, dict[str, Any]]
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast, where it was built


def run_directories(study: Path) -> list[Path]:
    """The directories of the runs of a study, in a fixed order."""
    return sorted(path.parent for path in (study / "runs").glob("*/seed=*/run.json"))


def load_runs(study: str | Path) -> pd.DataFrame:
    """The runs of a study, long: one row a run.

    Columns: `cell` (digest of the configuration without its seed), `label`, `seed`, `status`, `error`, `directory`
    (within the study), one for each factor (a group's level is the name of its file), one for each metric (NaN where
    the run has none). `frame.attrs["factors"]` maps each factor to its levels, the baseline first. A file that cannot
    be read is named in a warning and left out.

    Raises UsageError if `study` holds no runs.
    """
    study = Path(study)
    runs = _once([run for directory in run_directories(study) if (run := _read(directory)) is not None])
    if not runs:
        raise UsageError(f"no runs in {study}: there should be {study / 'runs'}/<levels>-<digest>/seed=<n>/run.json.")
    levels = [design.levels_of(record.choices, config) for _, record, config in runs]
    overridden = dict.fromkeys(key for _, record, _ in runs for key in record.overridden if key != "seed")
    factors = design.find_factors(levels, overridden, read_study(study).get("factors", {}))
    frame = pd.DataFrame.from_records(
        {
            "cell": record.cell,
            "label": record.label,
            "seed": record.seed,
            "status": record.status,
            "error": record.error,
            "directory": directory.relative_to(study).as_posix(),
            **dict.fromkeys(factor.key for factor in factors),
            **{name: np.nan if value is None else value for name, value in record.metrics.items()},
        }
        for directory, record, _ in runs
    )
    for factor in factors:  # levels are values, not numbers: null is one, and 500 is not 500.0
        frame[factor.key] = pd.Series([run_levels.get(factor.key) for run_levels in levels], dtype=object)
    frame.attrs["factors"] = {factor.key: list(factor.levels) for factor in factors}
    return frame


def load_history(study: str | Path, runs: pd.DataFrame) -> pd.DataFrame:
    """The epochs of the given runs (rows of `load_runs`), long: their `directory`, then the columns of history.csv."""
    histories = []
    for directory in runs["directory"]:
        try:
            history = pd.read_csv(Path(study) / directory / "history.csv")
        except FileNotFoundError:
            continue  # a run that ended before its first epoch
        except ValueError as error:
            warnings.warn(f"{Path(study) / directory / 'history.csv'} is set aside: {error}", stacklevel=2)
            continue
        history.insert(0, "directory", directory)
        histories.append(history)
    return pd.concat(histories, ignore_index=True) if histories else pd.DataFrame({"directory": []})


def _once(runs: list[_Read]) -> list[_Read]:
    """Each run once: a folder that was copied within the study would count twice."""
    found: dict[tuple[str, int], _Read] = {}
    for directory, record, config in runs:
        known = found.setdefault((record.cell, record.seed), (directory, record, config))
        if known[0] != directory:
            warnings.warn(f"{directory} is set aside: it is the same run as {known[0]}", stacklevel=2)
    return list(found.values())


def _read(directory: Path) -> _Read | None:
    record = read_record(directory)
    if record is None:
        return None
    try:
        config = yaml.load((directory / "config.yaml").read_text(encoding="utf-8"), Loader=_YAML_LOADER)
        if not isinstance(config, dict):
            raise ValueError("it holds no keys")
    except (OSError, ValueError, yaml.YAMLError) as error:
        warnings.warn(f"{directory / 'config.yaml'} is set aside: {error}", stacklevel=2)
        return None
    return directory, record, config
