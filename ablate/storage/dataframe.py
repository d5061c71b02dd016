"""Load a study from its folder: runs, histories and kept arrays.

`load_results` returns the input of statistics and reports, `load_runs` the same as one DataFrame. Unusable files are skipped:
each is named with the reason in `StudyResults.warnings`, or in the list that is passed in.
"""

from __future__ import annotations

import warnings as python_warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from ablate.core.cells import LeaveOut, common
from ablate.core.designs import find_factors
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.metrics import Metrics
from ablate.core.text import printable
from ablate.core.zipping import joint_levels, with_joint_keys
from ablate.storage.history import complete_lines
from ablate.storage.history_frames import frame_of
from ablate.storage.locks import LEASE, LOCK, state_of
from ablate.storage.manifest import MANIFEST, YAML_LOADER, StudyManifest
from ablate.storage.records import CONFIG, HISTORY, RECORD, RunRecord, levels_of, read_record, set_aside
from ablate.storage.results import RUN_COLUMNS, StudyResults
from ablate.storage.shared_runs import Row, StoredRun, share_runs, with_one_label

_NULL = Level.of(None)


def load_results(study: str | Path) -> StudyResults:
    """Load the runs of a study.

    Cells that build the same experiment share runs: for each seed, their rows have the same `directory`. Of several runs, the
    newest one counts that is finished or diverged and not in study.leave_out. Unreadable files, copies of a run, and folders
    that are not runs are skipped and named in `warnings`.

    Raises:
        UsageError: if there are no runs, or if study.yaml cannot be read.
    """
    study = Path(study)
    warnings: list[str] = []
    manifest = StudyManifest.read(study)
    description = manifest.parsed_description(study)
    runs = _without_copies(_read_runs(study, warnings, manifest), warnings)
    if not runs:
        raise UsageError(f"no runs in {study}: expected files {study / 'runs'}/<name>-<digest>/seed=<n>/{RECORD}.")
    known = manifest.typed_factors()
    rows = share_runs(runs, manifest, [LeaveOut.of(entry, known) for entry in manifest.leave_out], warnings)
    overridden = dict.fromkeys(key for run in runs for key in run.record.overridden if key != "seed")
    overridden |= dict.fromkeys(key for stand_in in manifest.same.values() for key in stand_in.levels)
    factors = find_factors([row.levels for row in rows], with_joint_keys(list(overridden), manifest.zipped), known)
    rows = with_one_label(rows, factors)
    values = pd.DataFrame.from_records([row.run.record.metrics for row in rows], index=range(len(rows))).astype(float)
    if manifest.command and not manifest.factors and factors:
        warnings.append(f"{MANIFEST} has no factors and may be incomplete: the baseline is that of the first run.")
    described = Metrics({spec.name: spec for spec in description.metrics})
    results = StudyResults(
        runs=_run_columns(study, rows),
        levels=pd.DataFrame(
            {key: pd.Series([row.levels.get(key, _NULL) for row in rows], dtype=object) for key in factors},
            index=range(len(rows)),
        ),
        values=values,
        factors=factors,
        facts=_facts(rows),
        seeds=tuple(manifest.seeds),
        metrics=described.completed(map(str, values.columns), manifest.chance, manifest.budgets),
        manifest=manifest,
        description=description,
        folder=study,
        warnings=tuple(warnings),
        drifted=_drifted(runs, factors, manifest),
        written={
            run.directory.relative_to(study).as_posix(): run.record.written for run in runs if run.record.written is not None
        },
    )
    return _without_second_runs(results)


def _without_second_runs(results: StudyResults) -> StudyResults:
    """Move the second runs of the baseline (study.control) and of a seed (study.check_repeatable) to frames of their own."""
    seeds, manifest = results.runs["seed"], results.manifest
    control, repeated = seeds.isin(list(manifest.control_seeds)), seeds.isin(list(manifest.repeat_seeds))
    return replace(
        results.where(~(control | repeated)),
        control=results.where(control) if control.any() else None,
        repeated=results.where(repeated) if repeated.any() else None,
    )


def load_runs(study: str | Path) -> pd.DataFrame:
    """Load the runs of a study as a DataFrame: one row for each run, see `StudyResults.to_frame`.

    Skipped files cause a Python warning each.

    Raises:
        UsageError: if there are no runs, or if study.yaml cannot be read.
    """
    results = load_results(study)
    for message in results.warnings:
        python_warnings.warn(message, stacklevel=2)
    return results.to_frame()


def load_history(results: StudyResults, warnings: list[str] | None = None) -> pd.DataFrame:
    """Load the histories of all runs in `results`: `directory`, then the columns of history.csv. Runs without one have no rows.

    Args:
        results: results of a study in a folder; those of other tools have no history.
        warnings: a list to append messages about unreadable files to; if None, they become Python warnings.
    """
    texts: dict[str, str] = {}
    for name, directory in _folders(results, HISTORY):
        try:
            text = complete_lines(directory / HISTORY)
            if len(text.encode()) < (directory / HISTORY).stat().st_size and not (directory / LEASE).exists():
                message = f"{directory / HISTORY}: its last line is incomplete and is left out; the other lines are used"
                _report(printable(message), warnings)
            texts[name] = text
        except FileNotFoundError:
            continue  # a run that ended before its first epoch
        except (ValueError, OSError) as error:
            _report(set_aside(directory / HISTORY, error), warnings)
    bad: dict[str, Exception] = {}
    frame = frame_of(texts, bad)
    for name, directory in _folders(results, HISTORY):
        if name in bad:
            _report(set_aside(directory / HISTORY, bad[name]), warnings)
    return frame


def load_kept(results: StudyResults, name: str, warnings: list[str] | None = None) -> dict[str, dict[str, NDArray[Any]]]:
    """Load the arrays that runs saved with `Run.keep(name, …)`, by the `directory` of the run. Runs without them are omitted.

    Args:
        results: results of a study in a folder; those of other tools have no arrays.
        name: the name given to `Run.keep`.
        warnings: a list to append messages about unreadable files to; if None, they become Python warnings.
    """
    kept = {}
    for run, directory in _folders(results, f"{name}.npz"):
        path = directory / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                kept[run] = dict(arrays)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            _report(set_aside(path, error), warnings)
    return kept


def _folders(results: StudyResults, file: str) -> list[tuple[str, Path]]:
    """Each directory in `results` once, as a relative name and as a path, unless `file` is its program's own there."""
    if results.folder is None:
        return []
    names = map(str, results.runs["directory"].drop_duplicates())
    return [(name, results.folder / name) for name in names if file in results.written.get(name, (file,))]


def _report(message: str, warnings: list[str] | None) -> None:
    if warnings is None:
        python_warnings.warn(message, stacklevel=3)
    else:
        warnings.append(message)


def _run_columns(study: Path, rows: Sequence[Row]) -> pd.DataFrame:
    columns = {
        "cell": [row.cell for row in rows],
        "label": [row.label for row in rows],
        "seed": [row.run.record.seed for row in rows],
        "status": [state_of(row.run.directory, row.run.record) for row in rows],
        "error": pd.Series([row.run.record.error for row in rows], dtype=object),
        "directory": [row.run.directory.relative_to(study).as_posix() for row in rows],
        "left_out": pd.Series([row.left_out for row in rows], dtype=object),
    }
    return pd.DataFrame(columns, columns=list(RUN_COLUMNS))


def _facts(rows: Sequence[Row]) -> dict[str, Level]:
    different = {id(row.levels): row.levels for row in rows}  # shared by the runs of a cell
    facts = common(different.values())
    seeds = {row.run.record.seed for row in rows}
    if len(seeds) == 1 and all(row.run.seed_in_config for row in rows):
        facts["seed"] = Level.of(seeds.pop())
    return facts


def _drifted(runs: Sequence[StoredRun], factors: Mapping[str, Factor], manifest: StudyManifest) -> tuple[str, ...]:
    """The keys of `manifest.fixed` that differ between runs with equal levels, or that no run has any more.

    A value that is an interpolation there is known in a run only, such as the folder of the run, and may differ.
    """
    different = list({id(run.levels): run.levels for run in runs}.values())
    drifted = [key for key in manifest.fixed if not any(key in levels for levels in different)]
    fixed = [key for key, value in manifest.fixed.items() if "${" not in str(value)]
    first: dict[tuple[Level, ...], Mapping[str, Level]] = {}
    for levels in different:
        alike = first.setdefault(tuple(levels.get(key, _NULL) for key in factors), levels)
        if alike is not levels:
            drifted += [key for key in fixed if alike.get(key, _NULL) != levels.get(key, _NULL)]
    return tuple(dict.fromkeys(drifted))


def _without_copies(runs: list[StoredRun], warnings: list[str]) -> list[StoredRun]:
    """Remove copies of runs, such as a folder that was copied within the study."""
    found: dict[tuple[str, int], StoredRun] = {}
    for run in sorted(runs, key=lambda run: not run.directory.parent.name.endswith(f"-{run.record.cell}")):
        known = found.setdefault((run.record.cell, run.record.seed), run)
        if known is not run:
            warnings.append(set_aside(run.directory, f"it is the same run as {known.directory}"))
    kept = {run.directory for run in found.values()}
    return [run for run in runs if run.directory in kept]


def _read_runs(study: Path, warnings: list[str], manifest: StudyManifest) -> list[StoredRun]:
    """Read all runs, and name what is not a run. Each folder is listed once, because a study may be on a slow file system."""
    levels: dict[tuple[str, str], dict[str, Level]] = {}  # by the content of config.yaml without the seed, and the choices
    runs, strangers, unusable = [], list[Path](), list[str]()
    for cell in sorted((study / "runs").glob("[!.]*")):
        names = _names(cell)
        strangers += [] if names else [cell]
        for name in names:
            directory = cell / name
            record = read_record(directory, unusable) if name.startswith("seed=") else None
            if record is not None:
                run = _read_run(directory, record, levels, manifest, unusable)
                runs += [] if run is None else [run]
            elif not name.startswith("seed=") or not ((directory / RECORD).exists() or (directory / LOCK).exists()):
                strangers.append(directory)  # a folder that contains only a lock is a run that is just starting
    warnings += [*(set_aside(path, "it is not a run") for path in strangers), *unusable]
    return runs


def _names(cell: Path) -> list[str]:
    """The names in the folder of a cell, without hidden ones; none if it is a file."""
    try:
        return sorted(path.name for path in cell.iterdir() if not path.name.startswith("."))
    except NotADirectoryError:
        return []


def _read_run(
    directory: Path,
    record: RunRecord,
    levels: dict[tuple[str, str], dict[str, Level]],
    manifest: StudyManifest,
    warnings: list[str],
) -> StoredRun | None:
    """A run with its levels, which are parsed once for all runs of a cell; None if config.yaml cannot be read."""
    try:
        text = (directory / CONFIG).read_text(encoding="utf-8")
        own = f"seed: {record.program_seed}"
        lines = text.splitlines()
        shared = "\n".join(line for line in lines if line != own), str((record.choices, record.levels))
        if shared not in levels:
            config = yaml.load(text, Loader=YAML_LOADER)
            if not isinstance(config, dict):
                raise ValueError("it is not a mapping")
            keys = [*manifest.factors, *(key for group in manifest.zipped.values() for key in group)]
            levels[shared] = {key: Level.of(value) for key, value in manifest.added.items()}
            levels[shared] |= levels_of(record.choices, config, keys)
            levels[shared] |= {key: Level.of(value) for key, value in record.levels.items()}
            levels[shared] |= joint_levels(levels[shared], manifest.zipped)
            if own in lines:
                levels[shared].pop("seed", None)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        warnings.append(set_aside(directory / CONFIG, error))
        return None
    return StoredRun(directory, record, levels[shared], own in lines)
