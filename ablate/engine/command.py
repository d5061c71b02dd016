"""What a sweep command asks for: its options, seeds, factors and fixed settings, read from the overrides that were typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from ablate.core import designs
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.engine import overrides as reading
from ablate.engine.config_values import naming_values, non_factors
from ablate.engine.design import baseline_first
from ablate.engine.options import StudyOptions, is_seed
from ablate.engine.overrides import SweptFactor
from ablate.storage.layout import study_directory

FIRST_SEEDS = 5  # of study.until=decided: no verdict is given below


@dataclass(frozen=True)
class SweepCommand:
    """One command of a sweep, as it was typed.

    Attributes:
        options: of the study.
        study: its folder.
        seeds: that were asked for, each once.
        fixed: by key, the overrides that are not swept.
        swept: by key, the factors, the baseline level of each in front.
    """

    options: StudyOptions
    study: Path
    seeds: tuple[int, ...]
    fixed: Mapping[str, str]
    swept: Mapping[str, SweptFactor]

    @property
    def factors(self) -> list[Factor]:
        return [each.factor for each in self.swept.values()]

    @classmethod
    def read(
        cls, loader: ConfigLoader, config: DictConfig, params: Mapping[str, Any], arguments: Sequence[str]
    ) -> SweepCommand:
        """Read the overrides of a sweep, and name the study in `config`.

        Args:
            loader: Hydra's.
            config: the composed configuration that the sweep begins with.
            params: hydra.sweeper.params, the overrides that a file asks for.
            arguments: the overrides that were typed; they replace params of the same key.

        Raises:
            UsageError: for whatever cannot be used.
        """
        overrides = reading.parse(loader, _with_params(loader, params, arguments))
        reading.refuse_repeated(overrides)
        reading.refuse_non_factors(overrides, non_factors(config))
        options = StudyOptions.read(config)
        options.metric_settings()
        seeds = _seeds([override for override in overrides if override.key_or_group == "seed"], options, config.seed)
        overrides = [override for override in overrides if override.key_or_group != "seed"]
        swept = {each.key_or_group: SweptFactor.of(each) for each in overrides if each.is_sweep_override()}
        fixed = [override for override in overrides if override.key_or_group not in swept]
        swept = baseline_first(swept, options.baseline)
        if options.name is None:
            values = {override.key_or_group: override.get_value_element_as_str() for override in fixed}
            config.study.name = designs.study_name(list(swept), naming_values(config, values, options.ignore))
        return cls(
            options=options,
            study=study_directory(config),
            seeds=tuple(seeds),
            fixed={override.key_or_group: reading.as_typed(override) for override in fixed},
            swept=swept,
        )


def _with_params(loader: ConfigLoader, params: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    typed = {override.key_or_group for override in reading.parse(loader, arguments)}
    return [*(f"{key}={Level.of(value)}" for key, value in params.items() if key not in typed), *arguments]


def _seeds(overrides: Sequence[Override], options: StudyOptions, default: object) -> list[int]:
    """The seeds that were asked for, each once; `default` is the key `seed` of the configuration."""
    asked = options.seeds
    if overrides:
        if asked is not None:
            raise UsageError("give either seed=… or study.seeds=…, not both.")
        texts = [text for override in overrides for text in reading.texts_of(override)]
        if not all(text.isdecimal() for text in texts):
            raise UsageError(f"seed={','.join(texts)}: whole numbers from 0.")
        return list(dict.fromkeys(map(int, texts)))
    if isinstance(asked, list):
        return list(dict.fromkeys(asked))
    if asked is not None:
        return list(range(asked))
    if options.until:
        return list(range(min(FIRST_SEEDS, options.max_seeds)))
    if not is_seed(default):
        raise UsageError(f"seed={Level.of(default)}: a whole number from 0.")
    assert isinstance(default, int)
    return [default]
