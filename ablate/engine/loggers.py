"""Loggers, which show what a run logs as well (`study.logger`; the group `logger` chooses one). Off by default.

The results are history.csv and run.json; a logger only shows them. It does not change what a run is, its errors do not end a
run, and a resumed run shows its whole history again, so that no epoch appears twice.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from hydra.utils import instantiate

from ablate.core.errors import UsageError
from ablate.storage import fingerprint
from ablate.storage.records import RunRecord

log = logging.getLogger("ablate")


class Logger(Protocol):
    """Shows the numbers of one run. Its constructor raises UsageError if it cannot be used here."""

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:
        """Begin a run whose files are in `directory`; replaces what an earlier attempt showed."""

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """Show a row of history.csv; steps increase."""

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        """Show the metrics of a run that has ended, in whatever way, and release it."""


def logger_of(node: Mapping[str, Any] | None) -> Logger | None:
    """The logger that study.logger describes: Hydra instantiates the class at the dotted path `_target_`.

    Raises:
        UsageError: if there is no such class, or if it cannot be used here.
    """
    if not node:
        return None
    try:
        logger: Logger = instantiate(dict(node))
    except Exception as error:  # of a constructor, wrapped by Hydra: whatever it is, nothing has run yet
        cause = error.__cause__ or error
        if isinstance(cause, UsageError):
            raise cause from None
        said = " ".join(str(cause).split()).removesuffix(", set env var HYDRA_FULL_ERROR=1 to see chained exception.")
        raise UsageError(f"study.logger={dict(node)}: {said}") from None
    return logger


class LoggerFeed:
    """Feeds the rows of one run to its logger, each once."""

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
            self._call(lambda logger: logger.begin(self._directory, self._record, levels_of(self._record, self._config)))
        for row in rows[self._shown :]:
            values = numbers(row)
            epoch = values.get("epoch", math.nan)
            if epoch.is_integer() and epoch > self._step:
                del values["epoch"]  # it is the axis
                self._step = int(epoch)
            else:
                self._step = max(self._step, 0) + 1
            self._call(lambda logger, step=self._step, values=values: logger.row(step, values))  # type: ignore[misc]
        self._shown = len(rows)

    def end(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show what is still to be shown, and the metrics."""
        self.follow(rows)
        self._call(lambda logger: logger.end(self._record, numbers(self._record.metrics)))

    def _call(self, action: Callable[[Logger], None]) -> None:
        if self._logger is None:
            return
        try:
            action(self._logger)
        except Exception as error:  # whatever it is, the run goes on
            self._logger = None
            said = f"{type(error).__name__}: {error}"
            log.warning("%s seed=%d continues without its logger: %s", self._record.label, self._record.seed, said)


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Those values of a row that are numbers, or texts of numbers."""
    found = {}
    for name, value in row.items():
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            continue
    return found


def levels_of(record: RunRecord, config: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """What distinguishes a run: its label and seed, the option of each group, and the keys that were overridden."""
    values = fingerprint.flatten(config)
    overridden = {key: values[key] for key in record.overridden if key in values}
    choices = {key: level for key, level in record.choices.items() if key != "logger"}
    told = {"label": record.label, "seed": record.seed, **overridden, **choices}
    return {key: value if isinstance(value, str | int | float | bool) else str(value) for key, value in told.items()}
