"""Folders of training logs: Lightning's `logs/` (hparams.yaml, metrics.csv), and event files of TensorBoard."""

from __future__ import annotations

from pathlib import Path

from ablate.core.errors import UsageError
from ablate.core.extras import install
from ablate.importers.metric_files import EVENT_FILE, Row
from ablate.importers.run_folders import (
    UNREADABLE,
    ImportedRun,
    config_of_path,
    flat,
    matches,
    natural,
    read_files,
    read_mapping,
)

HPARAMS = "hparams.yaml"
METRICS = "metrics.csv"
_PHASES = ("train", "training", "validation", "val", "test", "eval")  # folders in which Keras writes one run
_PLACEHOLDER = "hp_metric"  # written by Lightning for the table of hyperparameters, -1 in every run


def read(folder: Path, pattern: str | None = None) -> list[ImportedRun]:
    """Read one run for each folder that has metrics.csv or event files.

    The configuration is hparams.yaml, or the hyperparameters in the event files, and what the names of the folders say. Of a
    folder with metrics.csv and event files, metrics.csv is read. A run whose metrics cannot be read has failed.

    Args:
        folder: the tree.
        pattern: the files with metrics within the tree, otherwise metrics.csv and event files.

    Raises:
        UsageError: if there are no such files.
    """
    files: dict[Path, list[Path]] = {}
    patterns = (pattern,) if pattern else (f"**/{METRICS}", f"**/{EVENT_FILE}*")
    for path in (path for each in patterns for path in matches(folder, each)):
        files.setdefault(path.parent, []).append(path)
    if not files:
        raise UsageError(f"{folder} has no files {', '.join(patterns)}; name the files with metrics with --files.")
    parts: dict[Path, list[Path]] = {}
    for each in sorted(files, key=natural):
        parts.setdefault(_run_of(each, files, folder), []).append(each)
    return [_run(run, folder, inner, files) for run, inner in parts.items()]


def _run_of(path: Path, files: dict[Path, list[Path]], top: Path) -> Path:
    """The folder of the run that a folder belongs to: the outermost one with metrics, and of `train` and `validation` the
    folder of both.
    """
    run = next((outer for outer in reversed(path.parents) if outer in files and outer.is_relative_to(top)), path)
    return run.parent if run == path and path.name.lower() in _PHASES and path != top else run


def _run(run: Path, top: Path, folders: list[Path], files: dict[Path, list[Path]]) -> ImportedRun:
    relative = run.relative_to(top)
    config = config_of_path(relative)
    rows: list[list[Row]] = []
    for each in folders:
        paths = [path for path in files[each] if EVENT_FILE not in path.name] or files[each]
        try:
            config |= _hyperparameters(each, paths)
        except UsageError as error:
            return ImportedRun(str(relative), {}, [], UNREADABLE, str(error))
        prefix = each.name if each.name.lower() in _PHASES and each != run else ""
        try:
            contents = read_files(sorted(paths, key=natural))
        except UsageError as error:  # such as a file that a killed run left incomplete; the other runs count
            return ImportedRun(str(relative), config, [], "failed", str(error))
        for content in contents:
            rows.append([_named(row, each.name if each != run else "", prefix) for row in content])
    if not any(rows):
        return ImportedRun(str(relative), config, rows, "failed", "no metrics")
    return ImportedRun(str(relative), config, rows)


def _named(row: Row, folder: str, prefix: str) -> Row:
    """The metrics of a row. `add_scalars("loss", {"train": …})` writes `loss` in a folder `loss_train`: it is `loss/train`."""
    found: Row = {}
    for name, value in row.items():
        if name == _PLACEHOLDER and value == -1:
            continue
        tag = name.replace("/", "_")
        if prefix and name != "step":
            name = f"{prefix}/{name}"
        elif tag != "step" and folder.startswith(f"{tag}_"):
            name = f"{name}/{folder.removeprefix(f'{tag}_')}"
        found[name] = value
    return found


def _hyperparameters(folder: Path, files: list[Path]) -> dict[str, object]:
    """Those in hparams.yaml, otherwise those that the event files have (`add_hparams`)."""
    if content := read_mapping(folder / HPARAMS):
        return flat(content)
    events = [path for path in files if EVENT_FILE in path.name]
    if not events:
        return {}
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
    except ModuleNotFoundError:
        raise UsageError(f"event files need a package that is not installed: {install('tensorboard')}") from None

    found: dict[str, object] = {}
    for path in events:
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name != "hparams":
                    continue
                data = HParamsPluginData.FromString(value.metadata.plugin_data.content)
                for key, each in data.session_start_info.hparams.items():
                    kind = each.WhichOneof("kind")
                    found[key] = getattr(each, kind) if kind else None
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: object) -> object:
    """TensorBoard keeps every number as a float: 3.0 is 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
