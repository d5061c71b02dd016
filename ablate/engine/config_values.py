"""The values of a composed configuration: plain, resolved as far as they can be known before a run, and by what was typed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, ListConfig, OmegaConf

Path = tuple[str, ...]  # of keys, from the root of a configuration

_KNOWN_TO_THE_JOB = re.compile(r"\$\{\s*(hydra|now)\s*:")
_REFERENCE = re.compile(r"\$\{\s*([^{}:]+?)\s*\}")


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


@dataclass(frozen=True)
class ConfigValues:
    """A configuration as plain values.

    Attributes:
        nested: all values. Interpolations are resolved, except those that only a job can resolve (`${hydra:…}`, `${now:…}`,
            and whatever refers to one of them or to the seed) and those of ignored keys: these remain as text.
        unknown: the paths of the interpolations that remain, and are not ignored.
    """

    nested: dict[str, Any]
    unknown: frozenset[Path]

    @classmethod
    def of(cls, cfg: DictConfig, ignore: Collection[str] = ()) -> ConfigValues:
        """The values of `cfg`; the keys in `ignore`, dotted, are not resolved.

        Raises:
            OmegaConfBaseException: if another key cannot be resolved, or has no value.
        """
        nested: dict[str, Any] = plain(cfg)
        leaves = [(keys, text) for keys, text in _leaves(nested) if isinstance(text, str) and ("${" in text or text == "???")]
        if not leaves:
            return cls(nested, frozenset())
        unknown = _known_to_the_job({tuple(map(str, keys)): text for keys, text in leaves})
        for keys, _ in leaves:
            path = tuple(map(str, keys))
            if path in unknown or _is_ignored(path, ignore):
                continue
            *parents, last = keys
            node: Any = cfg
            target: Any = nested
            for key in parents:
                node, target = node[key], target[key]
            target[last] = plain(node[last], resolve=True)
        return cls(nested, frozenset(path for path in unknown if not _is_ignored(path, ignore)))

    def meaning(self, ignore: Collection[str]) -> dict[str, Any]:
        """The dotted keys and values that are known before the run, without the ignored ones."""
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
                flat[name] = value


def _leaves(node: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The values that hold no others, each with the keys and positions that lead to it."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if items is None:
        yield keys, node
        return
    for key, value in items:
        yield from _leaves(value, (*keys, key))


def _is_ignored(path: Path, ignore: Collection[str]) -> bool:
    return any(".".join(path[:size]) in ignore for size in range(1, len(path) + 1))


def _known_to_the_job(open_ends: Mapping[Path, str]) -> set[Path]:
    """Those interpolations that depend on the job or on the seed, directly or through others."""
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
    """The paths that an interpolation refers to; one that begins with dots is relative to its own node."""
    for name in _REFERENCE.findall(text):
        up = len(name) - len(name.lstrip("."))
        parts = tuple(part for part in re.split(r"[.\[\]]", name.lstrip(".")) if part)
        yield (path[: len(path) - up] + parts) if up else parts


def _meets(reference: Path, targets: Collection[Path]) -> bool:
    """Whether a node that is referred to is one of the targets, or holds one."""
    return any(target[: len(reference)] == reference for target in targets)


def choices_of(runtime_choices: Mapping[str, str | None]) -> dict[str, str]:
    """The option that each of the program's config groups took; a group that is off has none."""
    return {key: value for key, value in runtime_choices.items() if value is not None and not key.startswith("hydra/")}


def typed_values(overrides: Sequence[str]) -> dict[str, str]:
    """The keys and values of overrides as they were typed, without Hydra's signs before the key."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return {override.key_or_group: override.get_value_element_as_str() for override in parsed}


def non_factors(cfg: DictConfig) -> tuple[str, ...]:
    """Keys and groups that are never factors. A key `logger` of the program's own is not our group `logger`."""
    return ("study", "seed", "hydra", *(() if "logger" in cfg else ("logger",)))


def naming_values(cfg: DictConfig, keys: Mapping[str, str], ignore: Collection[str]) -> dict[str, str]:
    """Those of the typed keys, with their values, that distinguish experiments: without the keys and nodes in `ignore`."""
    left_out = (*non_factors(cfg), *ignore)
    return {
        key: value
        for key, value in keys.items()
        if not any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in left_out)
    }
