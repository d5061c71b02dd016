"""Read the metrics that a training program wrote to a file: CSV, JSON, JSON lines, YAML, or TensorBoard's event files.

    rows = read_metrics(Path("metrics.csv"))  # one mapping of numbers for each epoch, or step, or line
    final(rows, "last")                    # {"val/acc": 0.91, "test/acc": 0.9}

Loggers write sparse tables: Lightning's metrics.csv has one line for the training values of an epoch and another for the
validation values. Lines of equal epoch (or step, without epochs) are therefore combined.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from ablate.core.errors import UsageError
from ablate.core.extras import install
from ablate.core.text import number_in
from ablate.core.values import TRUTHS
from ablate.storage.manifest import YAML_LOADER

Row = dict[str, float]
Which = Literal["last", "max", "min"]
WHICH: tuple[Which, ...] = get_args(Which)
# Usual names of columns that count
STEPS = ("step", "_step", "global_step", "epoch", "iteration", "iter", "timestep", "timesteps", "env_steps", "total_steps",
         "training_iteration", "timesteps_total", "iterations_since_restore")  # fmt: skip
COUNTERS = ("epoch", *(name for name in STEPS if name != "epoch"))  # in the order in which they are preferred
EVENT_FILE = "events.out.tfevents."
LINES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")  # files to which a program can append rows


def read_metrics(path: Path, after: int = 0, before: int | None = None) -> list[Row]:
    """Read the numbers of a file, one row for each epoch or step. True and false are 1 and 0; other texts are left out.

    Nested mappings become names such as `val/acc`.

    Args:
        path: the file.
        after: of a file with one line for each row (`LINES`), the bytes to leave out behind the header.
        before: the bytes to read; None for all.

    Raises:
        UsageError: if the file cannot be read, or its suffix is not supported; the message names the file.
    """
    try:
        return combined(list(_lines(path, after, before)))
    except (OSError, ValueError, csv.Error, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as a file of metrics: {' '.join(str(error).split())}.") from None


def final(rows: Sequence[Row], which: Which = "last", metric: str | None = None) -> Row:
    """One value for each column, without the columns that count epochs or steps.

    Args:
        rows: the rows of a file, see `read_metrics`.
        which: `last`: the last value of each column. `max` and `min`: the values in the row in which `metric` is largest or
            smallest; columns that are empty there (such as those of a test after training) have their last value. NaN or
            infinity in any row counts as both: the run is lost, as in `rows.at_step`.
        metric: the column for `max` and `min`; it may be omitted if there is only one.

    Raises:
        UsageError: if `metric` is needed and missing, or not a column.

    >>> rows = [{"epoch": 0, "acc": 0.9, "loss": 1.5}, {"epoch": 1, "acc": 0.8, "loss": 1.0}]
    >>> final(rows)
    {'acc': 0.8, 'loss': 1.0}
    >>> final(rows, "max", "acc")
    {'acc': 0.9, 'loss': 1.5}
    """
    last = {name: value for row in rows for name, value in row.items() if not is_counter(name)}
    if which == "last" or not last:
        return last
    if metric is None and len(last) > 1:
        raise UsageError(f"the {which} of which metric? The file has {', '.join(last)}.")
    column = next(iter(last)) if metric is None else metric
    if column not in last:
        raise UsageError(f"the file has no metric {column}; available: {', '.join(last)}.")
    candidates = [row for row in rows if column in row]
    lost = [row for row in candidates if not math.isfinite(row[column])]
    best = lost[0] if lost else (max if which == "max" else min)(candidates, key=lambda row: row[column])
    return {name: best.get(name, value) for name, value in last.items()}


def combined(rows: Sequence[Row]) -> list[Row]:
    """Combine neighbouring rows that have the same epoch, or if not all have one the same step. Later values win.

    >>> combined([{"epoch": 0, "train": 1.0}, {"epoch": 0, "val": 2.0}, {"epoch": 1, "train": 0.5}])
    [{'epoch': 0, 'train': 1.0, 'val': 2.0}, {'epoch': 1, 'train': 0.5}]
    """
    found = counters(rows)
    # One that every row has: Lightning's event files have the epoch in a row of its own, beside those of the metrics
    counter = next((name for name in found if all(name in row for row in rows)), next(iter(found), None))
    result: list[Row] = []
    for row in rows:
        if result and counter is not None and counter in row and result[-1].get(counter) == row[counter]:
            result[-1].update(row)
        else:
            result.append(dict(row))
    return result


def continued(earlier: Sequence[Row], rows: Sequence[Row], same_run: bool) -> list[Row]:
    """The rows of a run that was attempted twice: `earlier` ones that were in its file before, and those of this attempt.

    An attempt that goes back to an epoch (or step) of before makes the last rows again.

    Args:
        earlier: the rows from before this attempt.
        rows: the rows of this attempt.
        same_run: whether all earlier rows are of this run; otherwise only those from which this attempt goes on.

    >>> before = [{"epoch": 0, "acc": 0.1}, {"epoch": 1, "acc": 0.9}]
    >>> continued(before, [{"epoch": 1, "acc": 0.2}, {"epoch": 2, "acc": 0.3}], same_run=True)
    [{'epoch': 0, 'acc': 0.1}, {'epoch': 1, 'acc': 0.2}, {'epoch': 2, 'acc': 0.3}]
    """
    every = [*earlier, *rows]
    counter = next((name for name in counters(every) if all(name in row for row in every)), None)
    if counter is None or not rows:
        return [*earlier, *rows] if same_run else list(rows)
    end = len(earlier)
    while same_run and end and earlier[end - 1][counter] >= rows[0][counter]:
        end -= 1
    start, following = (0 if same_run else end), rows[0][counter]
    while start and earlier[start - 1][counter] < following:
        start, following = start - 1, earlier[start - 1][counter]
    return [*earlier[start:end], *rows]


def is_counter(name: str) -> bool:
    """Whether a column counts epochs or steps."""
    return name.lower() in COUNTERS


def counters(rows: Iterable[Row]) -> list[str]:
    """The columns that count epochs or steps, the preferred one first."""
    names = dict.fromkeys(name for row in rows for name in row)
    return sorted(filter(is_counter, names), key=lambda name: COUNTERS.index(name.lower()))


def _lines(path: Path, after: int, before: int | None) -> Iterator[Row]:
    if EVENT_FILE in path.name:
        yield from _events(path)
    elif path.suffix in (".csv", ".tsv"):
        text = path.read_bytes()
        header = text.partition(b"\n")[0] + b"\n" if after else b""
        file = io.StringIO((header + text[after:before]).decode("utf-8-sig"), newline="")
        table = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        yield from (_numbers(line) for line in table)
    elif path.suffix in (".json", ".jsonl", ".ndjson", ".yaml", ".yml"):
        content = _documents(path, after, before)
        yield from (_numbers(each) for each in (content if isinstance(content, list) else [content]))
    else:
        raise ValueError("expected .csv, .tsv, .json, .jsonl, .yaml, or an event file of TensorBoard")


def _documents(path: Path, after: int, before: int | None) -> Any:
    """The content of a JSON or YAML file. Several JSON documents, one a line, are a list."""
    text = path.read_bytes()[after:before].decode("utf-8-sig")
    if path.suffix in (".yaml", ".yml"):
        return yaml.load(text, Loader=YAML_LOADER)
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        if path.suffix == ".json" and text.count("\n") < 2:
            raise
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _events(path: Path) -> Iterator[Row]:
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.util.tensor_util import make_ndarray
    except ModuleNotFoundError:
        raise ValueError(f"event files need a package that is not installed: {install('tensorboard')}") from None
    for event in EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            number = make_ndarray(value.tensor) if value.HasField("tensor") and value.tensor.dtype == 1 else None
            if number is not None and number.size == 1:  # a scalar, in TensorBoard's present format
                yield {"step": float(event.step), value.tag: float(number.item())}


def _numbers(content: object) -> Row:
    """The numbers of a mapping, with those of nested mappings under `outer/inner`."""
    if not isinstance(content, Mapping):
        raise ValueError(f"expected names and numbers, found {type(content).__name__}")
    found: Row = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            found |= {f"{name}/{inner}": number for inner, number in _numbers(value).items()}
        elif (number := _number(value)) is not None:
            found[str(name)] = number
    return found


def _number(value: object) -> float | None:
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:  # an integer of more than 308 digits
            return math.inf
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        return number_in(value)
    except ValueError:
        return TRUTHS.get(value.strip().lower())
