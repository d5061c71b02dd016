"""Pass planned runs to Hydra's launchers through files, so that any process can execute them.

Before a launch, the configuration of each run is written to config.yaml in its folder. Its job gets one additional override
with the path of that folder and the facts known to the plan (`RunContext`) as JSON. A launcher asks Hydra's config loader for
the configuration of a job: `FrozenConfigs` replaces that loader and reads the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from ablate.core.errors import AblateError
from ablate.engine.added_keys import AddedKeys
from ablate.engine.cells import PlannedCell
from ablate.engine.config_file import read_config
from ablate.engine.config_values import plain
from ablate.engine.interpolations import at
from ablate.engine.typed_configs import Types, as_config, types_of
from ablate.storage.layout import run_identity

KEY = "ablate.run"  # the key of the override with the RunContext


@dataclass(frozen=True)
class RunContext:
    """The facts about a run, other than its configuration, that the plan passes to its job.

    Attributes:
        directory: the run's folder.
        identity: digest of the configuration and the seed.
        cell: short digest of the configuration without the seed.
        label: its levels as text.
        name: a shorter name for messages, if there are many factors; empty: the label.
        choices: the option chosen in each config group.
        overridden: the keys that were overridden.
        position: among the runs that were launched together, such as 3/12.
        processes: the number of runs that share the machine.
        deadline: when the sweep has to stop, in seconds since 1970; None for no limit.
        references: paths, and the interpolations there that refer to other keys; the planned configuration has their values.
        environment: the variables that the configuration sets for the job.
        levels: by factor, the levels whose values are only known in a run, as written.
        types: the index of the structured configuration to restore node types from, see `FrozenConfigs`.
        repeats: the seed of the program, if this is a second run with the same seed.
        planned_with: the program's provenance on the machine that plans: code and versions.
    """

    directory: str
    identity: str
    cell: str
    seed: int
    label: str
    name: str = ""
    choices: Mapping[str, str | None] = field(default_factory=dict)
    overridden: Sequence[str] = ()
    references: Sequence[tuple[Sequence[str | int], str]] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Any] = field(default_factory=dict)
    position: str | None = None
    processes: int = 1
    deadline: float | None = None
    types: int | None = None
    planned_with: Mapping[str, Any] = field(default_factory=dict)
    repeats: int | None = None

    @classmethod
    def of(cls, cell: PlannedCell, seed: int, directory: Path, **facts: Any) -> RunContext:
        """Make the context of a run of `cell`; `facts` are the remaining attributes."""
        return cls(
            directory=str(directory),
            identity=run_identity(cell.digest, seed),
            cell=cell.short,
            seed=seed,
            label=cell.label,
            name=cell.name if cell.name != cell.label else "",
            choices=dict(cell.choices),
            overridden=list(cell.overridden),
            references=[(list(path), text) for path, text in cell.references.items()],
            environment=dict(cell.environment),
            levels=dict(cell.unknown_levels),
            **facts,
        )

    @property
    def short_name(self) -> str:
        """The name of the configuration in messages."""
        return self.name or self.label

    def as_override(self) -> str:
        """Render the context as the last override of a job, in which OmegaConf finds no interpolation."""
        return f"{KEY}={json.dumps(asdict(self), ensure_ascii=False)}".replace("$", "\\u0024")

    @classmethod
    def from_overrides(cls, overrides: Sequence[str]) -> RunContext:
        """Parse the context from the last override of a job, which Hydra's configuration has in `hydra.overrides.hydra`."""
        key, _, text = overrides[-1].partition("=") if overrides else ("", "", "")
        if key != KEY:
            raise AblateError(
                f"the job has no override {KEY}=…, which the plan should have added; its overrides: {list(overrides)}."
            )
        return cls(**json.loads(text))


class FrozenConfigs:
    """Replaces Hydra's config loader in a launcher, and returns the planned configurations.

    Args:
        types: configurations with structured (dataclass) nodes; `RunContext.types` is an index into these.
        added: the keys that the engine has added, which the program must not see.
    """

    def __init__(self, types: Sequence[DictConfig] = (), added: AddedKeys | None = None) -> None:
        self.types = list(types)
        self.added = added or AddedKeys()

    def load_sweep_config(self, master: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Read the configuration of a job from the folder of its run, and add the node `hydra` of `master`."""
        context = RunContext.from_overrides(sweep_overrides)
        values = read_config(Path(context.directory))
        config = as_config(values, None if context.types is None else self.types[context.types])
        self.added.hide(config)
        _refer(config, context.references)
        with open_dict(config):
            config.hydra = master.hydra
            with open_dict(config.hydra):
                config.hydra.sweep.dir, config.hydra.sweep.subdir = context.directory, "."  # hydra.runtime.output_dir
                config.hydra.run.dir = context.directory  # which programs read, too, often in a sweep as well
                config.hydra.runtime.choices = dict(context.choices)
                *typed, passed = sweep_overrides
                config.hydra.job.env_set = dict(context.environment)
                config.hydra.job.override_dirname = get_overrides_dirname(  # may name a folder of the program's own
                    OverridesParser.create().parse_overrides(typed), **config.hydra.job.config.override_dirname
                )
                config.hydra.overrides.task = typed
                config.hydra.overrides.hydra = [*master.hydra.overrides.hydra, passed]
        return config


def _refer(config: DictConfig, references: Sequence[tuple[Sequence[str | int], str]]) -> None:
    """Put interpolations back that refer to other keys: a program that changes a key changes what refers to it.

    One that has another value now than when it was planned, such as one that refers to a key of ablate, keeps the planned one.
    """
    for path, text in references:
        *parents, last = path
        node = at(config, tuple(parents))
        planned = plain(node[last])
        with read_write(node), open_dict(node):
            try:
                node[last] = text
                same = plain(node[last], resolve=True) == planned
            except OmegaConfBaseException:
                same = False
            if not same:
                node[last] = planned


class ForgetConfigs(Callback):
    """Removes the configurations from what a launcher collects: about 115 KB for each run of a sweep."""

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:  # noqa: ARG002 - Hydra's signature
        job_return.cfg = job_return.hydra_cfg = None


class TypedConfigs:
    """Collects the structured configurations of cells, one for each combination of node types."""

    def __init__(self) -> None:
        self.found: list[DictConfig] = []
        self._numbers: dict[Types, int] = {}

    def number(self, cell: PlannedCell) -> int | None:
        """The index of the structured configuration of a cell; None if it has no structured nodes."""
        if cell.types is None:
            return None
        form = types_of(cell.types)
        if form not in self._numbers:
            self._numbers[form] = len(self.found)
            self.found.append(cell.types)
        return self._numbers[form]
