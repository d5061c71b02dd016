"""Read and write study.yaml: how a study was launched, and the settings that are fixed since then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import yaml
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.levels import Factor
from ablate.core.text import cut, printable
from ablate.storage.files import remove_abandoned, write_atomically
from ablate.storage.records import Seed, explain
from ablate.storage.yaml_text import to_yaml

MANIFEST = "study.yaml"
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's loader, if available, is ten times as fast


class Decision(BaseModel):
    """A value such as `data.source=auto` that was resolved once for the whole study."""

    asked: Any
    took: Any


IDENTITY = 2  # the rules by which the runs of new studies are identified


class StandIn(BaseModel):
    """A cell that shares the runs of another cell, because both build the same experiment."""

    model_config = ConfigDict(populate_by_name=True)

    runner: str = Field(alias="as")  # short digest of the cell that runs
    label: str
    levels: dict[str, Any]


class StudyManifest(BaseModel):
    """The content of study.yaml. Unknown keys, of other versions, are preserved.

    Attributes:
        command: the first command as typed.
        further_commands: those after it that added configurations or seeds.
        program: the file of the program; see `Program.names`.
        function: the training function, to tell several in one file apart; None in studies of earlier versions.
        identity: the rules by which runs are identified. 1, in studies of earlier versions: what depends on the seed or on the
            job is left out. 2: its text counts.
        factors: the factors with their levels, the baseline level first.
        experiments: by the short digest of each cell, the short digest of what it builds.
        seeds: the seeds in the order in which they were requested.
        looks: the numbers of complete seeds at which verdicts are taken; empty: the default of the study.
        blocks: the factor whose levels are blocks (data sets, tasks), not treatments.
        block_scale: how blocks are averaged: `difference`, or `ratio`.
        block_bounds: by block, the values that count as 0 and as 1; empty: values are not normalized.
        control_seeds: by the seed of a second run of the baseline (study.control=aa), the seed that it repeats.
        repeat_seeds: by the number of a second run with the same seed (study.check_repeatable), that seed.
        zipped: by the name of a joint factor (study.zip), its keys.
        controls: by factor, the capacity-matched control of a level: pairs of level and control.
        orders: for the design `path`, the order of the changes for each seed; each change is a list of factors.
        decisions: keys that were resolved once for the whole study.
        claims: the claims as written.
        claims_after: the number of runs that were done before the claims were added.
        baseline: by factor, the override for its baseline level.
        added: by factor that came later, its level in the runs from before, whose configuration may lack its key.
        leave_out: runs that do not count: conditions, each with a reason.
        chance, budgets: chance levels and limits by metric, written by earlier versions; now part of `description`.
        fixed: the keys and values of the baseline configuration, without ignored keys.
        paths: the locations of inputs (study.paths) in the baseline configuration, unless the program identifies the inputs.
        same: by the short digest of a cell, the cell whose runs it shares.
        description: `ablate.core.descriptions.Description` as a mapping.
        reading: the options that say which values of a run are its metrics; None in studies of earlier versions.
        metric: the main metric as asked for; None for the first one.
    """

    model_config = ConfigDict(extra="allow")

    command: str = ""
    further_commands: list[str] = Field(default_factory=list)
    program: str | None = None
    function: str | None = None
    identity: int = 1
    factors: dict[str, list[Any]] = Field(default_factory=dict)
    experiments: dict[str, str] = Field(default_factory=dict)
    seeds: list[Seed] = Field(default_factory=list)
    looks: list[int] = Field(default_factory=list)
    blocks: str | None = None
    block_scale: Literal["difference", "ratio"] = "difference"
    block_bounds: dict[str, tuple[float, float]] = Field(default_factory=dict)
    control_seeds: dict[int, int] = Field(default_factory=dict)
    repeat_seeds: dict[int, int] = Field(default_factory=dict)
    controls: dict[str, list[tuple[Any, Any]]] = Field(default_factory=dict)
    zipped: dict[str, list[str]] = Field(default_factory=dict)
    orders: dict[int, list[list[str]]] = Field(default_factory=dict)
    decisions: dict[str, Decision] = Field(default_factory=dict)
    claims: list[dict[str, Any]] = Field(default_factory=list)
    claims_after: int = 0
    baseline: dict[str, str] = Field(default_factory=dict)
    added: dict[str, Any] = Field(default_factory=dict)
    leave_out: list[dict[str, Any]] = Field(default_factory=list)
    chance: dict[str, float] = Field(default_factory=dict)
    budgets: dict[str, float] = Field(default_factory=dict)
    fixed: dict[str, Any] = Field(default_factory=dict)
    paths: dict[str, Any] = Field(default_factory=dict)
    same: dict[str, StandIn] = Field(default_factory=dict)
    description: dict[str, Any] = Field(default_factory=dict)
    reading: dict[str, Any] | None = None
    metric: str | None = None

    @property
    def commands(self) -> list[str]:
        """The commands that made the study, as typed."""
        return [self.command, *self.further_commands] if self.command else []

    @property
    def is_new(self) -> bool:
        """Whether nothing was recorded yet."""
        return not (self.command or self.program or self.experiments or self.factors)

    @property
    def launched(self) -> bool:
        """Whether a sweep was launched; a single run does not fix any settings."""
        return bool(self.fixed)

    def typed_factors(self) -> dict[str, Factor]:
        """The factors with typed levels; entries without levels are ignored."""
        return {key: Factor.of(key, levels) for key, levels in self.factors.items() if levels}

    def parsed_description(self, study: Path) -> Description:
        """Parse `description`.

        Args:
            study: the folder of the study, for the error message.

        Raises:
            UsageError: if the description is invalid.
        """
        try:
            return Description.parse(self.description)
        except UsageError as error:
            trouble = str(error).removesuffix(".")
        except (TypeError, ValueError, AttributeError) as error:
            trouble = f"{type(error).__name__}: {error}"
        except KeyError as error:
            trouble = f"the key {error} is missing"
        raise _unreadable(study, f"description: {trouble}")

    @classmethod
    def read(cls, study: Path) -> StudyManifest:
        """Read the manifest of a study; an empty one if there is no file.

        Raises:
            UsageError: if the file is unreadable or invalid.
        """
        path = study / MANIFEST
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
            if not isinstance(content, dict):
                raise ValueError("it is not a mapping")
            return cls.model_validate(content)
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            trouble = explain(error)
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            trouble = str(error)
        raise _unreadable(study, trouble)

    def write(self, study: Path) -> None:
        """Write study.yaml atomically; empty keys are omitted."""
        content = self.model_dump(by_alias=True, exclude_defaults=True)
        write_atomically(study / MANIFEST, to_yaml(content))


def _unreadable(study: Path, trouble: str) -> UsageError:
    trouble = printable(cut(trouble, 500), lines=True)
    return UsageError(f"{study / MANIFEST} cannot be read ({trouble}). Fix it, or choose another study.name.")


@contextmanager
def manifest_lock(study: Path) -> Iterator[None]:
    """Lock study.yaml between reading and writing it. Creates the folder of the study, or tidies it up."""
    study.mkdir(parents=True, exist_ok=True)
    with FileLock(study / ".lock"):
        remove_abandoned(study)
        yield
