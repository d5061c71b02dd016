"""`Run`: seeded random streams, logging and checkpoints for a training function. Its files: ablate/storage/records.py."""

from __future__ import annotations

import io
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ablate.core import seeding
from ablate.core.errors import Diverged, RunLockedError, UsageError
from ablate.core.text import NAME_BYTES, cut, is_plain_name, printable
from ablate.engine import stopping
from ablate.engine.config_file import render_config, write_config
from ablate.engine.failures import message_of, write_traceback
from ablate.engine.loggers import Logger, LoggerFeed
from ablate.engine.provenance import loaded_packages
from ablate.storage import checkpoints, fingerprint, locks
from ablate.storage.code_files import FILES, imported
from ablate.storage.files import remove_abandoned, unwritable, write_atomically
from ablate.storage.history import History, history_value
from ablate.storage.records import (
    CHECKPOINT,
    DONE,
    HISTORY,
    SYNC_SECONDS,
    SYNC_SHARE,
    TRACEBACK,
    RunRecord,
    done_before,
    read_record,
    remove_checkpoint,
    write_record,
    written_before,
)

log = logging.getLogger("ablate")


class DoneMeanwhile(Exception):
    """Another process finished this run just before this process started it."""

    def __init__(self, record: RunRecord) -> None:
        super().__init__(record.title)
        self.record = record


class TimeIsUp(BaseException):
    """The run has to stop at this checkpoint. Not derived from Exception, so that a training function does not catch it."""


class Run:
    """A run in progress: one cell under one seed. `ablate.main` creates it and passes it to the training function.

    Args:
        directory: the folder of the run.
        record: the content of run.json, completed during the run.
        config: the resolved configuration as plain values.
        deadline: in seconds since 1970; the run stops at its first checkpoint after this time.
        checkpoint_seconds: the minimum time between two checkpoints.
        same_code: whether to repeat a finished run that other code made.
        logger: an additional logger.
        root: the folder of the project, whose imported files are recorded; None if the program names its code itself.
    """

    def __init__(
        self,
        directory: Path,
        record: RunRecord,
        config: Mapping[str, Any],
        deadline: float = math.inf,
        checkpoint_seconds: float = 0.0,
        same_code: bool = False,
        logger: Logger | None = None,
        root: Path | None = None,
    ) -> None:
        self.directory = directory
        self.record = record
        self.config = config
        self.deadline = deadline
        self.checkpoint_seconds = checkpoint_seconds
        self.same_code = same_code
        self.root = root
        self._history = History(directory / HISTORY)
        self._started = time.monotonic()
        self._saved = -math.inf
        self._syncing = 0.0  # seconds
        self._lease: locks.Lease | None = None
        self._feed = LoggerFeed(logger, directory, record, config) if logger is not None else None
        self._config_text = ""

    rank = 0  # of this process in a distributed run; if not 0, another process records the run, see `FollowingRun`

    @property
    def seed(self) -> int:
        return self.record.program_seed

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows that were logged, in order."""
        return list(self._history.rows)

    @property
    def slot(self) -> int:
        """The index of this process among those of this study on this machine, for example to choose one of several GPUs."""
        return locks.slot(self.directory.parents[2])

    def stream(self, purpose: str, *index: int | str) -> np.random.Generator:
        """A NumPy generator for one purpose, derived from the seed of this run: the same in every cell of the study."""
        return seeding.stream(self.seed, purpose, *index)

    def derive(self, purpose: str, *index: int | str) -> int:
        """A seed below 2**32 for one purpose, for generators other than NumPy's, such as `random_state` of scikit-learn."""
        return seeding.derive(self.seed, purpose, *index) % 2**32

    def expect(self, epochs: int) -> None:
        """Set the expected number of rows of the history, for the progress display. A UsageError if it is negative."""
        if epochs < 0:  # -1 for "no limit", for example: its record could not be read again
            raise UsageError(f"run.expect({epochs}): expected a number >= 0; do not call it if the number is unknown.")
        self.record.epochs = int(epochs)
        self._write_record()

    def log(self, **row: Any) -> None:
        """Append a row to history.csv. A column that a row lacks is empty in this row.

        Args:
            row: numbers (also NumPy scalars and tensors without dimensions), text, and None.

        Raises:
            UsageError: for any other value; the message names its key.
            RunLockedError: if another host has taken over this run.
        """
        plain = {printable(name): history_value(name, value) for name, value in row.items()}
        self._check_lease()
        self._note_written(HISTORY)
        self._history.append(plain)
        if self._feed is not None:
            self._feed.follow(self._history.rows)

    def save(self, state: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> None:
        """Save a checkpoint, from which `restore` continues after a crash.

        With study.checkpoint.minutes, calls within this time after the last checkpoint are skipped.

        Args:
            state: tensors, numbers, texts, None, and lists and dictionaries of them; or a function that returns this state.

        Raises:
            UsageError: if `state` contains anything else; the message names the value.
            RunLockedError: if another host has taken over this run.
        """
        self._check_lease()
        reason = "study.max_hours ran out" if time.time() >= self.deadline else stopping.requested()
        if reason or time.monotonic() - self._saved >= self.checkpoint_seconds:
            values = dict(state() if callable(state) else state)
            content = {"state": values, "made_by": self._made_by(), FILES: self._files(), **self._history.mark()}
            path, data = self.directory / CHECKPOINT, checkpoints.dump(content)
            self._note_written(CHECKPOINT)
            if self._durable() and self._syncing <= SYNC_SHARE * (time.monotonic() - self._started):
                before = time.monotonic()
                self._history.sync()
                write_atomically(path, data, durable=True)
                self._syncing += time.monotonic() - before
            else:
                write_atomically(path, data)
            self._saved = time.monotonic()
            stopping.note_saved()
            locks.forget_deaths(self.directory)  # there was progress since the last crash
        if reason:
            raise TimeIsUp(reason)

    def restore(self, usable: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any] | None:
        """Return the last saved state, and restore the history up to it; None if the run starts from the beginning.

        A checkpoint that is unreadable, or that was made by other code or with other numerics (see `note`), is ignored.

        Args:
            usable: whether the state can be continued from, for example whether the files that it names exist.
        """
        try:
            content = checkpoints.read(self.directory)
            state: dict[str, Any] = content["state"]
            if not checkpoints.made_by_this(content, self._made_by(), self.root):
                log.info("%s starts from the beginning: other code or numerics made its checkpoint", self.directory)
                return None
            if usable is not None and not usable(state):
                raise ValueError("its files are missing")
            self._history.restore(content)
        except FileNotFoundError as error:
            if error.filename == str(self.directory / CHECKPOINT):
                return None
            reason = f"{HISTORY} is missing"
        except (ValueError, KeyError, TypeError, OSError) as error:
            reason = printable(str(error))
        else:
            self.record.timing["resumed"] = True
            self._write_record()
            return state
        log.warning("%s is ignored, and the run starts from the beginning: %s", self.directory / CHECKPOINT, reason)
        return None

    def keep(self, name: str, **arrays: np.ndarray) -> None:
        """Save arrays as <name>.npz in the folder of the run, for extra tables (`ExtraTable`) and your own analysis.

        Raises:
            UsageError: if `name` is not a plain file name, or if an array contains Python objects.
        """
        if not is_plain_name(name):
            raise UsageError(
                f"run.keep({cut(name, 100)!r}): expected a file name without a folder, of at most {NAME_BYTES} bytes; "
                "the file is in the folder of the run."
            )
        if objects := [key for key, array in arrays.items() if np.asarray(array).dtype.hasobject]:
            raise UsageError(f"run.keep({name!r}): {objects[0]} contains Python objects; expected numbers or texts.")
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # to a type checker, one may be allow_pickle
        self._note_written(f"{name}.npz")
        write_atomically(self.directory / f"{name}.npz", buffer.getvalue(), self._durable())

    def note(self, **facts: Any) -> None:
        """Add facts about hardware and numerics (what affects the last digits) to the provenance of the run.

        Raises:
            UsageError: if JSON cannot represent them.
        """
        before = self.record.provenance
        self.record.provenance = {**before, **facts}
        try:
            self._write_record()
        except ValueError as error:
            self.record.provenance = before
            raise UsageError(f"run.note({', '.join(facts)}): {error}") from None

    def done_before(self) -> RunRecord | None:
        """The record of this run if it is done already and does not have to be repeated."""
        code = self.record.provenance.get("code") if self.same_code else None
        return done_before(self.directory, self.record.identity, code, self.root)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Lock the run and record how the body ends. Errors of the body are recorded, not raised.

        Raises:
            DoneMeanwhile: if another process finished the run.
            RunLockedError: if another process holds it.
            UsageError: if the folder is not writable.
            KeyboardInterrupt: after recording the status `interrupted`.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with locks.hold(self.directory) as self._lease:
                if (done := self.done_before()) is not None:
                    raise DoneMeanwhile(done)
                self._begin()
                with locks.count_death(self.directory), self._recorded():
                    yield
                locks.forget_deaths(self.directory)
        except OSError as error:
            if isinstance(error.__context__, KeyboardInterrupt):  # which could not be recorded
                raise KeyboardInterrupt from error
            raise UsageError(unwritable(self.directory, error)) from None

    def _begin(self) -> None:
        previous = read_record(self.directory)
        self.record.attempts = (previous.attempts if previous else 0) + 1
        self._config_text = render_config(self.config)
        write_config(self.directory, self._config_text)
        remove_abandoned(self.directory)
        self.record.written = written = written_before(self.directory, previous)
        stale = [TRACEBACK]
        if CHECKPOINT not in written or not (self.directory / CHECKPOINT).exists():
            stale, self.record.written = [TRACEBACK, *written], []
        for name in stale:
            (self.directory / name).unlink(missing_ok=True)
        self.record.timing = {"started": datetime.now(UTC).isoformat(timespec="seconds"), **self.record.timing}
        self._write_record()

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        self._started = time.monotonic()
        self._files()  # as they are now: they may be edited during the run
        try:
            yield
            self.record.status = "finished"
        except Diverged as outcome:
            self.record.status, self.record.error = "diverged", message_of(outcome)
        except TimeIsUp as stopped:
            self.record.status, self.record.error = "interrupted", str(stopped)
        except KeyboardInterrupt:
            self.record.status = "interrupted"
            raise
        except RunLockedError:
            raise
        except BaseException as error:  # SystemExit too, of a library that gives up: it would end the whole sweep
            self.record.status = "failed"
            self.record.error = message_of(error)
            if not isinstance(error, UsageError):
                with suppress(OSError):  # for example a full disk: the record has the message
                    write_traceback(self.directory, error)
        finally:
            if self._lease is None or not self._lease.lost:
                self.record.timing["seconds"] = round(time.monotonic() - self._started, 3)
                if self.root is not None:
                    self.record.provenance[FILES] = self._files()
                    self.record.provenance["packages"] = {**self.record.provenance.get("packages", {}), **loaded_packages()}
                write_config(self.directory, self._config_text)  # the function may have changed or removed it
                durable = self.record.status in DONE and self._durable()
                if durable:
                    self._history.sync()
                write_record(self.directory, self.record, durable)
                if self.record.status in DONE:
                    if not self._history.rows and HISTORY in (self.record.written or ()):  # of an earlier attempt
                        (self.directory / HISTORY).unlink(missing_ok=True)
                    remove_checkpoint(self.directory)
                if self._feed is not None:
                    self._feed.end(self._history.rows)

    def _check_lease(self) -> None:
        if self._lease is not None and self._lease.lost:
            raise RunLockedError("another host, which has taken over this run")

    def _durable(self) -> bool:
        """Whether to synchronize files, see ablate/storage/records.py."""
        return time.monotonic() - self._started >= SYNC_SECONDS

    def _files(self) -> dict[str, str]:
        """The project's files that this process has imported by now, with their digests."""
        return imported(self.root) if self.root is not None else {}

    def _made_by(self) -> str:
        """The facts that must be equal for a resumed run to reproduce the same numbers."""
        provenance = self.record.provenance
        return fingerprint.digest([self.record.identity, provenance.get("code"), provenance.get("numerics")])

    def _note_written(self, name: str) -> None:
        """Record that a file is this run's, before it is written: files of the program may have the same name."""
        if self.record.written is not None and name not in self.record.written:
            self.record.written.append(name)
            self._write_record()

    def _write_record(self) -> None:
        write_record(self.directory, self.record)
