"""The sweeper: compose and check every cell, freeze them, launch what is not finished, sum up."""

from __future__ import annotations

import copy
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from hydra.utils import get_method
from omegaconf import DictConfig, ListConfig, OmegaConf
from rich.console import Console

from ablate.study import design, records
from ablate.study.app import Application, Outcome, choices_of, name_parts, study_directory
from ablate.study.errors import UsageError


@dataclass
class Cell:
    """One combination of levels: the overrides that ask for it, and the configuration that they compose."""

    overrides: list[str]
    config: DictConfig
    levels: dict[str, Any]
    digest: str


class FrozenConfigs:
    """Stands where a launcher looks for Hydra's config loader, and hands out what was composed before.

    Hydra composes a job when it is launched; a file of the configuration that was edited meanwhile would leak into it.
    """

    def __init__(self, configs: dict[tuple[str, ...], DictConfig]) -> None:
        self.configs = configs

    def load_sweep_config(self, _master: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        return copy.deepcopy(self.configs[tuple(sweep_overrides)])


class StudySweeper:
    """Runs the cells of a design, a block of cells for each seed. Hydra finds it through `hydra_plugins`."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        if not isinstance(task_function, Application):
            raise UsageError("the sweeper `ablate` runs functions decorated with @ablate.main.")
        self.application = task_function
        self.context = hydra_context
        self.config = config
        self.console = Console(highlight=False)

    def sweep(self, arguments: list[str]) -> list[Outcome]:
        """Run what the overrides ask for; exits with status 1 if a run failed."""
        overrides = OverridesParser.create(config_loader=self.context.config_loader).parse_overrides(arguments)
        _refuse_repeated(overrides)
        _refuse_swept_bookkeeping(overrides)
        seeds = self._seeds([override for override in overrides if override.key_or_group == "seed"])
        overrides = [override for override in overrides if override.key_or_group != "seed"]
        swept = [override.key_or_group for override in overrides if override.is_sweep_override()]
        self._name_study(overrides, swept)
        study = study_directory(self.config)
        decisions = self.application.decisions_of(self.config)
        cells = self._compose(overrides, swept, decisions)
        if not cells:
            return []
        self._describe(study, cells, swept, decisions)
        outcomes = self._launch(self._blocks(cells, seeds))
        self._sum_up(study, outcomes)
        return outcomes

    def _seeds(self, overrides: Sequence[Override]) -> list[int]:
        """The seeds that were asked for, each once."""
        asked = self.config.study.seeds
        if overrides and asked is not None:
            raise UsageError("give either seed=… or study.seeds=…, not both.")
        values: list[Any]
        if overrides:
            values = [int(text) if text.isdecimal() else text for override in overrides for text in _typed(override)]
            said = f"seed={','.join(map(str, values))}"
        elif asked is None:
            values, said = [self.config.seed], f"seed={self.config.seed}"
        else:
            values = list(asked) if isinstance(asked, ListConfig) else list(range(asked)) if type(asked) is int else []
            said = f"study.seeds={asked}"
        if not values or not all(type(value) is int and value >= 0 for value in values):
            raise UsageError(f"{said}: a positive number of seeds, or a list of whole numbers from 0.")
        return list(dict.fromkeys(values))

    def _name_study(self, overrides: Sequence[Override], swept: Sequence[str]) -> None:
        fixed = {
            override.key_or_group: override.get_value_element_as_str()
            for override in overrides
            if override.key_or_group not in swept
        }
        if self.config.study.name is None:
            self.config.study.name = design.study_name(swept, name_parts(self.config, fixed))

    def _compose(self, overrides: list[Override], swept: Sequence[str], decisions: dict[str, dict[str, Any]]) -> list[Cell]:
        """Every cell, composed once and checked. Equal experiments stand once, and are named."""
        cells: dict[str, Cell] = {}
        (combinations,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
        for combination in combinations:
            config = self.context.config_loader.load_sweep_config(self.config, combination)
            config.study.name = self.config.study.name
            levels = self._levels(config, swept)
            config.study.label = design.label(levels)
            if not self.application.freeze(config, decisions):
                continue
            cell = Cell(combination, config, levels, self.application.cell(config))
            twin = cells.setdefault(cell.digest, cell)
            if twin.levels != levels:
                self.console.print(
                    f"{config.study.label} is the same experiment as {twin.config.study.label}: it runs once.",
                    markup=False,
                )
        return list(cells.values())

    @staticmethod
    def _levels(config: DictConfig, swept: Sequence[str]) -> dict[str, Any]:
        choices = choices_of(config.hydra.runtime.choices)
        task = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        levels = design.levels_of(choices, OmegaConf.to_container(task))  # type: ignore[arg-type]
        return {key: levels.get(key) for key in swept}

    def _describe(self, study: Path, cells: list[Cell], swept: Sequence[str], decisions: dict[str, Any]) -> None:
        """Write down what was asked for; levels of earlier commands stay in front."""
        before = records.read_study(study)
        factors = dict(before.get("factors", {}))
        for key in swept:
            factors[key] = list(dict.fromkeys([*factors.get(key, []), *(cell.levels[key] for cell in cells)]))
        records.write_study(study, {"command": before.get("command", _command()), "factors": factors, "decisions": decisions})

    def _blocks(self, cells: list[Cell], seeds: list[int]) -> dict[tuple[str, ...], DictConfig]:
        """The jobs in their order: one whole block of cells for each seed, at random inside a block."""
        by_digest = {cell.digest: cell for cell in cells}
        jobs = {}
        for seed in seeds:
            for digest in design.shuffled(list(by_digest), seed):
                cell = by_digest[digest]
                config = copy.deepcopy(cell.config)
                config.seed = seed
                jobs[(*cell.overrides, f"seed={seed}")] = config
        return jobs

    def _launch(self, jobs: dict[tuple[str, ...], DictConfig]) -> list[Outcome]:
        context = HydraContext(config_loader=FrozenConfigs(jobs), callbacks=self.context.callbacks)  # type: ignore[arg-type]
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=context, task_function=self.application, config=self.config
        )
        self.console.print(f"{len(jobs)} {'run' if len(jobs) == 1 else 'runs'} in {study_directory(self.config)}", markup=False)
        returns = launcher.launch([list(job) for job in jobs], initial_job_idx=0)
        return [job.return_value for job in returns]

    def _sum_up(self, study: Path, outcomes: list[Outcome]) -> None:
        counts = Counter("kept" if outcome.kept else str(outcome.status) for outcome in outcomes)
        self.console.print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
        for outcome in outcomes:
            if outcome.error:
                self.console.print(f"  {outcome.label} seed={outcome.seed} {outcome.status}: {outcome.error}", markup=False)
        if self.config.study.report:
            get_method(self.config.study.report)(study)
        if any(outcome.status in ("failed", "running") for outcome in outcomes):
            sys.exit(1)


def _typed(override: Override) -> list[str]:
    return list(override.sweep_string_iterator()) if override.is_sweep_override() else [override.get_value_element_as_str()]


def _refuse_repeated(overrides: Sequence[Override]) -> None:
    """Hydra would take the last of two and say nothing."""
    repeated = [key for key, count in Counter(override.key_or_group for override in overrides).items() if count > 1]
    if repeated:
        raise UsageError(f"{repeated[0]} is given twice: write its levels once, as {repeated[0]}=a,b.")


def _refuse_swept_bookkeeping(overrides: Sequence[Override]) -> None:
    """The levels of a key that is no part of an experiment would all be the same experiment."""
    for override in overrides:
        key = override.key_or_group
        if override.is_sweep_override() and key.startswith("study."):
            values = ",".join(_typed(override))
            hint = f"write study.seeds=[{values}]" if key == "study.seeds" else "give it one value"
            raise UsageError(f"{key}={values}: {key} is not a factor; {hint}.")


def _command() -> str:
    """What the user typed, without the folders of this machine."""
    if sys.orig_argv[1:2] == ["-m"]:
        return shlex.join(["python", *sys.orig_argv[1:]])
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
