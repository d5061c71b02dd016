"""The directory of a run and its record, run.json.

    outputs/<study>/runs/<levels>-<digest>/seed=<n>/
        config.yaml     the composed configuration
        run.json        identity, choices, seed, status, error, attempts, timing, metrics, provenance: a `RunRecord`
        history.csv     one row for each epoch
        *.npz           arrays that the program keeps
        checkpoint.pt   while the run is unfinished
        .lock, .lease   while a process holds the run; `deaths`: how many processes died during it

`ablate.engine.run` writes these files while a run is under way; `ablate.storage.dataframe` reads them back. Does not import
pandas, because `--help` imports this module.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, ValidationError, field_serializer
from typing_extensions import TypedDict

from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.storage.fingerprint import flatten

Status = Literal["running", "finished", "diverged", "failed", "interrupted"]
DONE: tuple[Status, ...] = ("finished", "diverged")
RECORD = "run.json"
CONFIG = "config.yaml"
CHECKPOINT = "checkpoint.pt"
HISTORY = "history.csv"
TRACEBACK = "traceback.txt"


def _metric(value: object) -> object:
    """A finite number; None for NaN and infinity, which earlier versions wrote into run.json as they are."""
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise ValueError("should be a number or null")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        raise ValueError("should be a number that a float can hold") from None
    return (int(value) if isinstance(value, bool) else value) if finite else None


Metric = Annotated[int | float | None, BeforeValidator(_metric)]


class Timing(TypedDict, total=False):
    """When and how fast a run ran. Other keys are kept."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    started: str | None  # ISO 8601
    seconds: float | None
    processes: int | None  # that shared the machine
    resumed: bool  # from a checkpoint


class RunRecord(BaseModel):
    """The content of run.json. Keys of other versions are kept as they are.

    Attributes:
        identity: digest of the configuration, the data and the seed.
        cell: short digest of the configuration without its seed.
        label: the levels of the cell as text.
        choices: the option chosen in each config group.
        overridden: the keys and groups that were overridden on the command line.
        error: why the run ended otherwise than finished.
        attempts: how often it was started.
        epochs: how many the run is going to train, if it says so.
        metrics: None stands for a metric without a value; NaN and infinity are written as null.
        provenance: code, packages, numerics and hardware that produced the run.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=True, ser_json_inf_nan="null")

    identity: str
    cell: str
    seed: int
    label: str
    choices: dict[str, str]
    overridden: list[str]
    status: Status = "running"
    error: str | None = None
    attempts: NonNegativeInt = 0
    epochs: int | None = None
    timing: Timing = Field(default_factory=Timing)
    metrics: dict[str, Metric] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)

    @field_serializer("metrics")
    def _plain_metrics(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Whatever was assigned to `metrics`, such as NaN, in the form in which it is read back."""
        return {name: _metric(value) for name, value in metrics.items()}


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


def done_before(directory: Path, identity: str, code: str | None = None) -> RunRecord | None:
    """The record of a completed run of this identity, which need not be repeated; None if there is none.

    Args:
        directory: of the run.
        identity: see `RunRecord`.
        code: the digest of today's code, if a run that was made by other code has to be repeated.
    """
    record = read_record(directory)
    if record is None or record.identity != identity or not is_done(directory, record):
        return None
    return record if code is None or record.provenance.get("code") == code else None


def is_done(directory: Path, record: RunRecord) -> bool:
    """Whether a run need not be repeated: it is finished or diverged, and its configuration is there."""
    config = directory / CONFIG
    return record.status in DONE and config.is_file() and config.stat().st_size > 0


def read_record(directory: Path, warnings: list[str] | None = None) -> RunRecord | None:
    """The record of the run in `directory`; None if there is none that can be read.

    Args:
        directory: of the run.
        warnings: receives a sentence that names the file and the reason if it exists but is not a valid record.
    """
    path = directory / RECORD
    try:
        return RunRecord.model_validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        return None
    except ValidationError as error:
        reason = explain(error)
    except (OSError, ValueError) as error:
        reason = str(error)
    if warnings is not None:
        warnings.append(set_aside(path, reason))
    return None


def write_record(directory: Path, record: RunRecord) -> None:
    """Write run.json."""
    write_atomically(directory / RECORD, record.model_dump_json(indent=1) + "\n")


def levels_of(choices: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Level]:
    """The level of a run at each config group (the option chosen) and at each dotted key of its configuration."""
    levels = {key: _level(value) for key, value in flatten(config).items()}
    return levels | {group: Level.of(choice) for group, choice in choices.items()}


def _level(value: object) -> Level:
    try:
        return Level.of(value)
    except UsageError:  # NaN: not a level that can be asked for, but a configuration may hold it
        return Level.of(str(value))


def set_aside(path: Path, reason: object) -> str:
    """The warning about a file or folder that is ignored."""
    return f"{path} is set aside: {reason}"


def explain(error: ValidationError) -> str:
    """The first problem that pydantic found, with its place in the file."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("int", "float"))
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
