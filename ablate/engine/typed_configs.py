"""Plain values turned into a configuration again, with the types that dataclasses gave to its nodes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

Types = tuple[tuple[str, str], ...]  # the typed nodes of a configuration, with the names of their types


def is_typed(config: DictConfig) -> bool:
    """Whether a dataclass types any node of the configuration."""
    return next(_typed_nodes(config, ""), None) is not None


def types_of(config: DictConfig) -> Types:
    """Which nodes of the configuration are typed, and how: equal for configurations of the same form."""
    return tuple(_typed_nodes(config, ""))


def as_config(values: Mapping[str, Any], types: DictConfig | None) -> DictConfig:
    """The values as a configuration that accepts no new keys, as Hydra's do.

    Args:
        values: plain, such as read from config.yaml.
        types: a configuration of the same form, whose typed nodes are kept; None if it has none.
    """
    if types is None:
        config = OmegaConf.create(dict(values))
    else:
        config = copy.deepcopy(types)
        with open_dict(config):
            _fill(config, values)
    OmegaConf.set_struct(config, True)
    return config


def _fill(node: DictConfig, values: Mapping[str, Any]) -> None:
    typed = _is_dataclass(node)
    for key in [key for key in node if key not in values and not typed]:
        del node[key]
    for key, value in values.items():
        child = node._get_node(key)
        if (
            isinstance(child, DictConfig)
            and isinstance(value, Mapping)
            and not child._is_none()
            and not child._is_interpolation()
        ):
            _fill(child, value)
        else:
            node[key] = value


def _typed_nodes(node: DictConfig, prefix: str) -> Iterator[tuple[str, str]]:
    if _is_dataclass(node):
        found = OmegaConf.get_type(node)
        yield prefix, repr(found)
    if node._is_none() or node._is_interpolation() or node._is_missing():
        return
    for key in node:
        child = node._get_node(key)
        if isinstance(child, DictConfig):
            yield from _typed_nodes(child, f"{prefix}.{key!s}")
        elif isinstance(child, ListConfig) and OmegaConf.get_type(child) is not list:
            yield f"{prefix}.{key!s}", repr(OmegaConf.get_type(child))


def _is_dataclass(node: DictConfig) -> bool:
    found = OmegaConf.get_type(node)
    return found is not None and not issubclass(found, dict)
