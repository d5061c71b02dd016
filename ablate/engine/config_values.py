"""Plain values of a composed configuration, with interpolations resolved as far as possible before a run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, ListConfig, OmegaConf

Path = tuple[str, ...]  # keys from the root of a configuration

_KNOWN_TO_THE_JOB = re.compile(r"\$\{\s*(hydra|now)\s*:")
_ESCAPED = "\\${"  # an escaped string, not an interpolation
_REFERENCE = re.compile(r"\$\{\s*([^{}:]+?)\s*\}")


def plain(node: Any, resolve: bool = False) -> Any:
    """Convert a node to plain values for YAML and JSON: an Enum to its name, a path to a string."""
    if isinstance(node, DictConfig | ListConfig):
        return plain(OmegaConf.to_container(node, resolve=resolve))
    if isinstance(node, dict):
        return {plain(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, Enum):
        return node.name
    return node if isinstance(node, str | int | float | bool | None) else str(node)


@dataclass(frozen=True)
class ConfigValues:
    """A configuration as plain values.

    Attributes:
        nested: all values. Interpolations are resolved, except for three kinds, which remain strings: those that can only be
            resolved in a job (`${hydra:…}`, `${now:…}`, and references to these or to the seed), those of ignored keys, and
            those that yield an object, such as a dtype.
        unknown: the paths of interpolations that can only be resolved in a job, without ignored keys.
        objects: the interpolations that yield an object: its `str`, by path.
    """

    nested: dict[str, Any]
    unknown: frozenset[Path] = frozenset()
    objects: Mapping[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cfg: DictConfig, ignore: Collection[str] = ()) -> ConfigValues:
        """Convert `cfg`. The dotted keys in `ignore` are not resolved.

        Raises:
            OmegaConfBaseException: if any other key cannot be resolved or has no value.
        """
        nested: dict[str, Any] = plain(cfg)
        leaves = [(keys, text) for keys, text in _leaves(nested) if isinstance(text, str) and ("${" in text or text == "???")]
        if not leaves:
            return cls(nested)
        unknown = _known_to_the_job({tuple(map(str, keys)): text for keys, text in leaves})
        objects = {}
        for keys, text in leaves:
            path = tuple(map(str, keys))
            if path in unknown or _is_ignored(path, ignore) or _ESCAPED in text:
                continue
            *parents, last = keys
            node: Any = cfg
            target: Any = nested
            for key in parents:
                node, target = node[key], target[key]
            value = node[last]
            if isinstance(value, str) and "${" in value:
                continue  # the resolved string would be read as an interpolation
            if isinstance(value, DictConfig | ListConfig | str | int | float | bool | None):
                target[last] = plain(value, resolve=True)
            else:
                objects[path] = str(plain(value))
        return cls(nested, frozenset(path for path in unknown if not _is_ignored(path, ignore)), objects)

    def meaning(self, ignore: Collection[str]) -> dict[str, Any]:
        """The dotted keys and values known before the run, without ignored keys."""
        flat: dict[str, Any] = {}
        partly_known = {path[:size] for path in self.unknown for size in range(1, len(path) + 1)}
        self._flatten(self.nested, (), "", ignore, partly_known, flat)
        return flat

    def _flatten(
        self,
        node: Mapping[str, Any],
        path: Path,
        prefix: str,
        ignore: Collection[str],
        unknown: Collection[Path],
        flat: dict[str, Any],
    ) -> None:
        for key, value in node.items():
            name, here = f"{prefix}{key}", (*path, str(key))
            if name in ignore:
                continue
            if isinstance(value, dict):
                self._flatten(value, here, f"{name}.", ignore, unknown, flat)
            elif here not in unknown:
                flat[name] = self.objects.get(here, value)


def _leaves(node: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All leaf values, each with its keys and list positions."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if items is None:
        yield keys, node
        return
    for key, value in items:
        yield from _leaves(value, (*keys, key))


def _is_ignored(path: Path, ignore: Collection[str]) -> bool:
    return any(".".join(path[:size]) in ignore for size in range(1, len(path) + 1))


def _known_to_the_job(open_ends: Mapping[Path, str]) -> set[Path]:
    """The interpolations that depend on the job or the seed, directly or indirectly."""
    unknown = {path for path, text in open_ends.items() if _KNOWN_TO_THE_JOB.search(text)}
    targets: set[Path] = {("seed",), *unknown}
    while True:
        more = {
            path
            for path, text in open_ends.items()
            if path not in unknown and any(_meets(reference, targets) for reference in _references(path, text))
        }
        if not more:
            return unknown
        unknown |= more
        targets |= more


def _references(path: Path, text: str) -> Iterator[Path]:
    """The paths that an interpolation refers to; a leading dot makes a path relative to its node."""
    for name in _REFERENCE.findall(text):
        up = len(name) - len(name.lstrip("."))
        parts = tuple(part for part in re.split(r"[.\[\]]", name.lstrip(".")) if part)
        yield (path[: len(path) - up] + parts) if up else parts


def _meets(reference: Path, targets: Collection[Path]) -> bool:
    """Whether the referenced node is, or contains, one of the targets."""
    return any(target[: len(reference)] == reference for target in targets)


def choices_of(runtime_choices: Mapping[str, str | None]) -> dict[str, str]:
    """The option chosen in each config group of the program, without groups that are off and Hydra's own groups."""
    return {key: value for key, value in runtime_choices.items() if value is not None and not key.startswith("hydra/")}


def typed_values(overrides: Sequence[str]) -> dict[str, str]:
    """The keys and values of overrides as typed, without Hydra's prefixes (+, ++, ~)."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return {override.key_or_group: override.get_value_element_as_str() for override in parsed}


def non_factors(cfg: DictConfig) -> tuple[str, ...]:
    """Keys and groups that cannot be factors: ablate's own. A program may use the name `logger` for a key of its own."""
    return ("study", "seed", "hydra", *(() if "logger" in cfg else ("logger",)))


def naming_values(cfg: DictConfig, keys: Mapping[str, str], ignore: Collection[str]) -> dict[str, str]:
    """The typed keys that can distinguish experiments, with their values: without the keys and nodes in `ignore`."""
    left_out = (*non_factors(cfg), *ignore)
    return {
        key: value
        for key, value in keys.items()
        if not any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in left_out)
    }
