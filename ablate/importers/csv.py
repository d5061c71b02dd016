"""Import the results of another program from a CSV file with one row for each run."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from ablate.core.cells import Cell, common
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.metrics import Metrics
from ablate.storage.records import Status
from ablate.storage.results import RUN_COLUMNS, StudyResults

USUAL = ("status", "error", "left_out")  # columns with the same meaning as in `StudyResults.runs`


@dataclass(frozen=True)
class _Line:
    """A row of the file: its (last) line number and its fields by column."""

    number: int
    fields: dict[str, str]


def read_results(path: str | Path, factors: Sequence[str], seed: str, metrics: Sequence[str]) -> StudyResults:
    """Read a CSV file with a header and one row for each run.

    The levels of a factor keep their order in the file, so that the first one is the baseline. Unless they are used otherwise
    here, the columns `status` (finished if empty), `error` and `left_out` are read as in `StudyResults.runs`. Every other
    column with one value in all rows becomes a fact of the study, for `needs` and `where` of claims. `directory` names the
    line.

    Args:
        path: the CSV file.
        factors: the columns with the levels.
        seed: the column that pairs the runs.
        metrics: the columns with the results; an empty field is a missing value.

    Raises:
        UsageError: if the file cannot be read, a column is missing, a metric is not a number, a factor does not vary, or two
            rows have the same levels and seed; the message names the line.
    """
    path = Path(path)
    header, lines = _read(path)
    for option, columns in (("factors", factors), ("seed", [seed]), ("metric", metrics)):
        for column in columns:
            if column not in header:
                raise UsageError(f"--{option} {column}: {path} has no such column; available: {', '.join(header)}.")
    named = [*factors, seed, *metrics]
    if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
        raise UsageError(f"{path}: the column {twice[0]} is named twice among --factors, --seed and --metric; name it once.")
    cells = [Cell({factor: _level(line.fields[factor]) for factor in factors}) for line in lines]
    labels = [cell.label for cell in cells]
    seeds = _seeds(path, lines, seed)
    _refuse_twice(path, lines, labels, seeds)
    known = {factor: Factor.of(factor, (cell[factor] for cell in cells)) for factor in factors}
    for key, factor in known.items():
        if len(factor) < 2:
            raise UsageError(f"--factors {key}: it is {factor.baseline} in every row of {path}; a factor needs two levels.")
    index = range(len(lines))
    usual = [name for name in USUAL if name not in named]
    rest = [name for name in header if name not in (*named, *usual)]
    runs = {
        "cell": labels,
        "label": labels,
        "seed": seeds,
        "status": [_status(path, line) for line in lines] if "status" in usual else "finished",
        "error": _optional(lines, "error" if "error" in usual else None),
        "directory": [f"{path.name}, line {line.number}" for line in lines],
        "left_out": _optional(lines, "left_out" if "left_out" in usual else None),
    }
    return StudyResults(
        runs=pd.DataFrame(runs, columns=list(RUN_COLUMNS), index=index),
        levels=pd.DataFrame({key: [cell[key] for cell in cells] for key in factors}, index=index, dtype=object),
        values=pd.DataFrame({metric: [_number(path, line, metric) for line in lines] for metric in metrics}, index=index),
        factors=known,
        facts=common({name: _level(line.fields[name]) for name in rest} for line in lines),
        metrics=Metrics().completed(metrics),
    )


def _read(path: Path) -> tuple[list[str], list[_Line]]:
    """Read the header and the rows; every row must have as many fields as the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, fields) for fields in reader if fields]
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as a CSV file ({getattr(error, 'strerror', None) or error}).") from None
    if twice := [name for name in dict.fromkeys(header) if header.count(name) > 1]:
        raise UsageError(f"{path} has two columns named {twice[0]!r}; rename one.")
    for number, fields in rows:
        if len(fields) != len(header):
            raise UsageError(f"{path}, line {number}: {len(fields)} fields, but the header has {len(header)}.")
    if not rows:
        raise UsageError(f"{path} has no rows; expected a header and one row for each run.")
    return header, [_Line(number, dict(zip(header, map(str.strip, fields), strict=True))) for number, fields in rows]


def _level(text: str) -> Level:
    """Parse a level: true, false, and numbers that Python would print in the same way; anything else is a string.

    So `0.1` equals the level 0.1 of a claim, while `1.10` and `007` remain strings.
    """
    if text in ("true", "True", "false", "False"):
        return Level.of(text.lower() == "true")
    try:
        number = float(text)
    except ValueError:
        return Level.of(text)
    if not math.isfinite(number):
        return Level.of(text)
    value = int(number) if number.is_integer() and abs(number) < 1e15 else number
    return Level.of(value if text in (str(value), str(number)) else text)


def _seeds(path: Path, lines: Sequence[_Line], seed: str) -> list[Any]:
    """Parse the seeds: integers if all are integral, such as `3` or `3.0`; otherwise strings."""
    texts = [line.fields[seed] for line in lines]
    for line, text in zip(lines, texts, strict=True):
        if not text:
            raise UsageError(
                f"{path}, line {line.number}: {seed} is empty; every run needs a seed, because runs are paired by seed."
            )
    whole = all(re.fullmatch(r"\d{1,18}(\.0+)?", text) for text in texts)
    return [int(text.partition(".")[0]) for text in texts] if whole else texts


def _optional(lines: Sequence[_Line], column: str | None) -> pd.Series:
    """A column as objects; None for an empty field or a missing column."""
    return pd.Series([(line.fields.get(column) if column else None) or None for line in lines], dtype=object)


def _number(path: Path, line: _Line, metric: str) -> float:
    text = line.fields[metric]
    try:
        number = float(text) if text else math.nan
    except ValueError:
        number = math.inf
    if math.isinf(number):
        raise UsageError(
            f"{path}, line {line.number}: {metric} is {text!r}; it should be a number, or empty for a run without a value "
            "(with the status diverged, if the run was lost)."
        )
    return number


def _status(path: Path, line: _Line) -> str:
    status = line.fields.get("status") or "finished"
    if status not in get_args(Status):
        raise UsageError(f"{path}, line {line.number}: unknown status {status!r}; available: {', '.join(get_args(Status))}.")
    return status


def _refuse_twice(path: Path, lines: Sequence[_Line], labels: Sequence[str], seeds: Sequence[Any]) -> None:
    first: dict[tuple[str, Any], int] = {}
    for line, label, seed in zip(lines, labels, seeds, strict=True):
        known = first.setdefault((label, seed), line.number)
        if known != line.number:
            raise UsageError(
                f"{path}: lines {known} and {line.number} are both {label}, seed {seed}. "
                "Add the column that distinguishes them to --factors, or delete one of them."
            )
