"""Composes the configurations of a sweep, all of them before the first one runs.

Hydra would compose a job when it is launched, so that a configuration file edited during a sweep would change later jobs.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.engine.cells import CellReader, PlannedCell
from ablate.engine.messages import one_line
from ablate.engine.overrides import SweptFactor
from ablate.engine.typed_configs import is_typed


@dataclass(frozen=True)
class Composed:
    """A configuration as Hydra composed it, without Hydra's own node."""

    config: DictConfig
    choices: dict[str, str | None]
    types: DictConfig | None  # the configuration, if dataclasses type some of its nodes


class Composer:
    """Composes cells. Those that differ in plain values only are composed by Hydra once, and the values set in copies.

    Args:
        loader: Hydra's.
        master: the configuration that the sweep began with, with the name of the study filled in.
        reader: reads what was composed.
        swept: the factors, with the overrides of their levels.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig, reader: CellReader, swept: Mapping[str, SweptFactor]) -> None:
        self.loader = loader
        self.master = master
        self.reader = reader
        self.swept = swept
        self._composed: dict[tuple[str, ...], Composed] = {}
        self._is_group = {key: bool(loader.get_group_options(key)) for key in swept}

    @property
    def factors(self) -> dict[str, Factor]:
        return {key: each.factor for key, each in self.swept.items()}

    def cells(self, fixed: Sequence[str], combinations: Iterable[Cell]) -> list[PlannedCell]:
        """The cells of these combinations of levels; none for a configuration that asks for no run."""
        cells = (self.cell(fixed, combination) for combination in combinations)
        return [cell for cell in cells if cell is not None]

    def cell(self, fixed: Sequence[str], typed: Cell) -> PlannedCell | None:
        """One cell; None if its configuration asks for no run."""
        asked = {key: self.swept[key].overrides[level] for key, level in typed.items()}
        values = {key: level for key, level in typed.items() if self._is_plain(key, level, asked[key])}
        composed = self._compose(fixed, asked, values)
        config = copy.deepcopy(composed.config)
        for key, level in values.items():
            OmegaConf.update(config, key, level.value)
        try:
            cell = self.reader.read(config, composed.choices, [*fixed, *asked.values()], typed, self.master.study.name)
        except OmegaConfBaseException as error:
            node = str(getattr(error, "full_key", None) or "").split(".")[0]
            if node not in {key.split(".")[0] for key in typed}:
                raise
            # such as of a level's file: the error does not say which level it was
            raise UsageError(f"{one_line(error)} (in the configuration {typed.label})") from None
        if cell is not None:
            cell.types = composed.types
        return cell

    def _compose(self, fixed: Sequence[str], asked: Mapping[str, str], values: Collection[str]) -> Composed:
        """What Hydra composes of these overrides, once for all that differ in `values` only."""
        kind = (*fixed, *(override for key, override in asked.items() if key not in values))
        if kind not in self._composed:  # the first of its kind is composed by Hydra with its values, which checks the keys
            config = self.loader.load_sweep_config(self.master, [*fixed, *asked.values()])
            choices = dict(config.hydra.runtime.choices)
            with open_dict(config):
                del config["hydra"]
            self._composed[kind] = Composed(config, choices, config if is_typed(config) else None)
        return self._composed[kind]

    def _is_plain(self, key: str, level: Level, override: str) -> bool:
        """Whether the level is a value that replaces another, so that setting it is all that Hydra would do."""
        return (
            override.startswith(f"{key}=")
            and not self._is_group[key]
            and (level.value is None or isinstance(level.value, bool | int | float | str))
            and "${" not in level.text
        )
