"""Levels and factors, in the same form from the command line to the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ablate.core.errors import UsageError
from ablate.core.text import printable

OFF = frozenset({"null", "none", "false", "off", "no", "0"})


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Level:
    """One value of a factor. Levels with the same text are equal: 1 and 1.0, True and 'true', None and 'null'.

    The text has no control characters, which are escaped.

    Create levels with `Level.of`, which normalizes the value: NumPy scalars become Python scalars, integral floats become
    integers, mappings and sequences become dicts and lists. Text is not parsed; see ablate/engine/overrides.py.

    >>> Level.of(1.0) == Level.of("1"), Level.of(None).text, Level.of(True).text
    (True, 'null', 'true')
    """

    value: Any
    text: str

    @classmethod
    def of(cls, value: object) -> Level:
        """Make a level from a plain value; a Level is returned unchanged.

        Raises:
            UsageError: if the value is NaN.
        """
        if isinstance(value, Level):
            return value
        plain = _plain(value)
        return cls(plain, _text(plain))

    @property
    def is_off(self) -> bool:
        """Whether this level switches a component off: null, none, false, off, no, or zero, in any case.

        >>> Level.of(None).is_off, Level.of("none").is_off, Level.of(0.0).is_off, Level.of(True).is_off, Level.of("relu").is_off
        (True, True, True, False, False)
        """
        return self.text.lower() in OFF

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Level({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Level) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: Level) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[int, float, str]:
        """Sort key: numbers by value, then other levels by text."""
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        try:
            return (0, float(self.value), "") if number else (1, 0.0, self.text)
        except OverflowError:  # an integer beyond the range of a float
            return (0, math.inf if self.value > 0 else -math.inf, "")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy; not imported in this package
        value = value.tolist()
    if isinstance(value, Enum):
        value = value.name
    if isinstance(value, float):
        if math.isnan(value):
            raise UsageError("NaN is not a valid level; use null for a component that is off.")
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


def _text(value: Any) -> str:
    """A plain value, formatted as on the command line."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return printable("{" + ", ".join(f"{key}: {_text(each)}" for key, each in value.items()) + "}")
    return str(value).lower() if isinstance(value, bool) else printable(str(value))


@dataclass(frozen=True, slots=True)
class Factor:
    """A key, or a config group, that takes several levels in a study. The first level is the baseline."""

    key: str
    levels: tuple[Level, ...]

    @classmethod
    def of(cls, key: str, values: Iterable[object]) -> Factor:
        """Make a factor from values; duplicates are dropped and the order is kept."""
        return cls(key, tuple(distinct(values)))

    @property
    def baseline(self) -> Level:
        return self.levels[0]

    def level(self, value: object) -> Level:
        """Look up the level of this factor with the given value.

        Raises:
            UsageError: if the factor has no such level; the message lists its levels.
        """
        wanted = Level.of(value)
        for level in self.levels:
            if level == wanted:
                return level
        raise UsageError(f"{self.key} has no level {wanted}; available: {', '.join(map(str, self.levels))}.")

    def __contains__(self, value: object) -> bool:
        return Level.of(value) in self.levels

    def __iter__(self) -> Iterator[Level]:
        return iter(self.levels)

    def __len__(self) -> int:
        return len(self.levels)


def distinct(values: Iterable[object]) -> list[Level]:
    """The levels of these values without duplicates, in order."""
    return list(dict.fromkeys(map(Level.of, values)))


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Shorten dotted keys to the last component, or to as many as are needed to tell the keys apart.

    >>> short_names(["model.dropout", "stem"])
    {'model.dropout': 'dropout', 'stem': 'stem'}
    """
    short = {}
    for key in keys:
        parts = key.split(".")
        size = next(
            size
            for size in range(1, len(parts) + 1)
            if size == len(parts) or not any(other != key and other.split(".")[-size:] == parts[-size:] for other in keys)
        )
        short[key] = ".".join(parts[-size:])
    return short
