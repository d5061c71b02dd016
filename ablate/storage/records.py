"""The directory of a run and its record, run.json.

    outputs/<study>/runs/<name>-<digest>/seed=<n>/
        config.yaml     the composed configuration
        run.json        identity, choices, seed, status, error, attempts, timing, metrics, provenance: a `RunRecord`
        history.csv     one row for each epoch
        *.npz           arrays saved with `Run.keep`
        checkpoint.pt   while the run is unfinished
        .lock, .lease   while a process holds the run; `deaths`: a line for each process that died

ablate/engine/run.py writes these files during a run; ablate/storage/dataframe.py reads them. This module does not import
pandas, because `--help` imports it.

What is on disk after a power failure: a process that is killed loses nothing that it has written, so most files are not
synchronized (fsync). Two promises need it, because a file system may otherwise keep a new name without the content:

- A run that is recorded as finished is whole: its history, its arrays and then run.json are synchronized before it counts.
- A run continues from a checkpoint: the history and then checkpoint.pt are synchronized, unless checkpoints are so frequent
  that this would take more than SYNC_SHARE of the time.

A run that has taken less than SYNC_SECONDS is not synchronized: repeating it costs little. Measured on a virtual disk: 0.3 to
9 ms a file, 25 to 40 ms for a checkpoint of 40 MB, which takes as long to write.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    field_serializer,
)
from typing_extensions import TypedDict

from ablate.core.errors import UsageError
from ablate.core.invalid import Invalid
from ablate.core.levels import Level
from ablate.core.text import cut, printable
from ablate.storage.code_files import made_by_other_code
from ablate.storage.files import write_atomically
from ablate.storage.fingerprint import flatten

Status = Literal["running", "finished", "diverged", "failed", "interrupted"]
DONE: tuple[Status, ...] = ("finished", "diverged")
RECORD = "run.json"
CONFIG = "config.yaml"
CHECKPOINT = "checkpoint.pt"
HISTORY = "history.csv"
TRACEBACK = "traceback.txt"
CHECKPOINT_FILES = "checkpoint-epoch=*"  # further files of a checkpoint, which its state names
ERROR_LENGTH = 2000  # characters of an error in a record; traceback.txt has all of it
SYNC_SECONDS = 1.0
SYNC_SHARE = 0.02


def _metric(value: object) -> object:
    """A finite number; None for NaN and infinity, which earlier versions wrote into run.json."""
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise ValueError("should be a number or null")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        raise ValueError("should be a number within the range of a float") from None
    return (int(value) if isinstance(value, bool) else value) if finite else None


def _error(value: str | None) -> str | None:
    return value if value is None else cut(printable(value, lines=True), ERROR_LENGTH + 100)


Metric = Annotated[int | float | None, BeforeValidator(_metric)]


Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # as in data frames


class Timing(TypedDict, total=False):
    """When and how long a run ran. Other keys are preserved."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    started: str | None  # ISO 8601
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    processes: int | None  # number of processes that shared the machine
    resumed: bool  # whether it continued from a checkpoint


class Worker(TypedDict, total=False):
    """The process that executes a run. Other keys are preserved."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    host: str
    pid: int
    job: str | None  # identifier of the job in which a launcher runs it, such as slurm-123_4


class RunRecord(BaseModel):
    """The content of run.json. Unknown keys, of other versions, are preserved.

    Attributes:
        identity: digest of the configuration, the data and the seed.
        cell: short digest of the configuration without its seed.
        repeats: the seed of the program, if this is a second run with the same seed; `seed` is then the number of the run.
        label: the levels of the cell as text.
        name: a shorter name for messages, if there are many factors.
        choices: the option chosen in each config group.
        overridden: the keys and groups that were overridden on the command line.
        levels: by factor, the levels whose values are only known in a run, as written: they are the same for all its seeds.
        error: the reason, if the status is not `finished`.
        attempts: how often the run was started.
        epochs: the planned number of epochs, if the program sets it.
        metrics: the returned metrics; None for a metric without a value. NaN and infinity are written as null.
        provenance: code, packages, numerics and hardware that produced the run.
        worker: the process of the last attempt.
        written: the files that `Run.log`, `Run.save` and `Run.keep` wrote; None if an earlier version made the record. Others
            of the same names are the program's own.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=True, ser_json_inf_nan="null")

    identity: str
    cell: str
    seed: Seed
    repeats: Seed | None = Field(default=None, exclude_if=lambda seed: seed is None)
    label: Annotated[str, AfterValidator(printable)]
    name: Annotated[str, AfterValidator(printable)] = Field(default="", exclude_if=lambda name: not name)
    choices: dict[str, str]
    overridden: list[str]
    levels: dict[str, Any] = Field(default_factory=dict, exclude_if=lambda levels: not levels)
    status: Status = "running"
    error: Annotated[str | None, AfterValidator(_error)] = None
    attempts: NonNegativeInt = 0
    epochs: NonNegativeInt | None = None
    timing: Timing = Field(default_factory=Timing)
    metrics: dict[str, Metric] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)
    worker: Worker = Field(default_factory=Worker)
    written: list[str] | None = Field(default=None, exclude_if=lambda written: written is None)

    def wrote(self, name: str) -> bool:
        """Whether a file in the folder of the run is one of the run, rather than of its program."""
        return self.written is None or name in self.written

    @property
    def program_seed(self) -> int:
        """The seed that the program got."""
        return self.seed if self.repeats is None else self.repeats

    @property
    def short_name(self) -> str:
        """The name of the configuration in messages and tables."""
        return self.name or self.label

    @property
    def title(self) -> str:
        """The name of the run: configuration and seed."""
        return f"{self.short_name} seed={self.seed}"

    @property
    def hardware(self) -> str | None:
        """The GPU, otherwise the processor, on which the run was made; None if the program did not say."""
        facts = self.provenance.get("hardware")
        name = (facts.get("gpu") or facts.get("processor")) if isinstance(facts, dict) else None
        return printable(name) if isinstance(name, str) else None

    @field_serializer("metrics")
    def _plain_metrics(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Validate `metrics` before writing, so that reading gives the same values; NaN becomes None."""
        return {name: _metric(value) for name, value in metrics.items()}


def written_before(directory: Path, previous: RunRecord | None) -> list[str]:
    """The files of an earlier attempt that are the run's own: as its record has them, or by their names.

    The record of an earlier version does not tell, and one that is torn tells nothing.
    """
    if previous is not None and previous.written is not None:
        return list(previous.written)
    return [path.name for pattern in (CHECKPOINT, HISTORY, "*.npz") for path in directory.glob(pattern)]


def remove_checkpoint(directory: Path) -> None:
    """Remove the checkpoint of a run that is done: checkpoint.pt last, by which a removal that was interrupted is noticed.

    A file of this name that the program wrote itself stays.
    """
    record = read_record(directory)
    if record is not None and not record.wrote(CHECKPOINT):
        return
    for path in [*directory.glob(CHECKPOINT_FILES), directory / CHECKPOINT]:
        path.unlink(missing_ok=True)


def done_before(directory: Path, identity: str, code: str | None = None, root: Path | None = None) -> RunRecord | None:
    """The record of a run that is done and need not be repeated; None otherwise.

    Args:
        directory: the folder of the run.
        identity: the identity that the record must have.
        code: the digest of the current code, if runs made by other code are to be repeated.
        root: the folder of the project; see `made_by_other_code`.
    """
    record = read_record(directory)
    if record is None or record.identity != identity or not is_done(directory, record):
        return None
    return record if code is None or not made_by_other_code(record.provenance, code, root) else None


def is_done(directory: Path, record: RunRecord) -> bool:
    """Whether a run is finished or diverged and has its config.yaml, so that it need not be repeated."""
    config = directory / CONFIG
    return record.status in DONE and config.is_file() and config.stat().st_size > 0


def read_record(directory: Path, warnings: list[str] | None = None) -> RunRecord | None:
    """Read run.json; None if it is missing or invalid.

    Args:
        directory: the folder of the run.
        warnings: a list to append a message to if the file exists but is invalid.
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


def attempts_of(directory: Path) -> int:
    """How often a run was started, according to its record."""
    record = read_record(directory)
    return record.attempts if record is not None else 0


def write_record(directory: Path, record: RunRecord, durable: bool = False) -> None:
    """Write run.json. See `write_atomically` for `durable`."""
    write_atomically(directory / RECORD, record.model_dump_json(indent=1) + "\n", durable)


def levels_of(choices: Mapping[str, str], config: Mapping[str, Any], keys: Iterable[str] = ()) -> dict[str, Level]:
    """The levels of a run: the option chosen in each config group, and the value of each dotted key.

    Args:
        choices: the option chosen in each config group.
        config: the configuration.
        keys: further keys to include, whose values may be sections of the configuration, such as `{decay: 0.99}`.
    """
    levels = {key: level_in_config(value) for key, value in flatten(config).items()}
    levels |= {group: Level.of(choice) for group, choice in choices.items()}
    sections = {key: section(config, key) for key in keys if key not in levels}
    return levels | {key: Level.of(value) for key, value in sections.items() if value is not None}


def section(config: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key, which may be a section or a position in a list (`layers.0`); None if there is none."""
    node: Any = config
    for part in key.split("."):
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            node = node.get(part) if isinstance(node, Mapping) else None
    return node


def level_in_config(value: object) -> Level:
    """The level of a value in a configuration, of which NaN may be a part, although it is not a valid level."""
    try:
        return Level.of(value)
    except UsageError:
        return Level.of(str(value))


def set_aside(path: Path, reason: object) -> str:
    """The warning about a file or folder that is skipped."""
    return printable(f"{path} is skipped: {cut(str(reason), ERROR_LENGTH)}")


def explain(error: ValidationError) -> str:
    """The first of pydantic's errors, with its location in the file."""
    first = Invalid.first(error)
    return f"{cut(first.place, 200)}: {first.message}" if first.place else first.message
