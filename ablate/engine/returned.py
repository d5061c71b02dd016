"""The metrics of a run: from the value that the program returned, the files that it wrote, or the values that it logged."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ablate.core.errors import UsageError
from ablate.core.main_metric import main_first
from ablate.core.text import printable
from ablate.core.values import plain_number
from ablate.engine.loggers import numbers
from ablate.engine.options import StudyOptions
from ablate.engine.output_folder import located
from ablate.engine.run import Run
from ablate.importers.metric_files import EVENT_FILE, LINES, Row, continued, final, read_metrics
from ablate.storage import fingerprint, locks
from ablate.storage.files import clock_of
from ablate.storage.layout import PLAN
from ablate.storage.manifest import MANIFEST
from ablate.storage.records import CONFIG, HISTORY, RECORD

log = logging.getLogger("ablate")

VALUE = "value"  # the name of a returned number, without another
OPTIMIZED = "optimized_metric"  # where lightning-hydra-template names the number that its program returns
FILES_SHOWN = 5
OWN_FILES = (CONFIG, RECORD, HISTORY, MANIFEST, PLAN)  # of a run and of its study
ROWS_KEPT = 10_000  # of a file, as history
CLOCK_SLACK = 1.0  # seconds by which the time of a file may be before that of its run: clocks and file systems are coarse
RECOGNIZED = 65_536  # bytes at both ends of the rows of earlier runs
CLOCK_TICK = 0.05  # the same outside of the folder of the run, where the previous run may just have written the file


@dataclass(frozen=True)
class Beginning:
    """What there was when a training function was called.

    Attributes:
        at: the time, in seconds since 1970; older files are ignored.
        own_clock: the same by the clock of the file system of the run's folder, for its files.
        ends: by path, the end of each file with one line for each row, to which the program may append: outside of the folder
            of the run to the rows of other runs, inside to those of an earlier attempt.
    """

    at: float
    own_clock: float = math.inf
    ends: Mapping[Path, End] = field(default_factory=dict)

    @property
    def of_own_files(self) -> float:
        """The time from which files in the folder of the run are its own, whichever of the two clocks is behind."""
        return min(self.at, self.own_clock)

    @classmethod
    def now(cls, run: Run, options: StudyOptions) -> Beginning:
        """Of a run that begins."""
        pattern = options.metric_files
        at, own_clock = time.time(), math.inf
        with suppress(OSError):
            own_clock = clock_of(run.directory)
        if pattern is None:
            return cls(at, own_clock)
        with suppress(OSError, NotImplementedError):  # some file systems have no locks
            locks.slot(run.directory.parents[2])  # so that another command of the study sees this process
        inside = [] if Path(pattern).is_absolute() else run.directory.glob(pattern)
        folder, relative = _outside(pattern)
        outside = [] if "**" in pattern else folder.glob(relative)  # to go through all folders would take too long
        ends = {}
        for path in itertools.chain(inside, outside):
            with suppress(OSError):  # unreadable, or removed meanwhile
                if path.suffix in LINES and path.is_file():
                    ends[path.resolve()] = End.of(path)
        return cls(at, own_clock, ends)

    def rows_of(self, path: Path, run: Run) -> list[Row]:
        """The rows that a run wrote to a file, see `read_metrics`."""
        end = self.ends.get(path.resolve())
        if end is None or not end.still_in(path):
            return read_metrics(path)
        rows, same_run = read_metrics(path, end.size), path.resolve().is_relative_to(run.directory.resolve())
        if run.record.attempts < 2:
            return read_metrics(path) if same_run else rows
        return continued(read_metrics(path, before=end.size), rows, same_run)


@dataclass(frozen=True)
class End:
    """Where the rows of earlier runs end in a file: its size, and a digest by which they are known again."""

    size: int
    digest: str

    @classmethod
    def of(cls, path: Path, size: int | None = None) -> End:
        """Of the first `size` bytes of a file; None for all."""
        size = path.stat().st_size if size is None else size
        with path.open("rb") as file:
            first = file.read(min(size, RECOGNIZED))
            file.seek(max(0, size - RECOGNIZED))
            last = file.read(min(size, RECOGNIZED))
        return cls(size, hashlib.sha256(first + last).hexdigest())

    def still_in(self, path: Path) -> bool:
        """Whether a file begins with these rows: the program has appended to it, and not written it anew."""
        return path.stat().st_size > self.size and End.of(path, self.size) == self


def metrics_of(returned: Any, cfg: DictConfig, run: Run, options: StudyOptions, began: Beginning) -> dict[str, float | None]:
    """Collect the metrics of a run; the main metric comes first.

    Args:
        returned: what the training function returned: a number, several numbers, a mapping, or None.
        cfg: the configuration.
        run: the run.
        options: the study options.
        began: what there was when the function was called.

    Raises:
        UsageError: if there is no metric; the message says how to provide one.
    """
    refused = None
    try:
        metrics = _returned(returned, cfg, options)
    except UsageError as error:
        if options.returns is not None or (options.metric_files is None and not run.rows):
            raise
        metrics, refused = {}, error  # a model or a trainer, of a program whose metrics are elsewhere
    first = [name for name in metrics if name != VALUE]  # what a program returns by name is what it is about
    if options.metric_files is not None:
        metrics = {**_from_files(run, options, options.metric_files, began), **metrics}
    elif not metrics and (rows := [numbers(row) for row in run.rows]):
        metrics = dict(final(rows, options.metrics_row, options.metric))
    if not metrics and refused is not None:
        raise refused
    if not metrics and returned != {}:
        raise UsageError(_nothing(returned, run, began.of_own_files))
    if options.metric is not None and options.metric not in metrics:
        raise UsageError(f"study.metric={options.metric}: the run has no such metric; available: {', '.join(metrics)}.")
    names = dict.fromkeys([*([options.metric] if options.metric else ()), *first, *main_first(list(metrics))])
    return {name: metrics[name] for name in names}


def _returned(returned: Any, cfg: DictConfig, options: StudyOptions) -> dict[str, float | None]:
    """The numbers in a returned value, by name."""
    if returned is None:
        return {}
    if isinstance(returned, Mapping):
        found = {printable(name): _number(value) for name, value in fingerprint.flatten(returned).items()}
        if others := [name for name, value in found.items() if value is _NOT_A_NUMBER]:
            log.warning("the training function returned values that are not numbers, which are ignored: %s", ", ".join(others))
        return {name: value for name, value in found.items() if value is not _NOT_A_NUMBER}
    names = options.returns or str(cfg.get(OPTIMIZED) or VALUE)
    values = list(returned) if isinstance(returned, list | tuple) else [returned]
    names = [names] if isinstance(names, str) else names
    if len(names) == 1 < len(values):
        names = [f"{names[0]}_{position}" for position in range(1, len(values) + 1)]
    converted = [_number(value) for value in values]
    if len(names) != len(values) or _NOT_A_NUMBER in converted:
        shown = f"{type(returned).__name__} {str(returned)[:60]!r}" if len(values) == 1 else f"{len(values)} values"
        raise UsageError(
            f"the training function returned {shown}; expected a number for {', '.join(names)}, or a mapping of metrics."
        )
    return dict(zip(names, converted, strict=True))


_NOT_A_NUMBER: Any = object()


def _number(value: Any) -> Any:
    """A number, None, or _NOT_A_NUMBER. Tensors and arrays with one element are numbers."""
    try:
        return plain_number(value)
    except ValueError:
        if isinstance(value, str | int):
            return _NOT_A_NUMBER
    for convert in (lambda array: float(array.item()), float):  # float does not convert NumPy's arrays, or warns of it
        try:
            return convert(value)
        except (AttributeError, TypeError, ValueError, RuntimeError, OverflowError):
            continue
    return _NOT_A_NUMBER


def _from_files(run: Run, options: StudyOptions, pattern: str, began: Beginning) -> Row:
    """The metrics in the files that match the pattern. Their rows become the history of a run that logged none."""
    paths = _written(run, options, pattern, began)
    if not paths:
        found = _files(run.directory, began.of_own_files)
        shown = f"; it wrote {_listed(found)}" if found else ", where it wrote nothing"
        elsewhere = "" if Path(pattern).is_absolute() else f", and none in {_outside(pattern)[0]}"
        raise UsageError(f"study.metrics_file={pattern}: the run wrote no such file in {run.directory}{shown}{elsewhere}.")
    metrics: Row = {}
    history: list[Row] = []
    for path in paths:
        rows = began.rows_of(path, run)
        names = {name for row in rows for name in row}
        if options.metrics_row != "last" and options.metric is not None and options.metric not in names and len(paths) > 1:
            values = final(rows)  # the metric is in another file
        else:
            values = final(rows, options.metrics_row, options.metric)
        for name in values:
            if name in metrics and metrics[name] != values[name]:
                raise UsageError(
                    f"study.metrics_file={pattern}: {', '.join(each.name for each in paths)} in {run.directory} contain "
                    f"different values of {name}; choose one file by its pattern."
                )
        metrics |= values
        history = max(history, rows, key=len)
    if not run.rows and 1 < len(history) <= ROWS_KEPT:
        columns = dict.fromkeys(name for row in history for name in row)
        for row in history:
            run.log(**{name: row.get(name) for name in columns})
    return metrics


def _written(run: Run, options: StudyOptions, pattern: str, began: Beginning) -> list[Path]:
    """The files that match, written since the run began: in its folder, otherwise in the working directory or elsewhere.

    Raises:
        UsageError: if there are only files outside of the folder of the run while several runs run at a time, because they
            could be those of another run.
    """
    if Path(pattern).is_absolute():
        own, found = run.directory.resolve(), _of_program(*_outside(pattern), began.of_own_files)
        inside = [each for each in found if each.resolve().is_relative_to(own)]
    else:
        inside = _of_program(run.directory, pattern, began.of_own_files)
        found = [] if inside else _of_program(*_outside(pattern), began.at)
    if inside:
        return inside
    outside = _recent(found, began.at, CLOCK_TICK)
    launched = run.record.worker.get("job") is not None and options.n_jobs != 1  # by a launcher for clusters
    if outside and (run.record.timing.get("processes") != 1 or launched or locks.runs_beside(run.directory.parents[2])):
        raise UsageError(
            f"study.metrics_file={pattern}: {outside[0]} is outside of the folder of the run, {run.directory}. While several "
            "runs run at a time, it could be that of another run: write it into the folder of the run, "
            "${hydra:runtime.output_dir}, or run one at a time."
        )
    return outside


def _outside(pattern: str) -> tuple[Path, str]:
    """Where a pattern is looked for outside of the folder of the run, and the pattern relative to that."""
    path = Path(pattern)
    if path.is_absolute():
        return Path(path.anchor), str(path.relative_to(path.anchor))
    folder = located(".").absolute()  # of the command: with hydra.job.chdir, the working folder is that of the run
    return folder if folder.is_dir() else Path.cwd(), pattern


def _of_program(folder: Path, pattern: str, began: float) -> list[Path]:
    """The recent files that match; those of ablate itself only if the pattern names them, so that `*.json` is not run.json."""
    recent = _recent(folder.glob(pattern), began)
    return [path for path in recent if path.name == Path(pattern).name or not _is_own(path.relative_to(folder))]


def _is_own(path: Path) -> bool:
    return path.name in OWN_FILES or ".hydra" in path.parts


def _recent(paths: Iterable[Path], began: float, slack: float = CLOCK_SLACK) -> list[Path]:
    return sorted(path for path in paths if path.is_file() and path.stat().st_mtime >= began - slack)


def _files(folder: Path, began: float) -> list[Path]:
    """The files of a run that may contain metrics."""
    suffixes = (".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml")
    found = [path for path in folder.rglob("*") if path.suffix in suffixes or EVENT_FILE in path.name]
    relative = (path.relative_to(folder) for path in _recent(found, began))
    return [path for path in relative if not _is_own(path)]


def _nothing(returned: Any, run: Run, began: float) -> str:
    what = "nothing" if returned is None else "no number"
    found = _files(run.directory, began)
    files = f" Its folder has {_listed(found)}." if found else ""
    return (
        f"the training function returned {what}: return a number or a mapping of metrics, or name the file that it writes with "
        f"hydra.sweeper.metrics='**/metrics.csv'.{files}"
    )


def _listed(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - FILES_SHOWN} more" if len(paths) > FILES_SHOWN else ""
    return ", ".join(map(str, paths[:FILES_SHOWN])) + more
