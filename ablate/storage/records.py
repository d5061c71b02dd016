"""A run on disk: one directory, written atomically under a lock, that says all about itself.

    outputs/<study>/runs/<levels>-<digest8>/seed=<n>/
        config.yaml     the whole composed configuration
        run.json        identity, choices, seed, status, error, attempts, timing, metrics, provenance
        history.csv     a row an epoch
        *.npz           arrays that the application keeps
        checkpoint.pt   while unfinished
        .lock, .lease   while a process holds it; deaths: while it has not ended well

ablate.engine.run writes them while a run is under way; ablate.storage.dataframe reads them back. This module needs no pandas: a
command that only prints its help imports it.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from filelock import FileLock

from ablate.core.errors import UsageError

Status = Literal["running", "finished", "diverged", "failed", "interrupted"]
DONE: tuple[Status, ...] = ("finished", "diverged")
# Columns of runs and of what sums them up: no factor and no metric can have such a name
RESERVED = ("cell", "label", "seed", "directory", "runs", "n", "status", "error", "left_out")
CONFIG = "config.yaml"
CHECKPOINT = "checkpoint.pt"
HISTORY = "history.csv"
TRACEBACK = "traceback.txt"


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
    epochs: int | None = None  # how many the run means to do, if it says so
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


def done_before(directory: Path, identity: str, code: str | None = None) -> Record | None:
    """The record of a run that means the same and needs no repeating.

    With `code`, a run that other code made needs repeating.
    """
    record = read_record(directory)
    if record is None or record.identity != identity or not is_done(directory, record):
        return None
    return record if code is None or record.provenance.get("code") == code else None


def is_done(directory: Path, record: Record) -> bool:
    """Whether a run needs no repeating: it came to its end, and its configuration is there to say what it was."""
    config = directory / CONFIG
    return record.status in DONE and config.is_file() and config.stat().st_size > 0


def read_record(directory: Path, warn: bool = False) -> Record | None:
    """The record in `directory`, or None if there is none that can be read; `warn` of one that is torn."""
    try:
        content = json.loads((directory / "run.json").read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no record")
        record = Record(**content)
        for name, kind in (
            ("seed", int),
            ("cell", str),
            ("attempts", int),
            ("timing", dict),
            ("metrics", dict),
            ("provenance", dict),
            ("choices", dict),
        ):
            if not isinstance(getattr(record, name), kind):
                raise ValueError(f"its {name} should be of the kind {kind.__name__}")
        if not all(value is None or isinstance(value, int | float) for value in record.metrics.values()):
            raise ValueError("its metrics should be numbers")
        return record
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, OSError) as error:
        if warn:
            warnings.warn(f"{directory / 'run.json'} is set aside: {error}", stacklevel=2)
        return None


def write_record(directory: Path, record: Record) -> None:
    """Write run.json."""
    write_atomically(directory / "run.json", json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n")


_KINDS = {"command": str, "program": str, "claims": list, "leave_out": list, "seeds": list, "claims_after": int}  # else dict


def read_study(study: Path) -> dict[str, Any]:
    """study.yaml: how the study was launched. Empty if there is none.

    Raises UsageError if it cannot be read.
    """
    path = study / "study.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no keys")
        for key, value in content.items():
            kind = _KINDS.get(key, dict)
            if not isinstance(value, kind):
                raise ValueError(f"its {key} should be of the kind {kind.__name__}")
        return content
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read ({error}). Mend it, or choose another study.name.") from None


@contextmanager
def study_lock(study: Path) -> Iterator[None]:
    """Alone with study.yaml, from reading it to writing it. Makes the folder of the study."""
    study.mkdir(parents=True, exist_ok=True)
    with FileLock(study / ".lock"):
        yield


def write_study(study: Path, content: Mapping[str, Any]) -> None:
    """Write study.yaml."""
    write_atomically(study / "study.yaml", yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
