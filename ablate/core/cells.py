"""Cells (combinations of levels) and conditions that select cells."""

from __future__ import annotations

from collections.abc import Collection, ItemsView, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level, short_names

BASE = "base"  # the label of the cell of a study without factors
BASELINE = "baseline"
SHOWN_IN_FULL = 4  # with more factors, configurations are named by their changes from the baseline


class Cell(Mapping[str, Level]):
    """A combination of levels, one for each factor, in the order of the factors. Hashable, and equal if all levels are equal.

    >>> cell = Cell.of({"model.dropout": True, "stem": "pyramid"})
    >>> cell.label
    'dropout=true,stem=pyramid'
    """

    __slots__ = ("_hash", "_levels")

    def __init__(self, levels: Mapping[str, Level]) -> None:
        self._levels = dict(levels)
        self._hash = hash(frozenset(self._levels.items()))  # equality ignores the order of the keys

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Cell:
        """Make a cell from plain values."""
        return cls({key: Level.of(value) for key, value in values.items()})

    @property
    def label(self) -> str:
        """The levels as text, with each key shortened as far as it stays unambiguous."""
        names = short_names(list(self._levels))
        return ",".join(f"{names[key]}={level}" for key, level in self._levels.items()) or BASE

    def named(self, baseline: Cell) -> str:
        """The label; with more than `SHOWN_IN_FULL` factors only the changes from `baseline`, and `baseline` for itself.

        >>> baseline = Cell.of({"lr": 0.1, "stem": "direct", "norm": "none", "dropout": True, "activation": "relu"})
        >>> baseline.replaced({"stem": Level.of("pyramid")}).named(baseline)
        'stem=pyramid'
        """
        if len(self) <= SHOWN_IN_FULL:
            return self.label
        names = short_names(list(self._levels))
        return ",".join(f"{names[key]}={level}" for key, level in self.changed(baseline).items()) or BASELINE

    @property
    def values_by_key(self) -> dict[str, Any]:
        """The plain values, which YAML and JSON can represent."""
        return {key: level.value for key, level in self._levels.items()}

    def changed(self, baseline: Cell) -> Cell:
        """The levels of this cell that differ from those of `baseline`."""
        return Cell({key: level for key, level in self._levels.items() if baseline.get(key) != level})

    def replaced(self, levels: Mapping[str, Level]) -> Cell:
        """Return a copy of this cell with some levels replaced.

        >>> str(Cell.of({"dropout": True, "stem": "direct"}).replaced({"stem": Level.of("pyramid")}))
        'dropout=true, stem=pyramid'
        """
        return Cell({**self._levels, **levels})

    def without(self, keys: Collection[str]) -> Cell:
        """The levels of all other factors: the stratum in which a contrast of `keys` is computed.

        >>> Cell.of({"dropout": True, "stem": "direct"}).without(["stem"])
        Cell(dropout=true)
        """
        return Cell({key: level for key, level in self._levels.items() if key not in keys})

    def __getitem__(self, key: str) -> Level:
        return self._levels[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)

    def items(self) -> ItemsView[str, Level]:
        return self._levels.items()  # the inherited one looks each key up

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self._levels == other._levels if isinstance(other, Cell) else NotImplemented

    def __repr__(self) -> str:
        return f"Cell({self.label})"

    def __str__(self) -> str:
        return ", ".join(f"{key}={level}" for key, level in self._levels.items())


@dataclass(frozen=True, slots=True)
class Condition:
    """Levels that a cell must have: for each key one level, or several alternatives.

    >>> str(Condition.of({"stem": "direct", "norm": ["first", "every"]}))
    'stem=direct, norm=first or every'
    """

    allowed: Mapping[str, tuple[Level, ...]]

    @classmethod
    def of(cls, mapping: Mapping[str, object], factors: Mapping[str, Factor] | None = None) -> Condition:
        """Make a condition from a plain mapping. A list means alternatives, unless the list itself is a level in `factors`."""
        return cls({str(key): _alternatives(wanted, (factors or {}).get(str(key))) for key, wanted in mapping.items()})

    def holds(self, levels: Mapping[str, Level]) -> bool:
        """Whether these levels meet the condition. A missing key does not meet it."""
        return all(key in levels and levels[key] in allowed for key, allowed in self.allowed.items())

    def check(self, factors: Mapping[str, Factor], context: str) -> None:
        """Reject a condition that names an unknown factor or level: a typo would silently select nothing.

        Raises:
            UsageError: for an unknown name; the message begins with `context` (such as `study.exclude=…`) and lists what is
                available.
        """
        for key, allowed in self.allowed.items():
            if key not in factors:
                raise UsageError(f"{context}: unknown factor '{key}'; available: {', '.join(factors) or 'none'}.")
            for level in allowed:
                try:
                    factors[key].level(level)
                except UsageError as error:
                    raise UsageError(f"{context}: {error}") from None

    def __str__(self) -> str:
        return ", ".join(f"{key}={' or '.join(map(str, allowed))}" for key, allowed in self.allowed.items())

    def __bool__(self) -> bool:
        return bool(self.allowed)


def common(cells: Iterable[Mapping[str, Level]]) -> dict[str, Level]:
    """The keys that have the same level in all cells, with that level."""
    cells = iter(cells)
    facts = dict(next(cells, {}))
    for levels in cells:
        facts = {key: level for key, level in facts.items() if levels.get(key) == level}
    return facts


def _alternatives(wanted: object, factor: Factor | None) -> tuple[Level, ...]:
    if isinstance(wanted, list | tuple) and not (factor is not None and wanted in factor):
        return tuple(map(Level.of, wanted))
    return (Level.of(wanted),)


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Runs that the user excludes from the results: a condition on their levels (and on `seed`), and the reason."""

    condition: Condition
    reason: str

    @classmethod
    def of(cls, entry: Mapping[str, Any], factors: Mapping[str, Factor] | None = None) -> LeaveOut:
        """Parse an entry of study.leave_out, such as `{stem: direct, seed: 3, reason: the disk failed}`.

        A list means alternatives, unless the list itself is a level in `factors`.

        Raises:
            UsageError: if the condition or the reason is missing.
        """
        if not isinstance(entry, Mapping) or not str(entry.get("reason") or "").strip() or len(entry) < 2:
            example = "{stem: direct, seed: 3, reason: the disk failed}"
            raise UsageError(f"study.leave_out: expected a condition and a reason, such as {example}; got {entry}.")
        levels = {key: value for key, value in entry.items() if key != "reason"}
        return cls(Condition.of(levels, factors), str(entry["reason"]))


def reason_to_leave_out(entries: Iterable[LeaveOut], levels: Mapping[str, Level]) -> str | None:
    """The reason of the first entry that matches a run with these levels (including `seed`); None if the run counts."""
    return next((entry.reason for entry in entries if entry.condition.holds(levels)), None)
