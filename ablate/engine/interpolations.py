"""Find the interpolations of a configuration whose values a plan cannot know: they depend on the job, the seed or chance."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

KeyPath = tuple[str, ...]  # keys from the root of a configuration

ESCAPED = "\\${"  # an escaped string, not an interpolation
_KNOWN_TO_THE_JOB = re.compile(r"\$\{\s*(hydra|now)\s*:")
_REFERENCE = re.compile(r"\$\{\s*([^{}:]+?)\s*\}")
_RESOLVER = re.compile(r"\$\{\s*([\w.]+)\s*:")
_CONSTANT_RESOLVERS = {"hydra", "now", "oc.env"}  # the first two are found by their names
_SEED = "seed"


@dataclass(frozen=True)
class Unknown:
    """Interpolations whose values a plan cannot know.

    Attributes:
        by_seed: those that depend on the seed alone; the identity of a run includes the seed.
        by_job: those that depend on the job (`${hydra:…}`, `${now:…}`) or differ each time they are resolved.
    """

    by_seed: frozenset[KeyPath] = frozenset()
    by_job: frozenset[KeyPath] = frozenset()

    @property
    def paths(self) -> frozenset[KeyPath]:
        return self.by_seed | self.by_job


def find_unknown(
    cfg: DictConfig, interpolations: Mapping[tuple[Any, ...], str], relevant: Collection[tuple[Any, ...]]
) -> Unknown:
    """Find the interpolations in `cfg` whose values a plan cannot know.

    References are followed in the text. Resolvers may do anything, so their values are compared: resolved twice, and with
    another seed.

    Args:
        cfg: the configuration.
        interpolations: its strings with interpolations, by their keys and list positions.
        relevant: the keys of those that may be resolved.
    """
    texts = {tuple(map(str, keys)): text for keys, text in interpolations.items()}
    by_job = {path for path, text in texts.items() if _KNOWN_TO_THE_JOB.search(text)}
    by_job |= _referring(texts, by_job)
    by_seed = _referring(texts, {(_SEED,)}) - by_job
    doubtful = [
        keys
        for keys in relevant
        if ESCAPED not in interpolations[keys]
        and not _CONSTANT_RESOLVERS.issuperset(_RESOLVER.findall(interpolations[keys]))
        and tuple(map(str, keys)) not in by_job | by_seed
    ]
    if doubtful:
        first, second, other = _resolved(cfg, doubtful), _resolved(_fresh(cfg), doubtful), _resolved(_reseeded(cfg), doubtful)
        found = {tuple(map(str, keys)) for keys in doubtful if first[keys] != second[keys]}
        by_job |= found | _referring(texts, found)
        found = {tuple(map(str, keys)) for keys in doubtful if first[keys] != other[keys]}
        by_seed |= found | _referring(texts, found)
    allowed = {tuple(map(str, keys)) for keys in relevant}
    return Unknown(frozenset((by_seed - by_job) & allowed), frozenset(by_job & allowed))


def leaves(node: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All leaf values of nested plain values, each with its keys and list positions."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if items is None:
        yield keys, node
        return
    for key, value in items:
        yield from leaves(value, (*keys, key))


def at(cfg: Any, keys: tuple[Any, ...]) -> Any:
    """The value at these keys and list positions, resolved."""
    for key in keys:
        cfg = cfg[key]
    return cfg


def _fresh(cfg: DictConfig) -> DictConfig:
    """A copy in which resolvers that remember their values are called again."""
    copied = copy.deepcopy(cfg)
    OmegaConf.clear_cache(copied)
    return copied


def _reseeded(cfg: DictConfig) -> DictConfig:
    """A copy with another seed."""
    copied = _fresh(cfg)
    seed = copied.get(_SEED)
    OmegaConf.update(copied, _SEED, seed + 1 if type(seed) is int else 1, force_add=True)
    return copied


def _resolved(cfg: DictConfig, every: Collection[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
    """The values at these keys, as text; an error as its text, because it is raised where all values are resolved."""
    found = {}
    for keys in every:
        try:
            value = at(cfg, keys)
            if isinstance(value, DictConfig | ListConfig):
                value = OmegaConf.to_container(value, resolve=True)
            found[keys] = repr(value)
        except OmegaConfBaseException as error:
            found[keys] = type(error).__name__
    return found


def _referring(texts: Mapping[KeyPath, str], targets: Collection[KeyPath]) -> set[KeyPath]:
    """The interpolations that refer to one of the targets, directly or indirectly."""
    found: set[KeyPath] = set()
    reached = set(targets)
    while True:
        more = {
            path
            for path, text in texts.items()
            if path not in reached and any(_meets(reference, reached) for reference in _references(path, text))
        }
        if not more:
            return found
        found |= more
        reached |= more


def _references(path: KeyPath, text: str) -> Iterator[KeyPath]:
    """The paths that an interpolation refers to; a leading dot makes a path relative to its node."""
    for name in _REFERENCE.findall(text):
        up = len(name) - len(name.lstrip("."))
        parts = tuple(part for part in re.split(r"[.\[\]]", name.lstrip(".")) if part)
        yield (path[: len(path) - up] + parts) if up else parts


def _meets(reference: KeyPath, targets: Collection[KeyPath]) -> bool:
    """Whether the referenced node is, or contains, one of the targets."""
    return any(target[: len(reference)] == reference for target in targets)
