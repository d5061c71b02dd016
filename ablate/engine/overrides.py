"""Parse the overrides of a sweep with Hydra's grammar, and turn their text into factors with typed levels.

For a config group, the level `null` is the configuration without the group: `~group`, or for `+group=a,null` no override.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override, RangeSweep, Sweep

from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level

MAX_LEVELS = 10_000  # of one factor


@dataclass(frozen=True)
class SweptFactor:
    """A factor as typed.

    Attributes:
        factor: the key and its levels.
        overrides: the override for each level (empty for a group that is not added).
        values: the value of each level as parsed: 1.0 stays a float, although its level is that of 1.
        is_group: whether it is a config group.
        typed: the levels as typed, with those that are repeated.
    """

    factor: Factor
    overrides: Mapping[Level, str]
    values: Mapping[Level, Any]
    is_group: bool = False
    typed: tuple[Level, ...] = ()

    @classmethod
    def of(cls, override: Override) -> SweptFactor:
        """Parse a swept override.

        Raises:
            UsageError: for a level that is NaN, and for two with the same text and different types, such as 1 and 1.0.
        """
        key, typed_key = key_of(override), override.get_key_element()
        is_group = override.config_loader is not None and bool(override.config_loader.get_group_options(override.key_or_group))
        overrides: dict[Level, str] = {}
        values: dict[Level, Any] = {}
        parser = OverridesParser.create()
        texts = texts_of(override)
        by_text: dict[str, Level] = {}
        for text in dict.fromkeys(texts):
            (parsed,) = parser.parse_overrides([f"{typed_key}={text}"])
            value = parsed.value()
            try:
                level = Level.of(value)
            except UsageError as error:
                raise UsageError(f"{key}={text}: {error}") from None
            if level.text == "???":
                raise UsageError(f"{key}=???: it stands for a missing value, which is not a level.")
            by_text[text] = level
            if _kind(values.setdefault(level, value)) != _kind(value):
                raise UsageError(
                    f"{overrides[level]} and {typed_key}={text} have the same text but different types; keep one of them."
                )
            off = "" if override.is_add() else f"~{key}"
            overrides.setdefault(level, off if is_group and level.value is None else f"{typed_key}={text}")
        return cls(Factor(key, tuple(overrides)), overrides, values, is_group, tuple(by_text[text] for text in texts))

    def reordered(self, first: Level) -> SweptFactor:
        """Make another level the baseline."""
        levels = (first, *(level for level in self.factor.levels if level != first))
        return SweptFactor(Factor(self.factor.key, levels), self.overrides, self.values, self.is_group, self.typed)


def parse(loader: ConfigLoader, arguments: Sequence[str]) -> list[Override]:
    """Parse the overrides of a sweep.

    Raises:
        UsageError: for an override that cannot be swept.
    """
    overrides: list[Override] = OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))
    for override in overrides:
        if not override.is_sweep_override():
            continue
        if not override.is_discrete_sweep():
            raise UsageError(
                f"{override.input_line}: an interval cannot be swept; list the levels, or use range(start,stop,step)."
            )
        swept = override.value()
        if isinstance(swept, ChoiceSweep) and any(isinstance(level, Sweep) for level in swept.list):
            raise UsageError(f"{override.input_line}: a sweep cannot be one of several levels; list all levels.")
        if override.key_or_group.split(".")[0] == "hydra":
            raise UsageError(f"{override.input_line}: Hydra's own keys cannot be factors; give it one value.")
        _refuse_other_levels(override, loader.get_group_options(override.key_or_group))
    return overrides


def _refuse_other_levels(override: Override, options: Sequence[str]) -> None:
    """Refuse a sweep without levels, and levels of a config group that cannot name one of its `options`."""
    levels = texts_of(override)
    if not levels:
        available = f"; available: {', '.join(options)}" if options else ""
        why = ": glob chooses among the options of a config group" if isinstance(override.value(), Glob) and not options else ""
        raise UsageError(f"{override.input_line} matches no level{available or why}.")
    for text in levels if options else ():
        (parsed,) = OverridesParser.create().parse_overrides([f"{override.get_key_element()}={text}"])
        if not isinstance(parsed.value(), str | list | None):
            raise UsageError(f"{key_of(override)} has no level {text}; available: {', '.join(options)}.")


def as_typed(override: Override) -> str:
    """Render an override that is not swept, so that Hydra parses it to the same value again."""
    if override.is_delete():
        return str(override.input_line)
    return f"{override.get_key_element()}={override.get_value_element_as_str()}"


def key_of(override: Override) -> str:
    """The key of an override, or its config group with the package: `net@encoder` and `net@decoder` are two factors."""
    return override.key_or_group + (f"@{override.package}" if override.package is not None else "")


def texts_of(override: Override) -> list[str]:
    """The values of an override as typed, swept or not.

    Raises:
        UsageError: for a range without a step or with more than MAX_LEVELS levels.
    """
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    swept = override.value()
    if isinstance(swept, RangeSweep):
        if not swept.step:
            raise UsageError(f"{override.input_line}: the step must not be 0.")
        assert swept.start is not None
        assert swept.stop is not None
        if not (swept.stop - swept.start) / swept.step <= MAX_LEVELS:  # infinite and NaN too
            raise UsageError(f"{override.input_line} has more than {MAX_LEVELS:,} levels.")
    return list(override.sweep_string_iterator())


def refuse_repeated(overrides: Sequence[Override]) -> None:
    """Reject a key that is given twice: Hydra would silently use the last one."""
    keys = [key_of(override) for override in overrides]
    for key in keys:
        if keys.count(key) > 1:
            raise UsageError(f"{key} is given twice: write its levels once, as {key}=a,b.")


def refuse_non_factors(overrides: Sequence[Override], non_factors: Collection[str]) -> None:
    """Reject sweeps over keys that do not affect the experiment."""
    for override in overrides:
        key = override.key_or_group
        if not override.is_sweep_override():
            continue
        if key == "study":
            raise UsageError(f"study={','.join(texts_of(override))}: one study at a time.")
        if key.startswith("study.") or (key == "logger" and key in non_factors):
            values = ",".join(texts_of(override))
            hint = f"write study.seeds=[{values}]" if key == "study.seeds" else "give it one value"
            raise UsageError(f"{key}={values}: {key} cannot be a factor; {hint}.")


def _kind(value: object) -> Any:
    """The type of a value, and those of its elements."""
    if isinstance(value, dict):
        return {key: _kind(each) for key, each in value.items()}
    return [_kind(each) for each in value] if isinstance(value, list) else type(value)
