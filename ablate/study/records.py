"""A run on disk: one directory, written atomically under a lock, that says all about itself.

    outputs/<study>/runs/<levels>-<digest8>/seed=<n>/
        config.yaml     the whole composed configuration
        run.json        identity, choices, seed, status, error, attempts, timing, metrics, provenance
        history.csv     a row an epoch
        *.npz           arrays that the application keeps
        checkpoint.pt   while unfinished

ablate.study.loading reads them back. This module needs no pandas: a command that only prints its help imports it.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from filelock import FileLock, Timeout

from ablate.study import identity, streams
from ablate.study.errors import Diverged, UsageError

Status = Literal["running", "finished", "diverged", "failed", "interrupted"]
DONE: tuple[Status, ...] = ("finished", "diverged")
CHECKPOINT = "checkpoint.pt"

log = logging.getLogger("ablate")


class Busy(Exception):
    """Another process holds this run."""


class DoneMeanwhile(Exception):
    """Another process finished this run while this one was about to begin it."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.label)
        self.record = record


@dataclass
class Record:
    """The content of run.json."""

    identity: str
    cell: str
    seed: int
    label: str
    choices: dict[str, str]
    overridden: list[str]
    status: Status = "running"
    error: str | None = None
    attempts: int = 0
    timing: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace `path` in one step: a reader, or a process that dies, sees the old file or the new one, never a part."""
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class Run:
    """One replicate of one cell: what a training function is given to draw random numbers and to record what happens."""

    def __init__(self, directory: Path, record: Record, config: Mapping[str, Any]) -> None:
        self.directory = directory
        self.record = record
        self.config = config
        self._rows: list[dict[str, Any]] = []

    @property
    def seed(self) -> int:
        return self.record.seed

    def stream(self, purpose: str, *index: int | str) -> np.random.Generator:
        """A random generator of this run's seed for one purpose: equal in every cell of the study."""
        return streams.stream(self.seed, purpose, *index)

    def derive(self, purpose: str, *index: int | str) -> int:
        """A seed of 63 bits for one purpose, for generators other than NumPy's."""
        return streams.derive(self.seed, purpose, *index)

    def log(self, **row: Any) -> None:
        """Add a row to history.csv. Every row of a run has the columns of its first."""
        if self._rows and row.keys() != self._rows[0].keys():
            raise ValueError(f"history.csv has the columns {list(self._rows[0])}; this row has {list(row)}")
        self._rows.append(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        write_atomically(self.directory / "history.csv", text.getvalue())

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep `state` in checkpoint.pt, to go on from if this process dies: see `restore`.

        It may hold tensors, numbers, texts, None, and lists and dictionaries of them.
        """
        content = {"state": dict(state), "rows": len(self._rows), "made_by": self._made_by()}
        write_atomically(self.directory / CHECKPOINT, _format().dump(content))

    def restore(self) -> dict[str, Any] | None:
        """The state that was last saved, and the history up to then; None if there is none to go on from.

        A checkpoint of other code or other numerics (see `note`) would end in other numbers: it is not used, and neither is
        one that cannot be read. The run then starts again.
        """
        try:
            content = _format().load((self.directory / CHECKPOINT).read_bytes())
            with (self.directory / "history.csv").open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))[: content["rows"]]
            if content["made_by"] != self._made_by():
                log.info("%s starts again: its checkpoint was made by other code or numerics", self.directory)
                return None
            if len(rows) < content["rows"]:
                raise ValueError("history.csv lacks the epochs before it")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, OSError) as error:
            log.warning("%s is set aside, the run starts again: %s", self.directory / CHECKPOINT, error)
            return None
        self._rows = rows
        self.record.timing["resumed"] = True
        self._save()
        state: dict[str, Any] = content["state"]
        return state

    def _made_by(self) -> str:
        """What must agree for a run to go on to the same numbers."""
        provenance = self.record.provenance
        return identity.digest([self.record.identity, provenance.get("code"), provenance.get("numerics")])

    def keep(self, name: str, **arrays: np.ndarray) -> None:
        """Write arrays to <name>.npz."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        write_atomically(self.directory / f"{name}.npz", buffer.getvalue())

    def note(self, **facts: Any) -> None:
        """Add facts to the provenance of the run: the hardware it ran on, the numerics of its arithmetic."""
        self.record.provenance.update(facts)
        self._save()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Hold the run's lock and record how the body ends. An error of the body is recorded, not raised.

        Raises DoneMeanwhile if the run turns out to be done, Busy if another process holds it, UsageError if its directory
        cannot be written. Ctrl-C is recorded as `interrupted`, and goes on.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            held = FileLock(self.directory / ".lock").acquire(blocking=False)
        except Timeout:
            raise Busy(str(self.directory)) from None
        except OSError as error:
            raise UsageError(f"cannot write to {self.directory}: {error.strerror}.") from None
        with held:
            if (done := done_before(self.directory, self.record.identity)) is not None:
                raise DoneMeanwhile(done)
            previous = read_record(self.directory)
            self.record.attempts = (previous.attempts if previous else 0) + 1
            write_atomically(self.directory / "config.yaml", yaml.safe_dump(dict(self.config), sort_keys=False))
            stale = ["traceback.txt"] if (self.directory / CHECKPOINT).exists() else ["traceback.txt", "history.csv", "*.npz"]
            for path in (path for pattern in stale for path in self.directory.glob(pattern)):
                path.unlink()
            started = time.perf_counter()
            self.record.timing = {"started": datetime.now(UTC).isoformat(timespec="seconds")}
            self._save()
            try:
                yield
                self.record.status = "finished"
            except Diverged as outcome:
                self.record.status, self.record.error = "diverged", str(outcome)
            except KeyboardInterrupt:
                self.record.status = "interrupted"
                raise
            except Exception as error:
                self.record.status = "failed"
                self.record.error = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
                if not isinstance(error, UsageError):
                    self._keep_traceback(error)
            finally:
                self.record.timing["seconds"] = round(time.perf_counter() - started, 3)
                self._save()
                if self.record.status in DONE:
                    (self.directory / CHECKPOINT).unlink(missing_ok=True)

    def _keep_traceback(self, error: Exception) -> None:
        import traceback

        write_atomically(self.directory / "traceback.txt", "".join(traceback.format_exception(error)))

    def _save(self) -> None:
        write_atomically(self.directory / "run.json", json.dumps(asdict(self.record), indent=1, ensure_ascii=False) + "\n")


def done_before(directory: Path, identity: str) -> Record | None:
    """The record of a run that means the same and needs no repeating."""
    record = read_record(directory)
    return record if record is not None and record.identity == identity and record.status in DONE else None


def _format() -> Any:
    """The format of checkpoints lives a floor higher, with torch, which the engine knows nothing of."""
    return importlib.import_module("ablate.checkpoints")


def read_record(directory: Path) -> Record | None:
    """The record in `directory`, or None if there is none that can be read."""
    try:
        content = json.loads((directory / "run.json").read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no record")
        return Record(**content)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, OSError) as error:
        warnings.warn(f"{directory / 'run.json'} is set aside: {error}", stacklevel=2)
        return None


def read_study(study: Path) -> dict[str, Any]:
    """study.yaml: how the study was launched. Empty if there is none.

    Raises UsageError if it cannot be read.
    """
    path = study / "study.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(content, dict):
            raise ValueError("it holds no keys")
        return content
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read ({error}). Mend it, or choose another study.name.") from None


def write_study(study: Path, content: Mapping[str, Any]) -> None:
    """Write study.yaml."""
    study.mkdir(parents=True, exist_ok=True)
    write_atomically(study / "study.yaml", yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
