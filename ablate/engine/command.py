"""Parse a sweep command: its options, seeds, factors and fixed overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from ablate.core import designs
from ablate.core.claims import FEWEST_SEEDS
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.text import cut
from ablate.core.zipping import Zip, joint_factors
from ablate.engine import overrides as reading
from ablate.engine import zipping
from ablate.engine.added_keys import SEED, STUDY, AddedKeys
from ablate.engine.config_values import naming_values, non_factors, typed_values
from ablate.engine.design import baseline_first
from ablate.engine.option_types import A_SEED, is_seed
from ablate.engine.options import StudyOptions
from ablate.engine.overrides import SweptFactor, key_of
from ablate.storage.fingerprint import flatten
from ablate.storage.layout import study_directory
from ablate.storage.manifest import StudyManifest


@dataclass(frozen=True)
class SweepCommand:
    """A parsed sweep command.

    Attributes:
        options: the study options.
        study: the folder of the study.
        seeds: the requested seeds, without duplicates.
        first_seed: the number from which study.seeds and study.until count.
        fixed: the overrides with a single value, by key.
        swept: the keys with several levels, each with its baseline level first.
        zips: the joint factors of study.zip.
    """

    options: StudyOptions
    study: Path
    seeds: tuple[int, ...]
    first_seed: int
    fixed: Mapping[str, str]
    swept: Mapping[str, SweptFactor]
    zips: Sequence[Zip] = ()

    @property
    def factors(self) -> list[Factor]:
        """The factors of the study, with a joint factor in place of paired keys."""
        return joint_factors([each.factor for each in self.swept.values()], self.zips)

    @classmethod
    def read(
        cls,
        loader: ConfigLoader,
        config: DictConfig,
        params: Mapping[str, Any],
        arguments: Sequence[str],
        added: AddedKeys,
        first_seed: int,
    ) -> SweepCommand:
        """Parse the overrides of a sweep, and write the name of the study into `config`.

        Args:
            loader: Hydra's config loader.
            config: the composed configuration without the swept overrides.
            params: hydra.sweeper.params, the sweep in a file.
            arguments: the overrides as typed; they replace params of the same key.
            added: what the engine has added to the configuration of the program.
            first_seed: that of the program's `Experiment`. A study that has seed 0 keeps counting from there.

        Raises:
            UsageError: for invalid overrides or options.
        """
        overrides = reading.parse(loader, _with_params(loader, params, arguments))
        reading.refuse_repeated(overrides)
        reading.refuse_non_factors(overrides, non_factors(config))
        options = StudyOptions.read(config)
        options.metric_settings()
        asked = [override for override in overrides if override.key_or_group == added.seed_key]
        overrides = [override for override in overrides if override.key_or_group != added.seed_key]
        swept = {key_of(each): SweptFactor.of(each) for each in overrides if each.is_sweep_override()}
        fixed = [override for override in overrides if key_of(override) not in swept]
        zips, baseline = zipping.zips_of(swept, options, config)
        swept = baseline_first(swept, baseline)
        if options.name is None:
            values = typed_values(map(reading.as_typed, fixed))
            config.study.name = designs.study_name(list(swept), naming_values(config, values, options.ignore))
        study = study_directory(config.study.root, config.study.name)
        first_seed = 0 if 0 in StudyManifest.read(study).seeds else first_seed
        return cls(
            options=options,
            study=study,
            seeds=tuple(_seeds(asked, options, config, added.seed_key, first_seed)),
            first_seed=first_seed,
            fixed={key_of(override): reading.as_typed(override) for override in fixed},
            swept=swept,
            zips=zips,
        )


def _with_params(loader: ConfigLoader, params: Mapping[str, Any], arguments: Sequence[str]) -> list[str]:
    typed = {key_of(override) for override in reading.parse(loader, arguments)}
    return [*(f"{key}={Level.of(value)}" for key, value in params.items() if key not in typed), *arguments]


def _seeds(
    overrides: Sequence[Override], options: StudyOptions, config: DictConfig, seed_key: str | None, first: int
) -> list[int]:
    """The requested seeds, without duplicates."""
    asked, default = options.seeds, config.seed
    if seed_key is None and (asked is not None or options.until):
        found = _named_as_seeds(config)
        also = f" (the configuration has {' and '.join(found[1:])}, too)" if found[1:] else ""
        raise UsageError(
            f"the configuration has no key '{options.seed_key}' for the seed: name the key from which the program takes its "
            f"seed with hydra.sweeper.seed_key={found[0] if found else '…'}{also}."
        )
    if overrides:
        if asked is not None:
            raise UsageError("give either seed=… or study.seeds=…, not both.")
        texts = [text for override in overrides for text in reading.texts_of(override)]
        if wrong := [text for text in texts if not (text.isdecimal() and len(text) < 20 and is_seed(int(text)))]:
            raise UsageError(f"seed={cut(','.join(wrong), 100)}: expected {A_SEED}.")
        return list(dict.fromkeys(map(int, texts)))
    if isinstance(asked, list):
        return list(dict.fromkeys(asked))
    if asked is not None:
        return list(range(first, first + asked))
    if options.until:
        return list(range(first, first + min(next(iter(options.looks), FEWEST_SEEDS), options.max_seeds)))
    if default is None:
        return [first]
    if not is_seed(default):
        raise UsageError(f"seed={cut(Level.of(default).text, 100)}: expected {A_SEED}.")
    assert isinstance(default, int)
    return [default]


def _named_as_seeds(config: DictConfig) -> list[str]:
    """The keys of the program with a number or no value whose names have the word seed, such as `train.random_seed`."""
    settings: Any = OmegaConf.to_container(OmegaConf.masked_copy(config, [*set(config) - {"hydra", STUDY, SEED}]))
    named = {key: value for key, value in flatten(settings).items() if "seed" in key.rpartition(".")[2].lower().split("_")}
    return [key for key, value in named.items() if value is None or type(value) is int]
