"""Which tool wrote a folder or file, and its runs as a table.

source = detect(Path("multirun"))  # Source(title='jobs of Hydra', …); None for a study of ours or a text file
table, roles = read(source, Roles())   # its runs, and the roles of their columns
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.core.errors import UsageError
from ablate.core.wording import shortened
from ablate.importers import hydra_jobs, mlflow_store, training_logs
from ablate.importers.guess import completed
from ablate.importers.metric_files import EVENT_FILE
from ablate.importers.run_folders import ImportedRun, table_of
from ablate.importers.table import AtStep, Roles, Table
from ablate.storage.layout import ROOT, find_study, is_study, studies_in
from ablate.storage.manifest import MANIFEST

KNOWN = (
    "a study, a Hydra multirun folder (.hydra/overrides.yaml), logs of Lightning (metrics.csv, hparams.yaml), event files of "
    "TensorBoard, or an MLflow store (mlruns, or a SQLite file)"
)
Reader = Callable[[Path, str | None], Sequence[ImportedRun]]


@dataclass(frozen=True)
class Source:
    """What wrote a folder or file.

    Attributes:
        title: for the line that is printed.
        path: the folder or file that has the runs.
        reader: takes the path and `setting`.
        setting: the name of the option that the reader takes: `files` or `experiment`.
    """

    title: str
    path: Path
    reader: Reader
    setting: str


def detect(path: Path) -> Source | None:
    """Recognize the tool that wrote a folder or a SQLite file.

    Returns:
        None for a study of ours, a folder that nothing is known about, or a text file.
    """
    if path.is_file():
        return Source("an MLflow store", path, mlflow_store.read, "experiment") if mlflow_store.is_sqlite(path) else None
    if not path.is_dir() or is_study(path):
        return None
    if any(path.rglob(hydra_jobs.OVERRIDES)):
        if studies := sorted(each.parent for each in path.rglob(MANIFEST) if (each.parent / "runs").is_dir()):
            raise UsageError(f"{path} contains studies of ablate: name one of them ({shortened(list(map(str, studies)))}).")
        return Source("jobs of Hydra", path, hydra_jobs.read, "files")
    if mlflow_store.is_file_store(path):
        return Source("an MLflow store", path, mlflow_store.read, "experiment")
    if mlflow_store.is_file_store(path / "mlruns"):
        return Source("an MLflow store", path / "mlruns", mlflow_store.read, "experiment")
    if any(path.rglob(training_logs.METRICS)) or any(path.rglob(training_logs.HPARAMS)):
        return Source("logs of Lightning", path, training_logs.read, "files")
    if any(path.rglob(f"{EVENT_FILE}*")):
        return Source("logs of TensorBoard", path, training_logs.read, "files")
    return None


def source_of(given: Path) -> tuple[Path, Source | None]:
    """The file or folder that a path or the name of a study stands for, and the tool that wrote it.

    Raises:
        UsageError: if there is no such thing; the message lists the studies that there are.
    """
    tool = detect(given)
    if tool is not None or (given.exists() and not given.is_dir()):  # pipes too
        return given, tool
    if (study := find_study(given)) is not None:
        return study, None
    available = f"studies in {ROOT}/: {', '.join(each.name for each in studies_in(ROOT)) or 'none'}."
    if given.exists():
        raise UsageError(f"no runs in {given}: expected {KNOWN}; {available}")
    raise UsageError(f"{given}: there is no such file, folder or study; {available}")


def read(source: Source, roles: Roles, *, files: str | None = None, experiment: str | None = None) -> tuple[Table, Roles]:
    """Read the runs of a source as a table with one row for each run.

    Args:
        source: what `detect` returned.
        roles: as far as the user named them; `at_step` says which of a run's values count (default: the last).
        files: the files with metrics, a pattern within the folder of a run.
        experiment: of a store of MLflow.

    Returns:
        The table, and the roles without the step, which no longer has a column.

    Raises:
        UsageError: if there are no runs or no metrics, or a setting is not for this source.
    """
    settings = {"files": files, "experiment": experiment}
    if stray := [name for name, value in settings.items() if value is not None and name != source.setting]:
        raise UsageError(f"--{stray[0]} is not for {source.title} ({source.path}): leave the option out.")
    if roles.step is not None:
        raise UsageError(f"--step-column is for a CSV or JSON file, but {source.path} is {source.title}: leave the option out.")
    runs = source.reader(source.path, settings[source.setting])
    which: AtStep = roles.at_step or "last"
    roles = replace(roles, at_step=None)
    notes = [f"{source.title}, {len(runs)} run{'s' if len(runs) > 1 else ''}"]
    table = table_of(source.path, runs, "last", None, notes)
    if which != "last":
        metric = (completed(table, roles)[1].metrics or ("",))[0]
        table = table_of(source.path, runs, which, metric, notes)
    return table, roles
