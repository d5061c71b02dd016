"""The keys that the engine adds to the configuration of an unchanged program, and hides from it again.

The engine plans with the keys `study` (the options) and `seed`. A program whose configuration has `defaults: [ablate, _self_]`
has both. For any other, they are added after Hydra has composed a configuration, and removed before the program is called.
The options are then those of `hydra.sweeper`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf, open_dict

from ablate.core.errors import UsageError
from ablate.engine.config_values import plain
from ablate.engine.experiment import FIRST_SEED
from ablate.engine.option_types import refuse_seed_key
from ablate.engine.options import StudyOptions

SEED = "seed"
STUDY = "study"


def sweeper_options(sweeper: Mapping[str, Any] | DictConfig | None) -> dict[str, Any]:
    """The study options in the node `hydra.sweeper`; empty for another sweeper."""
    node = OmegaConf.to_container(sweeper, resolve=True) if isinstance(sweeper, DictConfig) else dict(sweeper or {})
    assert isinstance(node, dict)
    return {str(key): value for key, value in node.items() if key in StudyOptions.model_fields}


def changed_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that differ from their defaults, and those that do not exist."""
    defaults = StudyOptions.defaults()
    return {key: value for key, value in options.items() if key not in defaults or value != defaults[key]}


@dataclass(frozen=True)
class AddedKeys:
    """What the engine adds to the configurations of a program.

    Attributes:
        keys: the added top-level keys: none, `study`, or `study` and `seed`.
        seed_key: the dotted key from which the program takes its seed; None if it has none.
    """

    keys: tuple[str, ...] = ()
    seed_key: str | None = SEED

    @classmethod
    def to(cls, config: DictConfig, options: Mapping[str, Any], typed: Iterable[str] = ()) -> AddedKeys:
        """Add the keys to a configuration that Hydra composed, with these options of `hydra.sweeper`.

        If the configuration has a node `study`, these options only replace its values.

        Args:
            config: the configuration.
            options: the options.
            typed: the overrides as typed: `+seed=1,2` adds the seed to the configuration, `+study.name=x` or `+logger=wandb` an
                option.

        Raises:
            UsageError: if the program has a key `study` of its own, or these options and another `seed_key`.
        """
        OmegaConf.set_readonly(config, None)
        typed = list(typed)
        _take_logger(config)
        if STUDY in config and _is_added(config[STUDY], typed):
            options = {**options, **plain(config[STUDY], resolve=True)}
            with open_dict(config):
                del config[STUDY]
        if STUDY in config:
            if not isinstance(config[STUDY], DictConfig) or not set(StudyOptions.model_fields) <= set(config[STUDY]):
                raise UsageError(
                    "the configuration has a key `study` of its own, which is the name of ablate's options: rename it, "
                    "for example to `study_name`."
                )
            for key, value in changed_options(options).items():
                OmegaConf.update(config, f"{STUDY}.{key}", value, merge=False, force_add=True)
            refuse_seed_key(str(config[STUDY].seed_key))
            return cls()
        key = str(options.get("seed_key", SEED))
        if key != SEED and SEED in config and (OmegaConf.is_interpolation(config, SEED) or config[SEED] is not None):
            raise UsageError(
                f"hydra.sweeper.seed_key={key}: the configuration has a key `{SEED}` too, the name of ablate's seed of a run, "
                "so the program would not see its own value. Rename the program's key, for example to `data_seed`."
            )
        adds = any(override.startswith("+") and override.lstrip("+").split("=")[0] == key for override in typed)
        found = adds or OmegaConf.select(config, key, default=_MISSING) is not _MISSING or _is_mandatory(config, key)
        added = cls((STUDY,) if key == SEED and found else (STUDY, SEED), key if found else None)
        added.put(config, {**StudyOptions.defaults(), **options})
        return added

    def put(self, config: DictConfig, options: Mapping[str, Any] | DictConfig) -> None:
        """Add the keys to another configuration of the same program."""
        _take_logger(config)
        if not self.keys:
            return
        with open_dict(config):
            config[STUDY] = options
            if SEED not in self.keys and (SEED not in config or OmegaConf.is_missing(config, SEED)):
                config[SEED] = FIRST_SEED
            if SEED in self.keys:
                given = OmegaConf.select(config, self.seed_key) if self.seed_key is not None else None
                config[SEED] = given if type(given) is int else FIRST_SEED
                if self.seed_key is not None:
                    OmegaConf.update(config, self.seed_key, f"${{{SEED}}}")

    def hide(self, config: DictConfig) -> None:
        """Remove the keys from a configuration, before the program sees it."""
        if not self.keys:
            return
        with open_dict(config):
            if SEED in self.keys and self.seed_key is not None:
                OmegaConf.update(config, self.seed_key, config[SEED])
            for key in self.keys:
                config.pop(key, None)


class AddingLoader:
    """Hydra's config loader for a program to whose configurations keys are added: the part that a sweep needs."""

    def __init__(self, loader: ConfigLoader, added: AddedKeys) -> None:
        self._loader = loader
        self._added = added
        self.get_group_options = loader.get_group_options

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """Compose a configuration, and add the keys to it."""
        config = self._loader.load_sweep_config(master_config, list(sweep_overrides))
        self._added.put(config, master_config[STUDY])
        return config


_MISSING = object()


def _take_logger(config: DictConfig) -> None:
    """Move the level of the group `logger` to `study.logger`. A logger of the program stays.

    The group is in the node `logger`, because in `study` its place in the defaults list would decide whether it counts.
    """
    node = config.get("logger")
    if not _is_ours(node):
        return
    with open_dict(config):
        if OmegaConf.select(config, f"{STUDY}.logger") is None:
            OmegaConf.update(config, f"{STUDY}.logger", node, force_add=True)
        del config["logger"]


def _is_ours(logger: Any) -> bool:
    return isinstance(logger, DictConfig) and str(logger.get("_target_", "")).startswith("ablate.integrations.")


def _is_added(study: Any, typed: Iterable[str]) -> bool:
    """Whether a node `study` consists of options that overrides have added, such as `+study.name=x` or `+logger=wandb`."""
    if not isinstance(study, DictConfig):
        return False
    keys = {override.lstrip("+").split("=")[0]: override for override in typed}
    names = {key.split(".")[1] for key, text in keys.items() if key.startswith(f"{STUDY}.") and text.startswith("+")}
    names |= {"logger"} if "logger" in keys or _is_ours(study.get("logger")) else set()
    return bool(study) and {*map(str, study)} <= names & {*StudyOptions.model_fields}


def _is_mandatory(config: DictConfig, key: str) -> bool:
    """Whether the key exists with the value ???."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and name in node and OmegaConf.is_missing(node, name)
