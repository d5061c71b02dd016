"""Restore a configuration from plain values, including the dataclass types of its nodes (structured configs)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

Types = tuple[tuple[str, str], ...]  # by path, the types of the structured nodes of a configuration, and of their fields


def is_typed(config: DictConfig) -> bool:
    """Whether the configuration has structured (dataclass) nodes."""
    return next(_typed_nodes(config, ""), None) is not None


def types_of(config: DictConfig) -> Types:
    """The types of structured nodes and of their fields, as a value to compare configurations by.

    A field that is declared as a base class keeps this type in OmegaConf, whatever subclass is merged into it, so that
    configurations with equal types of nodes may have other fields.
    """
    return tuple(_typed_nodes(config, ""))


def as_config(values: Mapping[str, Any], types: DictConfig | None) -> DictConfig:
    """Make a configuration that rejects new keys, as Hydra's configurations do.

    Args:
        values: plain values, such as the content of config.yaml.
        types: a configuration with the structured nodes to restore; None if there are none.
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
    typed = _is_dataclass(node)
    if typed:
        yield prefix, repr(OmegaConf.get_type(node))
    if node._is_none() or node._is_interpolation() or node._is_missing():
        return
    for key in node:
        child = node._get_node(key)
        if typed:
            yield f"{prefix}.{key!s}", f"{type(child).__name__} {child._metadata.ref_type!r}"  # type: ignore[union-attr]
        if isinstance(child, DictConfig):
            yield from _typed_nodes(child, f"{prefix}.{key!s}")
        elif isinstance(child, ListConfig) and OmegaConf.get_type(child) is not list:
            yield f"{prefix}.{key!s}", repr(OmegaConf.get_type(child))


def _is_dataclass(node: DictConfig) -> bool:
    found = OmegaConf.get_type(node)
    return found is not None and not issubclass(found, dict)
