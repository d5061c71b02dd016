"""Optional loggers, which send the logged values to another tool (`study.logger`, set by the config group `logger`).

The results are always in history.csv and run.json. A logger changes neither the identity nor the result of a run, and its
errors do not stop the run. A resumed run logs its whole history again, replacing what was logged before.
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
    """Receives the logged values of a run. The constructor raises UsageError if the logger is not available."""

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:
        """Begin a run whose files are in `directory`, replacing the data of an earlier attempt."""

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """Log a row of history.csv; steps increase."""

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        """Log the final metrics of a run, whatever its status, and close it."""


def logger_of(node: Mapping[str, Any] | None) -> Logger | None:
    """Instantiate study.logger: the class at the dotted path `_target_`.

    Raises:
        UsageError: if the class does not exist or is not available.
    """
    if not node:
        return None
    try:
        logger: Logger = instantiate(dict(node))
    except Exception as error:  # an error of the constructor, wrapped by Hydra; nothing has run yet
        cause = error.__cause__ or error
        if isinstance(cause, UsageError):
            raise cause from None
        said = " ".join(str(cause).split()).removesuffix(", set env var HYDRA_FULL_ERROR=1 to see chained exception.")
        raise UsageError(f"study.logger={dict(node)}: {said}") from None
    return logger


class LoggerFeed:
    """Passes each row of a run to its logger once."""

    def __init__(self, logger: Logger, directory: Path, record: RunRecord, config: Mapping[str, Any]) -> None:
        self._logger: Logger | None = logger
        self._directory = directory
        self._record = record
        self._config = config
        self._begun = False
        self._shown = 0
        self._step = -1

    def follow(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Log the new rows; on the first call also those of an earlier attempt."""
        if not self._begun:
            self._begun = True
            self._call(lambda logger: logger.begin(self._directory, self._record, logged_levels(self._record, self._config)))
        for row in rows[self._shown :]:
            values = numbers(row)
            epoch = values.get("epoch", math.nan)
            if epoch.is_integer() and epoch > self._step:
                del values["epoch"]  # used as the step
                self._step = int(epoch)
            else:
                self._step = max(self._step, 0) + 1
            self._call(lambda logger, step=self._step, values=values: logger.row(step, values))  # type: ignore[misc]
        self._shown = len(rows)

    def end(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Log the remaining rows and the final metrics."""
        self.follow(rows)
        self._call(lambda logger: logger.end(self._record, numbers(self._record.metrics)))

    def _call(self, action: Callable[[Logger], None]) -> None:
        if self._logger is None:
            return
        try:
            action(self._logger)
        except Exception as error:  # an error of a logger never stops a run
            self._logger = None
            said = f"{type(error).__name__}: {error}"
            log.warning("%s continues without its logger: %s", self._record.title, said)


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The numeric values of a row, including numbers in strings."""
    found = {}
    for name, value in row.items():
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            continue
    return found


def logged_levels(record: RunRecord, config: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """The facts that distinguish a run: label, seed, the option of each config group, and the overridden keys."""
    values = fingerprint.flatten(config)
    overridden = {key: values[key] for key in record.overridden if key in values}
    choices = {key: level for key, level in record.choices.items() if key != "logger"}
    told = {"label": record.label, "seed": record.seed, **overridden, **choices}
    return {key: value if isinstance(value, str | int | float | bool) else str(value) for key, value in told.items()}
