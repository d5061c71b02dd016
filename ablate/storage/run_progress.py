"""How far a run has come, by its files."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ablate.core.main_metric import most_telling
from ablate.storage.history import read_history
from ablate.storage.records import HISTORY, RunRecord, read_record


@dataclass(frozen=True)
class RunProgress:
    """The record and the logged rows of a run, as far as they can be read.

    Attributes:
        record: None if there is none, or it is damaged.
        rows: of the history, one for each epoch, or whatever the program logs.
    """

    record: RunRecord | None
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the files in the folder of a run."""
        return cls.of(directory, read_record(directory))

    @classmethod
    def of(cls, directory: Path, record: RunRecord | None) -> Self:
        """Read the history of a run with this record. A history.csv that its program wrote itself is not read."""
        rows: list[dict[str, Any]] = []
        if record is None or record.wrote(HISTORY):
            with contextlib.suppress(OSError, ValueError):
                rows = read_history(directory / HISTORY)
        return cls(record, rows)

    @property
    def epochs(self) -> int | None:
        """The number of rows that the run will have; None if it does not say."""
        return self.record.epochs if self.record is not None else None

    @property
    def share(self) -> float:
        """The share of the epochs that are done; 0 if their number is not known."""
        return min(1.0, len(self.rows) / self.epochs) if self.epochs else 0.0

    @property
    def metric(self) -> str:
        """The column that tells most about the run; empty before its first row."""
        return most_telling(list(self.rows[-1])) if self.rows else ""
