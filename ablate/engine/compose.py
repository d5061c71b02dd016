"""From overrides to cells: every experiment of a sweep, composed once and frozen.

Hydra composes a job when it is launched, and a file of the configuration that was edited meanwhile would leak into it. Here all
are composed before the first one runs, and each job carries its configuration with it, into whatever process runs it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from ablate.core import designs
from ablate.core.errors import UsageError, one_line
from ablate.engine.application import Application
from ablate.engine.configs import choices_of, plain
from ablate.storage import fingerprint


@dataclass(frozen=True)
class Level:
    """A level as it was typed: the override that asks for it, and its value."""

    override: str
    value: Any


@dataclass
class Cell:
    """One combination of levels, and the configuration that it composes."""

    levels: dict[str, Any]
    fixed: list[str]  # the overrides that all cells have
    asked: dict[str, str]  # by its key, the override of each level
    config: DictConfig  # without Hydra's own node, frozen but for the seed
    choices: dict[str, str | None]  # of every group, by Hydra's account
    meaning: dict[str, Any]
    experiment: str  # equal for cells that build the same experiment
    every_level: dict[str, Any]  # of each key and group, whether or not it varies

    label: str = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        self.label = designs.label(self.levels)
        self.digest = fingerprint.digest(self.meaning)


class Job(str):
    """The last override of a job, which carries what the others compose.

    Launchers pass overrides on as they are, and pickle them where a job runs in another process.
    """

    config: DictConfig
    choices: dict[str, str | None]
    overrides: list[str]


class FrozenConfigs:
    """Stands where a launcher looks for Hydra's config loader, and hands out what was composed before."""

    def load_sweep_config(self, master: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The configuration of one job: that which its last override carries, with Hydra's own node of `master`."""
        job = sweep_overrides[-1]
        assert isinstance(job, Job)
        config = copy.deepcopy(job.config)
        with open_dict(config):
            config.hydra = master.hydra
            with open_dict(config.hydra):
                config.hydra.runtime.choices = job.choices
                config.hydra.overrides.task = [*job.overrides]
        return config


def parse(loader: ConfigLoader, arguments: Sequence[str]) -> list[Override]:
    """The overrides as Hydra's own grammar reads them. Raises UsageError for what cannot be swept."""
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))
    for override in overrides:
        if override.is_sweep_override():
            if not override.is_discrete_sweep():
                raise UsageError(f"{override.input_line}: an interval has no levels; name them, or use range(start,stop,step).")
            if override.key_or_group.split(".")[0] == "hydra":
                raise UsageError(f"{override.input_line}: Hydra's own keys are no factors; give it one value.")
    return overrides


def as_typed(override: Override) -> str:
    """An override that is not swept, as Hydra wants to see it again."""
    if override.is_delete():
        return str(override.input_line)
    return f"{override.get_key_element()}={override.get_value_element_as_str()}"


def levels_typed(override: Override) -> list[Level]:
    """The levels of a swept override, each once."""
    texts = list(dict.fromkeys(override.sweep_string_iterator()))
    parser = OverridesParser.create()
    levels: list[Level] = []
    for text in texts:
        (parsed,) = parser.parse_overrides([f"{override.get_key_element()}={text}"])
        value = parsed.value()
        levels.append(Level(f"{override.get_key_element()}={text}", value.text if isinstance(value, QuotedString) else value))
    return levels


class Composer:
    """Composes cells. Those that differ in plain values only are composed by Hydra once, and the values set in copies."""

    def __init__(
        self,
        loader: ConfigLoader,
        master: DictConfig,
        application: Application,
        decisions: dict[str, dict[str, Any]],
    ) -> None:
        self.loader = loader
        self.master = master
        self.application = application
        self.decisions = decisions
        self._composed: dict[tuple[str, ...], tuple[DictConfig, dict[str, str | None]]] = {}

    def cells(self, fixed: Sequence[str], combinations: Iterable[Mapping[str, Level]]) -> list[Cell]:
        """The cell of each combination; none where a configuration asks for no run."""
        cells = (self.cell(fixed, combination) for combination in combinations)
        return [cell for cell in cells if cell is not None]

    def cell(self, fixed: Sequence[str], combination: Mapping[str, Level]) -> Cell | None:
        """One cell: checked by the application, and frozen. None if it asks for no run."""
        config, choices = self._compose(fixed, combination)
        config.study.name = self.master.study.name
        typed_levels = {key: level.value for key, level in combination.items()}
        config.study.label = designs.label(typed_levels)
        try:
            if not self.application.freeze(config, self.decisions):
                return None
        except OmegaConfBaseException as error:
            node = str(getattr(error, "full_key", None) or "").split(".")[0]
            if node not in {key.split(".")[0] for key in combination}:
                raise
            # such as of a level's file: it does not say which level it was
            raise UsageError(f"{one_line(error)} (in the cell {config.study.label})") from None
        every = designs.levels_of(choices_of(choices), plain(config))
        levels = {key: every.get(key) for key in combination}
        config.study.label = designs.label(levels)
        meaning = self.application.meaning(config)
        asked = {key: level.override for key, level in combination.items()}
        return Cell(levels, list(fixed), asked, config, choices, meaning, self.application.builds(config), every)

    def _compose(self, fixed: Sequence[str], combination: Mapping[str, Level]) -> tuple[DictConfig, dict[str, str | None]]:
        """The configuration without Hydra's own node, and the choices of its groups."""
        values = {key: level for key, level in combination.items() if self._is_plain(key, level)}
        kind = (*fixed, *(level.override for key, level in combination.items() if key not in values))
        if kind not in self._composed:  # the first of its kind is composed by Hydra with its values, which checks the keys
            overrides = [*fixed, *(level.override for level in combination.values())]
            config = self.loader.load_sweep_config(self.master, overrides)
            choices = dict(config.hydra.runtime.choices)
            with open_dict(config):
                del config["hydra"]
            self._composed[kind] = config, choices
        base, choices = self._composed[kind]
        config = copy.deepcopy(base)
        for key, level in values.items():
            OmegaConf.update(config, key, level.value)
        return config, choices

    def _is_plain(self, key: str, level: Level) -> bool:
        """Whether the level is a value that replaces another, so that setting it is all that Hydra would do."""
        return (
            level.override.startswith(f"{key}=")
            and not self.loader.get_group_options(key)
            and (level.value is None or isinstance(level.value, bool | int | float | str))
            and "${" not in str(level.value)
        )


def job(cell: Cell, seed: int, filled_in: Mapping[str, Any]) -> Job:
    """One run of a cell; `filled_in` are keys of `study:`."""
    asked = Job(f"seed={seed}")
    config = copy.deepcopy(cell.config)
    config.seed = seed
    for key, value in filled_in.items():
        config.study[key] = value
    asked.config, asked.choices, asked.overrides = config, cell.choices, [*cell.fixed, *cell.asked.values(), f"seed={seed}"]
    return asked
