"""A composed configuration read: as plain values, by what was typed, and by what tells one study from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, ListConfig, OmegaConf


def plain(node: Any, resolve: bool = False) -> Any:
    """A node of a configuration as what YAML and JSON can hold: an Enum by its name, a path as text."""
    if isinstance(node, DictConfig | ListConfig):
        return plain(OmegaConf.to_container(node, resolve=resolve))
    if isinstance(node, dict):
        return {plain(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, Enum):
        return node.name
    return node if isinstance(node, str | int | float | bool | None) else str(node)


def resolved(cfg: DictConfig, ignore: Sequence[str], prefix: str = "") -> dict[str, Any]:
    """`cfg` as plain dotted keys and values, its interpolations resolved; what is ignored is not even looked at."""
    flat: dict[str, Any] = {}
    for key in cfg:
        path = prefix + str(key)
        if path in ignore:
            continue
        value = cfg[key]
        if isinstance(value, DictConfig):
            flat.update(resolved(value, ignore, f"{path}."))
        else:
            flat[path] = plain(value, resolve=True)
    return flat


def choices_of(runtime_choices: Mapping[str, str | None]) -> dict[str, str]:
    """The level that each of the application's groups took, by Hydra's account; a group that is off has none."""
    return {key: value for key, value in runtime_choices.items() if value is not None and not key.startswith("hydra/")}


def typed(overrides: Sequence[str]) -> dict[str, str]:
    """The keys and values of overrides as they were typed, without Hydra's signs before the key."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return {override.key_or_group: override.get_value_element_as_str() for override in parsed}


def bookkeeping(cfg: DictConfig) -> tuple[str, ...]:
    """Keys and groups that are no part of any experiment. A key `logger` of the application's own is not the group `logger`."""
    return ("study", "seed", "hydra", *(() if "logger" in cfg else ("logger",)))


def name_parts(cfg: DictConfig, keys: Mapping[str, str], named_by: Sequence[str] | None = None) -> dict[str, str]:
    """Those of the typed keys that tell one study from another: what an experiment means, and the paths in `named_by`.

    `named_by` is by default study.paths.
    """
    named_by = list(cfg.study.paths) if named_by is None else named_by
    left_out = (*bookkeeping(cfg), *cfg.study.ignore, *(path for path in cfg.study.paths if path not in named_by))
    return {
        key: value
        for key, value in keys.items()
        if not any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in left_out)
    }
