"""The results of another program: a CSV or JSON file, a data frame, or what another tool stored.

found = read_source(Path("results.csv"))   # roles guessed
found.results(), found.metrics, found.guessed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.core.errors import UsageError
from ablate.importers import json_rows
from ablate.importers.csv import read_table
from ablate.importers.guess import completed
from ablate.importers.numbers import parse_metric
from ablate.importers.own_tables import as_written
from ablate.importers.sources import Source, read
from ablate.importers.table import Roles, Table
from ablate.importers.tabular import results_of
from ablate.importers.tool_tables import recognized
from ablate.storage.results import StudyResults


@dataclass(frozen=True)
class Imported:
    """The rows of another program, and what they were taken for.

    Attributes:
        table: the rows.
        roles: of the columns, given or guessed.
        notes: what was recognized: the tool, or the delimiter and number format of a file.
        guessed: the roles that were not given, as one sentence; empty if all were.
    """

    table: Table
    roles: Roles
    notes: tuple[str, ...]
    guessed: str

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics, the one to compare first."""
        return self.roles.metrics or ()

    def results(self) -> StudyResults:
        """The rows as results.

        Raises:
            UsageError: see `tabular.results_of`.
        """
        return results_of(self.table, self.roles)


def read_source(
    source: Source | Path | pd.DataFrame,
    roles: Roles | None = None,
    *,
    files: str | None = None,
    experiment: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    lower_is_better: bool = False,
) -> Imported:
    """Read the rows of another program.

    Args:
        source: what `sources.detect` found, the path of a CSV or JSON file, or a data frame.
        roles: of the columns, as far as the user named them; the others are guessed.
        files, experiment: see `sources.read`; for what another tool stored.
        delimiter, decimal, encoding: see `csv.read_table`; for a CSV file.
        lower_is_better: whether lower values of the first metric are better, whatever its name suggests.

    Raises:
        UsageError: if a setting is not for this source, or see `sources.read` and `guess.completed`.
    """
    roles = roles or Roles()
    store = {"files": files, "experiment": experiment}
    text = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}
    of_store, of_text = (next((name for name, value in each.items() if value is not None), None) for each in (store, text))
    if isinstance(source, Source):
        if of_text:
            raise UsageError(f"--{of_text} is for a CSV file, but {source.path} is {source.title}: leave the option out.")
        table, roles = read(source, roles, **store)
    elif isinstance(source, Path):
        if of_store:
            raise UsageError(
                f"--{of_store} is for a folder or store of another tool, but {source} is a text file: leave it out."
            )
        table = recognized(_of_file(source, text))
    else:
        if stray := of_store or of_text:
            raise UsageError(f"--{stray} is not for a data frame: leave it out.")
        table = recognized(_of_frame(source))
    roles = replace(roles, metrics=_with_commas(roles.metrics, table.columns))
    table, roles, guessed = completed(table, roles)
    metrics = roles.metrics or ()
    if others := [name for name in roles.lower_is_better if name not in metrics]:
        raise UsageError(f"--lower-is-better {others[0]}: it is not a metric; available: {', '.join(metrics)}.")
    if lower_is_better:
        roles = replace(roles, lower_is_better=metrics[:1])
    numbers = {name: parse_metric(table.frame[name], table.decimal) for name in metrics}
    notes = (*table.notes, *(f"{name}: {note}" for name, each in numbers.items() for note in each.notes))
    return Imported(table, roles, notes, guessed)


def _with_commas(names: Sequence[str] | None, columns: Sequence[str]) -> tuple[str, ...] | None:
    """Names that were separated at commas; those that belong to one column, such as `acc,none`, are joined again."""
    joined = list(names or ())
    for column in (each for each in columns if "," in each):
        parts = [part.strip() for part in column.split(",")]
        for at in range(len(joined) - len(parts) + 1):
            if joined[at : at + len(parts)] == parts and not set(parts) <= set(columns):
                joined[at : at + len(parts)] = [column]
    return tuple(joined) or None


def _of_file(path: Path, text: Mapping[str, str | None]) -> Table:
    if path.suffix.lower() not in json_rows.SUFFIXES:
        return as_written(read_table(path, **text))
    if stray := next((name for name, value in text.items() if value is not None), None):
        raise UsageError(f"--{stray} is for a CSV file, but {path} is a JSON file: leave the option out.")
    return json_rows.read_json(path)


def _of_frame(frame: pd.DataFrame) -> Table:
    """A data frame as texts, as in a CSV file of it: empty where there is no value. The levels of a named index are columns."""
    if all(name is not None and name not in frame.columns for name in frame.index.names):
        frame = frame.reset_index()
    columns = list(map(str, frame.columns))
    if twice := [name for name in dict.fromkeys(columns) if columns.count(name) > 1]:
        raise UsageError(f"the data frame has two columns named {twice[0]!r}; rename one.")
    if frame.empty:
        raise UsageError("the data frame has no rows; expected one for each run.")
    texts = {name: [_text(value) for value in frame.iloc[:, at].to_numpy()] for at, name in enumerate(columns)}
    labels = frame.index if frame.index.is_unique else range(len(frame))
    return Table("the data frame", pd.DataFrame(texts, dtype=object), [f"row {label}" for label in labels])


def _text(value: Any) -> str:
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)
