"""Paired levels (study.zip): keys that change together, as the levels of one joint factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level, short_names

Groups = Mapping[str, Sequence[str]]  # by the name of a joint factor, its keys
SEPARATOR = "/"  # between the levels of a joint factor


def joint_name(keys: Sequence[str]) -> str:
    """The default name of a joint factor.

    >>> joint_name(["model.depth", "model.width"])
    'depth+width'
    """
    return "+".join(short_names(keys).values())


def joint_levels(levels: Mapping[str, Level], groups: Groups) -> dict[str, Level]:
    """The levels of the joint factors whose keys all have a level.

    >>> joint_levels({"model.depth": Level.of(2), "model.width": Level.of(64)}, {"size": ["model.depth", "model.width"]})
    {'size': Level('2/64')}
    """
    return {
        name: Level.of(SEPARATOR.join(levels[key].text for key in keys))
        for name, keys in groups.items()
        if all(key in levels for key in keys)
    }


def with_joint_keys(keys: Sequence[str], groups: Groups) -> list[str]:
    """Replace the keys of each group by its name, at the place of the first one."""
    names = {key: name for name, members in groups.items() for key in members}
    return list(dict.fromkeys(names.get(key, key) for key in keys))


@dataclass(frozen=True)
class Zip:
    """A joint factor.

    Attributes:
        factor: its name, and a level for each combination of levels that is run.
        parts: by level, the level of each key.
    """

    factor: Factor
    parts: Mapping[Level, Mapping[str, Level]]

    @classmethod
    def of(cls, name: str, typed: Mapping[str, Sequence[Level]]) -> Zip:
        """Pair the levels of keys by their position.

        Args:
            name: the name of the joint factor.
            typed: by key, its levels in the order in which they were typed; a level may be repeated.

        Raises:
            UsageError: if the numbers of levels differ, or if two combinations have the same name.
        """
        if len({len(levels) for levels in typed.values()}) > 1:
            has = ", ".join(f"{key} has {len(levels)}" for key, levels in typed.items())
            raise UsageError(f"study.zip pairs levels by their position, and the numbers of levels differ: {has}.")
        parts: dict[Level, dict[str, Level]] = {}
        for row in zip(*typed.values(), strict=True):
            part = dict(zip(typed, row, strict=True))
            (level,) = joint_levels(part, {name: list(typed)}).values()
            if parts.setdefault(level, part) != part:
                raise UsageError(f"study.zip: two combinations have the same name, {level}; rename a level.")
        return cls(Factor(name, tuple(parts)), parts)

    @property
    def keys(self) -> list[str]:
        return list(next(iter(self.parts.values())))

    def beginning_with(self, wanted: Mapping[str, Level]) -> Zip:
        """Make the first combination that has these levels the baseline.

        Raises:
            UsageError: if there is none.
        """
        first = next((level for level, part in self.parts.items() if all(part[key] == wanted[key] for key in wanted)), None)
        if first is None:
            available = ", ".join(map(str, self.parts))
            raise UsageError(f"study.baseline: study.zip has no {Cell(wanted).label}; available: {available}.")
        parts = {first: self.parts[first], **self.parts}
        return Zip(Factor(self.factor.key, tuple(parts)), parts)


def joint_factors(factors: Sequence[Factor], zips: Sequence[Zip]) -> list[Factor]:
    """The factors, with a joint factor in place of the keys of each group."""
    joint = {each.factor.key: each.factor for each in zips}
    known = {factor.key: factor for factor in factors} | joint
    return [
        known[key]
        for key in with_joint_keys([*(factor.key for factor in factors)], {each.factor.key: each.keys for each in zips})
    ]


def split(cell: Cell, zips: Sequence[Zip]) -> Cell:
    """A cell of joint factors as the cell of their keys."""
    levels: dict[str, Level] = {}
    parts = {each.factor.key: each.parts for each in zips}
    for key, level in cell.items():
        levels |= parts[key][level] if key in parts else {key: level}
    return Cell(levels)
