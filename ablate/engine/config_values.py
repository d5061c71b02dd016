"""Plain values of a composed configuration, with interpolations resolved as far as possible before a run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, InterpolationToMissingValueError, OmegaConfBaseException

from ablate.core.secrets import is_secret, is_secret_text
from ablate.engine.interpolations import ESCAPED, KeyPath, Unknown, at, find_unknown, leaves
from ablate.engine.overrides import key_of

UNRESOLVED = (InterpolationKeyError, InterpolationToMissingValueError)
_TO_A_KEY = re.compile(r"\$\{[^${}:]+\}")  # to a key; a resolver has a colon


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
        nested: all values. Interpolations are resolved, except for four kinds, which remain strings: those whose values a plan
            cannot know (see `Unknown`), those of ignored keys, those that yield an object, such as a dtype, and `unresolved`.
        unknown: the interpolations whose values a plan cannot know, without ignored keys.
        objects: the interpolations that yield an object: its `str`, by path.
        missing: the dotted keys without a value (`???`), which a program may never read.
        references: the resolved interpolations that only refer to other keys (`${model.lr}`), by path.
        unresolved: by dotted key, why an interpolation refers to nothing: the program may set that, or never read it.
    """

    nested: dict[str, Any]
    unknown: Unknown = field(default_factory=Unknown)
    objects: Mapping[KeyPath, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    references: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)
    unresolved: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cfg: DictConfig, ignore: Collection[str] = ()) -> ConfigValues:
        """Convert `cfg`. The dotted keys in `ignore` are not resolved.

        Raises:
            OmegaConfBaseException: if any other key cannot be resolved, such as by an error of a resolver.
        """
        nested: dict[str, Any] = plain(cfg)
        texts = {keys: text for keys, text in leaves(nested) if isinstance(text, str) and "${" in text}
        missing = tuple(".".join(map(str, keys)) for keys, text in leaves(nested) if text == "???")
        if not texts:
            return cls(nested, missing=missing)
        unknown = find_unknown(cfg, texts, [keys for keys in texts if not _is_ignored(keys, ignore)])
        objects, references, unresolved = {}, {}, {}
        for keys, text in texts.items():
            path = tuple(map(str, keys))
            if path in unknown.paths or _is_ignored(path, ignore) or ESCAPED in text:
                continue
            try:
                value = at(cfg, keys)
            except UNRESOLVED as error:  # plain Hydra notices when the program reads it, if it does
                unresolved[".".join(path)] = str(error).splitlines()[0]
                continue
            if isinstance(value, str) and "${" in value:
                continue  # the resolved string would be read as an interpolation
            if isinstance(value, DictConfig | ListConfig | str | int | float | bool | None):
                *parents, last = keys
                at(nested, tuple(parents))[last] = plain(value, resolve=True)
                if len(_TO_A_KEY.findall(text)) == text.count("${"):
                    references[keys] = text
            else:
                objects[path] = str(plain(value))
        return cls(nested, unknown, objects, missing, references, unresolved)

    def meaning(self, ignore: Collection[str], texts: bool = True, neutral: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The dotted keys and values that define the experiment, sorted.

        Args:
            ignore: the dotted keys that cannot change the results.
            texts: whether interpolations whose values a plan cannot know are included as they are written. Otherwise they are
                left out, and so are lists that contain any.
            neutral: for keys that were added after runs were made, the value that leaves the results unchanged; a key with
                this value is left out, so that earlier runs keep their identity.
        """
        flat: dict[str, Any] = {}
        paths = () if texts else self.unknown.paths
        partly_known = {path[:size] for path in paths for size in range(1, len(path) + 1)}
        self._flatten(self.nested, (), "", ignore, partly_known, flat)
        neutral = neutral or {}
        return {key: value for key, value in sorted(flat.items()) if not (key in neutral and neutral[key] == value)}

    def unknown_keys(self, job_only: bool = False) -> list[str]:
        """The dotted keys whose values a plan cannot know; with `job_only`, without those that depend on the seed alone."""
        return sorted(".".join(path) for path in (self.unknown.by_job if job_only else self.unknown.paths))

    def _flatten(
        self,
        node: Mapping[str, Any],
        path: KeyPath,
        prefix: str,
        ignore: Collection[str],
        unknown: Collection[KeyPath],
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


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """All values of the configuration of a run. What cannot be resolved stays as it is written."""
    try:
        values: dict[str, Any] = plain(cfg, resolve=True)
    except OmegaConfBaseException:
        values = plain(cfg)
        for keys, text in list(leaves(values)):
            if isinstance(text, str) and "${" in text:
                *parents, last = keys
                with suppress(OmegaConfBaseException):
                    at(values, tuple(parents))[last] = plain(at(cfg, keys), resolve=True)
    return values


def known_value(cfg: DictConfig, key: str, value: Any) -> Any:
    """The value of a dotted key that `ConfigValues` left as it is, resolved unless a plan cannot know it.

    Args:
        cfg: the configuration.
        key: the key.
        value: its value in `ConfigValues.nested`.
    """
    if not isinstance(value, str) or "${" not in value or ESCAPED in value:
        return value
    path = tuple(key.split("."))
    texts = {keys: text for keys, text in leaves(plain(cfg)) if isinstance(text, str) and "${" in text}
    if find_unknown(cfg, texts, [path]).paths:
        return value
    try:
        return plain(at(cfg, path), resolve=True)
    except OmegaConfBaseException:
        return value


def _is_ignored(path: tuple[Any, ...], ignore: Collection[str]) -> bool:
    return any(".".join(map(str, path[:size])) in ignore for size in range(1, len(path) + 1))


def secrets_of(cfg: DictConfig) -> list[str]:
    """The dotted keys of secrets: by their names, from the environment, or that refer to one of these."""
    return [".".join(map(str, path)) for path in _secrets(plain(cfg))]


def recorded(cfg: DictConfig) -> dict[str, Any]:
    """All values of the configuration of a run for its record: secrets that come from elsewhere stay as they are written."""
    values, written = resolved(cfg), plain(cfg)
    for *parents, last in _secrets(written):
        text = at(written, (*parents, last))
        if isinstance(text, str) and "${" in text:
            at(values, tuple(parents))[last] = text
    return values


def _secrets(written: dict[str, Any]) -> list[tuple[Any, ...]]:
    texts = {path: text for path, text in leaves(written) if isinstance(text, str)}
    names = {path: ".".join(map(str, path)) for path in texts}
    found = {path for path, text in texts.items() if is_secret(names[path]) or is_secret_text(text)}
    references = [f"${{{names[path]}}}" for path in found]
    return [path for path, text in texts.items() if path in found or any(each in text for each in references)]


def choices_of(runtime_choices: Mapping[str, str | None]) -> dict[str, str]:
    """The option chosen in each config group of the program, without groups that are off and Hydra's own groups."""
    return {key: value for key, value in runtime_choices.items() if value is not None and not key.startswith("hydra/")}


def typed_values(overrides: Iterable[str]) -> dict[str, str]:
    """The keys and values of overrides as typed, without Hydra's prefixes (+, ++); `null` for a key that is removed (~)."""
    return dict(map(_typed_value, overrides))


@cache  # the cells of a study have the same few overrides in many combinations, and parsing one takes a millisecond
def _typed_value(text: str) -> tuple[str, str]:
    override = OverridesParser.create().parse_override(text)
    return key_of(override), "null" if override.is_delete() else override.get_value_element_as_str()


def share_equal_parts(node: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Replace parts of `node` that equal those of `other` by these, so that many similar configurations take little memory.

    Neither of them may be changed in place afterwards.
    """
    for key, value in node.items():
        known = other.get(key)
        if type(known) is not type(value):
            continue  # 1 == True == 1.0
        if isinstance(value, dict) and isinstance(known, dict):
            share_equal_parts(value, known)
            if len(known) == len(value) and all(known.get(name) is each for name, each in value.items()):
                node[key] = known
        elif value == known and not isinstance(value, list):
            node[key] = known


def non_factors(cfg: DictConfig) -> tuple[str, ...]:
    """Keys and groups that cannot be factors: ablate's own. A program may use the name `logger` for a key of its own."""
    return ("study", "seed", "hydra", *(() if "logger" in cfg else ("logger",)))


def naming_values(cfg: DictConfig, keys: Mapping[str, str], ignore: Collection[str]) -> dict[str, str]:
    """The typed keys that can distinguish experiments, with their values: without the keys and nodes in `ignore`."""
    left_out = (*non_factors(cfg), *ignore)
    return {
        key: value
        for key, value in keys.items()
        if not is_secret(key) and not any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in left_out)
    }
