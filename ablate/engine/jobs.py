"""Runs handed to Hydra's launchers: written to disk when they are planned, read again in whatever process they run.

Before runs are launched, the configuration of each is written to config.yaml in its folder. Its job gets one more override,
plain text, which holds the path of that folder and the facts that the plan knows (`RunContext`). Hydra's launchers ask a config
loader for the configuration of a job: `FrozenConfigs` takes its place, and reads the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict

from ablate.core.errors import AblateError
from ablate.engine.cells import PlannedCell
from ablate.engine.config_file import read_config
from ablate.engine.typed_configs import Types, as_config, types_of
from ablate.storage.layout import run_identity, short_cell

KEY = "ablate.run"  # of the override that holds a RunContext


@dataclass(frozen=True)
class RunContext:
    """What the plan knows about one run, beside its configuration.

    Attributes:
        directory: the run's folder.
        identity: digest of the configuration and the seed, by which the run is found again.
        cell: short digest of the configuration without the seed.
        choices: the option of each config group, by Hydra's account.
        overridden: the keys that were overridden.
        position: such as 3/12, among the runs that were launched together.
        processes: how many runs share the machine.
        deadline: in seconds since 1970; None if the sweep has no end.
        types: the number of the configuration that types this one, see `FrozenConfigs`.
    """

    directory: str
    identity: str
    cell: str
    seed: int
    label: str
    choices: Mapping[str, str | None] = field(default_factory=dict)
    overridden: Sequence[str] = ()
    position: str | None = None
    processes: int = 1
    deadline: float | None = None
    types: int | None = None

    @classmethod
    def of(cls, cell: PlannedCell, seed: int, directory: Path, **facts: Any) -> RunContext:
        """The context of a run of `cell`; `facts` are further attributes."""
        return cls(
            directory=str(directory),
            identity=run_identity(cell.digest, seed),
            cell=short_cell(cell.digest),
            seed=seed,
            label=cell.label,
            choices=dict(cell.choices),
            overridden=list(cell.overridden),
            **facts,
        )

    def as_override(self) -> str:
        """The context as the last override of a job."""
        return f"{KEY}={json.dumps(asdict(self), ensure_ascii=False)}"

    @classmethod
    def from_overrides(cls, overrides: Sequence[str]) -> RunContext:
        """The context in the last override of a job."""
        key, _, text = overrides[-1].partition("=") if overrides else ("", "", "")
        if key != KEY:
            raise AblateError(f"a job of a study needs the override {KEY}=…, which its plan adds; it has {list(overrides)}.")
        return cls(**json.loads(text))


class FrozenConfigs:
    """Takes the place of Hydra's config loader for launchers, and returns what was planned.

    Args:
        types: configurations whose nodes dataclasses type, by the number in `RunContext.types`.
    """

    def __init__(self, types: Sequence[DictConfig] = ()) -> None:
        self.types = list(types)

    def load_sweep_config(self, master: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The configuration of one job, read from its run's folder, with Hydra's own node of `master`."""
        context = RunContext.from_overrides(sweep_overrides)
        values = read_config(Path(context.directory))
        config = as_config(values, None if context.types is None else self.types[context.types])
        with open_dict(config):
            config.hydra = master.hydra
            with open_dict(config.hydra):
                config.hydra.runtime.choices = dict(context.choices)
                config.hydra.overrides.task = list(sweep_overrides)
        return config


class TypedConfigs:
    """The typed configurations of some cells, one for each form."""

    def __init__(self) -> None:
        self.found: list[DictConfig] = []
        self._numbers: dict[Types, int] = {}

    def number(self, cell: PlannedCell) -> int | None:
        """The number of the form of a cell's configuration; None if nothing in it is typed."""
        if cell.types is None:
            return None
        form = types_of(cell.types)
        if form not in self._numbers:
            self._numbers[form] = len(self.found)
            self.found.append(cell.types)
        return self._numbers[form]
