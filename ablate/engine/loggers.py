"""What a run logs, shown in a logger as well (`study.logger`; the group `logger` chooses one). Off by default.

The results are history.csv and run.json. A logger only shows them: it is no part of what a run means, its errors end no run,
and a run that goes on after a kill shows its whole history anew, so that no epoch is there twice.
"""

from __future__ import annotations

import importlib
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ablate.core.errors import UsageError
from ablate.storage import fingerprint
from ablate.storage.records import RunRecord

log = logging.getLogger("ablate")


class Logger(Protocol):
    """What shows the numbers of one run. Its constructor raises UsageError if it cannot be used here."""

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:
        """Begin a run that has its files in `directory`, in place of what an earlier attempt showed of it."""

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """Show a row of history.csv; steps increase."""

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        """Show the metrics of a run that ended, in whatever way, and let go of it."""


def logger_of(settings: Mapping[str, Any] | None) -> Logger | None:
    """The logger that study.logger names: the class at the dotted path `starts`, called with the other keys.

    Raises UsageError if there is no such class, or if it cannot be used.
    """
    if not settings:
        return None
    arguments = {str(key): value for key, value in settings.items() if key != "starts"}
    module, _, name = str(settings["starts"]).rpartition(".")
    try:
        logger: Logger = getattr(importlib.import_module(module), name)(**arguments)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"study.logger={dict(settings)}: {error}") from None
    return logger


class Mirror:
    """One run's logger, told of each row once."""

    def __init__(self, logger: Logger, directory: Path, record: RunRecord, config: Mapping[str, Any]) -> None:
        self._logger: Logger | None = logger
        self._directory = directory
        self._record = record
        self._config = config
        self._begun = False
        self._shown = 0
        self._step = -1

    def follow(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show those of the rows that are new; at first also those that an earlier attempt logged."""
        if not self._begun:
            self._begun = True
            self._tell(lambda logger: logger.begin(self._directory, self._record, levels_of(self._record, self._config)))
        for row in rows[self._shown :]:
            values = numbers(row)
            epoch = values.get("epoch", math.nan)
            if epoch.is_integer() and epoch > self._step:
                del values["epoch"]  # it is the axis
                self._step = int(epoch)
            else:
                self._step = max(self._step, 0) + 1
            self._tell(lambda logger, step=self._step, values=values: logger.row(step, values))  # type: ignore[misc]
        self._shown = len(rows)

    def end(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show what is still to be shown, and the metrics."""
        self.follow(rows)
        self._tell(lambda logger: logger.end(self._record, numbers(self._record.metrics)))

    def _tell(self, what: Callable[[Logger], None]) -> None:
        if self._logger is None:
            return
        try:
            what(self._logger)
        except Exception as error:  # whatever it is, the run is worth more
            self._logger = None
            said = f"{type(error).__name__}: {error}"
            log.warning("%s seed=%d goes on without its logger: %s", self._record.label, self._record.seed, said)


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Those values of a row that are numbers, or were before they were written to a file."""
    found = {}
    for name, value in row.items():
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            continue
    return found


def levels_of(record: RunRecord, config: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """What tells a run from others: its label and seed, the level of each group, and the keys that were overridden."""
    values = fingerprint.flatten(config)
    overridden = {key: values[key] for key in record.overridden if key in values}
    choices = {key: level for key, level in record.choices.items() if key != "logger"}
    told = {"label": record.label, "seed": record.seed, **overridden, **choices}
    return {key: value if isinstance(value, str | int | float | bool) else str(value) for key, value in told.items()}
