"""Results that another program made: a CSV file, a row a run, as the frame that `load_runs` gives."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from ablate.core import designs
from ablate.core.errors import UsageError
from ablate.storage.records import RESERVED, Status

OTHERS = ("status", "error", "left_out")  # columns that mean what they mean in `load_runs`, where the file has them


@dataclass(frozen=True)
class _Line:
    """A row of the file: the line that it ends in, and its fields by column."""

    number: int
    fields: dict[str, str]


def read_results(path: str | Path, factors: Sequence[str], seed: str, metrics: Sequence[str]) -> pd.DataFrame:
    """The runs of a CSV file with a header: its columns `factors`, `seed` and `metrics`.

    The frame is that of `load_runs`, `directory` naming the line of the file. The levels of a factor stand in the order in
    which the file has them, so that the first one is the baseline. An empty field of a metric is a run without a value. The
    columns `status` (finished unless the file says so), `error` and `left_out` are heeded; every other column that has
    the same value in all rows is a fact about the study, for the `needs` and `where` of claims.

    Raises UsageError, with the line, for a file that cannot be read, a column that is not there or holds no numbers, a factor
    that does not vary, and for two rows with the same levels and seed.
    """
    path = Path(path)
    header, lines = _read(path)
    for option, columns in (("factors", factors), ("seed", [seed]), ("metric", metrics)):
        for column in columns:
            if column not in header:
                raise UsageError(f"--{option} {column}: {path} has no such column; it has {', '.join(header)}.")
    named = [*factors, seed, *metrics]
    if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
        raise UsageError(f"{path}: the column {twice[0]} cannot be two things at once.")
    if taken := [name for name in (*factors, *metrics) if name in RESERVED]:
        raise UsageError(f"{path}: the report has a column {taken[0]} of its own: rename that of the file.")
    levels = [{factor: _value(line.fields[factor]) for factor in factors} for line in lines]
    labels = [designs.label(each) for each in levels]
    seeds = _seeds(path, lines, seed)
    _refuse_twice(path, lines, labels, seeds)
    frame = pd.DataFrame({"cell": labels, "label": labels, "seed": seeds})
    frame["status"] = [_status(path, line) for line in lines]
    frame["error"] = _optional(lines, "error")
    frame["directory"] = [f"{path.name}, line {line.number}" for line in lines]
    frame["left_out"] = _optional(lines, "left_out")
    for factor in factors:
        frame[factor] = pd.Series([each[factor] for each in levels], dtype=object)
    for metric in metrics:
        frame[metric] = [_number(path, line, metric) for line in lines]
    frame.attrs["factors"] = {factor: designs.distinct(frame[factor]) for factor in factors}
    for factor, different in frame.attrs["factors"].items():
        if len(different) < 2:
            raise UsageError(f"--factors {factor}: it is {designs.say(different[0])} in every row of {path}.")
    rest = [name for name in header if name not in (*named, *OTHERS)]
    frame.attrs["facts"] = designs.common([{name: _value(line.fields[name]) for name in rest} for line in lines])
    return frame


def _read(path: Path) -> tuple[list[str], list[_Line]]:
    """The header and the rows. A row has as many fields as the header: with others, columns would be mistaken."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, fields) for fields in reader if fields]
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as a CSV file ({getattr(error, 'strerror', None) or error}).") from None
    if twice := [name for name in dict.fromkeys(header) if header.count(name) > 1]:
        raise UsageError(f"{path} has two columns of the name {twice[0]!r}.")
    for number, fields in rows:
        if len(fields) != len(header):
            raise UsageError(f"{path}, line {number}: {len(fields)} fields, and the header has {len(header)}.")
    if not rows:
        raise UsageError(f"{path} has no rows: a header, and one row a run.")
    return header, [_Line(number, dict(zip(header, map(str.strip, fields), strict=True))) for number, fields in rows]


def _value(text: str) -> Any:
    """A level: true, false and numbers as such, if they are written as this program writes them; else the text itself.

    So `0.1` is the level that a claim calls 0.1, and `1.10` or `007` stay what they are.
    """
    if text in ("true", "True", "false", "False"):
        return text.lower() == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    value = int(number) if number.is_integer() and abs(number) < 1e15 else number
    return value if text in (designs.say(value), designs.say(number)) else text


def _seeds(path: Path, lines: Sequence[_Line], seed: str) -> list[Any]:
    """Whole numbers if all of them are, `3.0` as well; else texts."""
    texts = [line.fields[seed] for line in lines]
    for line, text in zip(lines, texts, strict=True):
        if not text:
            raise UsageError(f"{path}, line {line.number}: {seed} is empty: which runs make a pair?")
    whole = all(re.fullmatch(r"\d{1,18}(\.0+)?", text) for text in texts)
    return [int(text.partition(".")[0]) for text in texts] if whole else texts


def _optional(lines: Sequence[_Line], column: str) -> pd.Series:
    """The column as objects, None where its field is empty or the file has none."""
    return pd.Series([line.fields.get(column) or None for line in lines], dtype=object)


def _number(path: Path, line: _Line, metric: str) -> float:
    text = line.fields[metric]
    try:
        number = float(text) if text else math.nan
    except ValueError:
        number = math.inf
    if math.isinf(number):
        raise UsageError(
            f"{path}, line {line.number}: {metric} is {text!r}: a number, or nothing for a run without a value "
            "(with the status diverged, if it was lost)."
        )
    return number


def _status(path: Path, line: _Line) -> str:
    status = line.fields.get("status") or "finished"
    if status not in get_args(Status):
        raise UsageError(f"{path}, line {line.number}: status {status}: one of {', '.join(get_args(Status))}.")
    return status


def _refuse_twice(path: Path, lines: Sequence[_Line], labels: Sequence[str], seeds: Sequence[Any]) -> None:
    first: dict[tuple[str, Any], int] = {}
    for line, label, seed in zip(lines, labels, seeds, strict=True):
        known = first.setdefault((label, seed), line.number)
        if known != line.number:
            raise UsageError(
                f"{path}: lines {known} and {line.number} are both {label}, seed {seed}. "
                "Name the column that tells them apart in --factors, or take one out."
            )
