"""Results that another program made: a CSV file, a row a run, as the frame that `load_runs` gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import yaml

from ablate.study import design
from ablate.study.errors import UsageError
from ablate.study.records import Status

OTHERS = ("status", "error", "left_out")  # columns that mean what they mean in `load_runs`, where the file has them
DESCRIPTION = ("cell", "label", "directory", *OTHERS)


def read_results(path: str | Path, factors: Sequence[str], seed: str, metrics: Sequence[str]) -> pd.DataFrame:
    """The runs of a CSV file with a header: its columns `factors`, `seed` and `metrics`.

    The frame is that of `load_runs`, `directory` naming the line of the file. The levels of a factor stand in the order in
    which the file has them, so that the first one is the baseline. An empty field of a metric is a run without a value. The
    columns `status` (finished unless the file says so), `error` and `left_out` are heeded; every other column that has
    the same value in all rows is a fact about the study, for the `needs` and `where` of claims.

    Raises UsageError for a file that cannot be read, a column that is not there or holds no numbers, a factor that does not
    vary, and for two rows with the same levels and seed.
    """
    path = Path(path)
    table = _read(path)
    for option, columns in (("factors", factors), ("seed", [seed]), ("metric", metrics)):
        for column in columns:
            if column not in table:
                raise UsageError(f"--{option} {column}: {path} has no such column; it has {', '.join(table.columns)}.")
    named = [*factors, seed, *metrics]
    if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
        raise UsageError(f"{path}: the column {twice[0]} cannot be two things at once.")
    if taken := [name for name in named if name != "seed" and name in DESCRIPTION]:
        raise UsageError(f"{path}: the report has a column {taken[0]} of its own: rename that of the file.")
    levels = {factor: [_value(text) for text in table[factor]] for factor in factors}
    rows = [dict(zip(levels, row, strict=True)) for row in zip(*levels.values(), strict=True)] or [{}] * len(table)
    frame = pd.DataFrame({"cell": [design.label(row) for row in rows]})
    frame["label"] = frame["cell"]
    frame["seed"] = _seeds(table[seed])
    _refuse_twice(path, frame)
    frame["status"] = _status(path, table)
    frame["error"] = _optional(table, "error")
    frame["directory"] = [f"{path.name}, line {number}" for number in _lines(table)]
    frame["left_out"] = _optional(table, "left_out")
    for factor, values in levels.items():
        frame[factor] = pd.Series(values, dtype=object)
    for metric in metrics:
        frame[metric] = _numbers(path, table, metric)
    frame.attrs["factors"] = {factor: design.distinct(values) for factor, values in levels.items()}
    for factor, different in frame.attrs["factors"].items():
        if len(different) < 2:
            raise UsageError(f"--factors {factor}: it is {design.say(different[0])} in every row of {path}.")
    rest = table.drop(columns=[*named, *(name for name in OTHERS if name in table)])
    frame.attrs["facts"] = {name: _value(rest[name].iloc[0]) for name in rest if (rest[name] == rest[name].iloc[0]).all()}
    return frame


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # of pandas' own errors, all are ValueErrors
        raise UsageError(f"{path} cannot be read as a CSV file ({getattr(error, 'strerror', None) or error}).") from None
    if table.empty:
        raise UsageError(f"{path} has no rows: a header, and one row a run.")
    return table


def _value(text: str) -> Any:
    """A level as YAML would read it: `true`, `0.1` and `direct` are what they are in a study; text if it is no scalar."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, bool | int | float | None) else text


def _optional(table: pd.DataFrame, column: str) -> pd.Series:
    """The column as objects, None where its field is empty or the file has none."""
    texts = table[column] if column in table else [None] * len(table)
    return pd.Series([text or None for text in texts], dtype=object)


def _seeds(column: pd.Series) -> pd.Series:
    return column.astype(int) if column.str.fullmatch(r"\d+").all() else column


def _numbers(path: Path, table: pd.DataFrame, metric: str) -> pd.Series:
    numbers = pd.to_numeric(table[metric], errors="coerce").astype(float)
    for line, text in zip(_lines(table), table[metric].where(numbers.isna(), ""), strict=True):
        if text.strip() and text.strip().lower() != "nan":
            raise UsageError(f"{path}, line {line}: {metric} is {text!r}: a number, or nothing for a run without a value.")
    return numbers


def _status(path: Path, table: pd.DataFrame) -> pd.Series:
    status = table["status"].replace("", "finished") if "status" in table else pd.Series("finished", index=table.index)
    for line, found in zip(_lines(table), status, strict=True):
        if found not in get_args(Status):
            raise UsageError(f"{path}, line {line}: status {found}: one of {', '.join(get_args(Status))}.")
    return status


def _refuse_twice(path: Path, frame: pd.DataFrame) -> None:
    for (cell, seed), rows in frame.groupby(["cell", "seed"], sort=False):
        if len(rows) > 1:
            first, second = (number + 2 for number in rows.index[:2])
            raise UsageError(
                f"{path}: lines {first} and {second} are both {cell}, seed {seed}. "
                "Name the column that tells them apart in --factors, or take one out."
            )


def _lines(table: pd.DataFrame) -> range:
    """The line of the file that each row stands in, if no field has a line break."""
    return range(2, len(table) + 2)
