"""study.yaml: how a study was launched, and what it may not change afterwards. Read and written through one schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.levels import Factor
from ablate.storage.records import explain, write_atomically

MANIFEST = "study.yaml"
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast, where it was built


class Decision(BaseModel):
    """A key that the study resolved once, such as `data.source=auto`, and the value that it took from then on."""

    asked: Any
    took: Any


class StandIn(BaseModel):
    """A cell that builds the same experiment as another one, and is reported from that one's runs."""

    model_config = ConfigDict(populate_by_name=True)

    runner: str = Field(alias="as")  # the short digest of the cell that runs
    label: str
    levels: dict[str, Any]


class StudyManifest(BaseModel):
    """The content of study.yaml. Keys of other versions are kept as they are.

    Attributes:
        command: what the user typed first.
        program: the file name of the program that the study belongs to.
        factors: each factor with its levels, the baseline first.
        experiments: by the short digest of a cell, the short digest of what it builds.
        seeds: in the order in which they were asked for.
        looks: the numbers of complete seeds at which verdicts are taken; empty: the default of the study.
        blocks: the factor whose levels are blocks (data sets, tasks), not treatments.
        orders: for the design `path`, by seed the order in which changes are made, each as its factors.
        decisions: keys that were resolved once.
        claims: as they were written when the study began.
        claims_after: how many runs were finished before the claims were written.
        baseline: by factor, the override that asks for its baseline level.
        leave_out: conditions with a reason: runs that do not count.
        chance, budgets: metrics with their values, as earlier versions kept them; now part of `description`.
        fixed: the keys and values that all runs share, at the baseline.
        same: by the short digest of a cell, the cell whose runs stand for it.
        description: `ablate.core.descriptions.Description` as a mapping.
    """

    model_config = ConfigDict(extra="allow")

    command: str = ""
    program: str | None = None
    factors: dict[str, list[Any]] = Field(default_factory=dict)
    experiments: dict[str, str] = Field(default_factory=dict)
    seeds: list[int] = Field(default_factory=list)
    looks: list[int] = Field(default_factory=list)
    blocks: str | None = None
    orders: dict[int, list[list[str]]] = Field(default_factory=dict)
    decisions: dict[str, Decision] = Field(default_factory=dict)
    claims: list[dict[str, Any]] = Field(default_factory=list)
    claims_after: int = 0
    baseline: dict[str, str] = Field(default_factory=dict)
    leave_out: list[dict[str, Any]] = Field(default_factory=list)
    chance: dict[str, float] = Field(default_factory=dict)
    budgets: dict[str, float] = Field(default_factory=dict)
    fixed: dict[str, Any] = Field(default_factory=dict)
    same: dict[str, StandIn] = Field(default_factory=dict)
    description: dict[str, Any] = Field(default_factory=dict)

    @property
    def launched(self) -> bool:
        """Whether a sweep has been planned here (a single run fixes nothing)."""
        return bool(self.fixed)

    def typed_factors(self) -> dict[str, Factor]:
        """The factors as values."""
        return {key: Factor.of(key, levels) for key, levels in self.factors.items()}

    def parsed_description(self, study: Path) -> Description:
        """The description as a value.

        Args:
            study: the folder that the manifest was read from, for the message of the error.

        Raises:
            UsageError: if it does not describe results.
        """
        try:
            return Description.parse(self.description)
        except UsageError as error:
            trouble = str(error)
        except (TypeError, ValueError, AttributeError) as error:
            trouble = f"{type(error).__name__}: {error}"
        except KeyError as error:
            trouble = f"the key {error} is missing"
        raise _unreadable(study, f"description: {trouble}")

    @classmethod
    def read(cls, study: Path) -> StudyManifest:
        """The manifest of the study in a folder; an empty one if there is none.

        Raises:
            UsageError: if the file cannot be read, or holds something else.
        """
        path = study / MANIFEST
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
            if not isinstance(content, dict):
                raise ValueError("it holds no keys")
            return cls.model_validate(content)
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            trouble = explain(error)
        except (OSError, ValueError, yaml.YAMLError) as error:
            trouble = str(error)
        raise _unreadable(study, trouble)

    def write(self, study: Path) -> None:
        """Write study.yaml, atomically; keys without content are left out."""
        content = self.model_dump(by_alias=True, exclude_defaults=True)
        write_atomically(study / MANIFEST, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _unreadable(study: Path, trouble: str) -> UsageError:
    return UsageError(f"{study / MANIFEST} cannot be read ({trouble}). Fix it, or choose another study.name.")


@contextmanager
def manifest_lock(study: Path) -> Iterator[None]:
    """Exclusive access to study.yaml, from reading it to writing it. Makes the folder of the study."""
    study.mkdir(parents=True, exist_ok=True)
    with FileLock(study / ".lock"):
        yield
