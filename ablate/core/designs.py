"""Factors, levels and cells: which experiments a command asks for, and in which order they run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeVar

from ablate.core import seeding
from ablate.storage.fingerprint import flatten

T = TypeVar("T")
Coalition = frozenset[str]  # the changes that were made
EXACT_UP_TO = 4  # so many changes can be made in all their combinations


@dataclass(frozen=True)
class Factor:
    """Something that takes more than one level in a study. The first level is the baseline."""

    key: str
    levels: tuple[Any, ...]


def factorial(levels: Mapping[str, Sequence[T]]) -> list[dict[str, T]]:
    """Every combination of the factors' levels, the last factor changing fastest."""
    return [dict(zip(levels, combination, strict=True)) for combination in itertools.product(*levels.values())]


def one_at_a_time(levels: Mapping[str, Sequence[T]]) -> list[dict[str, T]]:
    """The baseline (each factor at its first level), then each other level alone."""
    baseline = {key: values[0] for key, values in levels.items()}
    return [baseline, *({**baseline, key: value} for key, values in levels.items() for value in values[1:])]


def orders(changes: Sequence[str], permutation: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The order that a drawn permutation of range(k) stands for, and its reverse."""
    if sorted(permutation) != list(range(len(changes))):
        raise ValueError(f"{list(permutation)} is no permutation of the numbers of {len(changes)} changes.")
    order = tuple(changes[index] for index in permutation)
    return order, order[::-1]


def on_the_way(order: Sequence[str]) -> list[Coalition]:
    """The k + 1 coalitions of an order, from no change to all."""
    return [frozenset(order[:made]) for made in range(len(order) + 1)]


def coalitions(changes: Sequence[str], permutation: Sequence[int] | None = None) -> list[Coalition]:
    """The coalitions that a seed has to run: all 2^k up to four changes, else those of its order and of the reverse.

    Raises ValueError if there are more than four changes and no permutation.
    """
    if len(changes) <= EXACT_UP_TO:
        sizes = range(len(changes) + 1)
        return [frozenset(chosen) for size in sizes for chosen in itertools.combinations(changes, size)]
    if permutation is None:
        raise ValueError(f"{len(changes)} changes are too many for all their combinations: each seed needs a permutation.")
    return list(dict.fromkeys(coalition for order in orders(changes, permutation) for coalition in on_the_way(order)))


def path(
    levels: Mapping[str, Sequence[T]], changes: Mapping[str, Sequence[str]], permutation: Sequence[int]
) -> list[dict[str, T]]:
    """The cells between a first and a last configuration that a seed runs, see `coalitions`.

    Each factor goes from its first level to its second. `changes` are groups of factors that change together.
    """
    change_of = {key: name for name, keys in changes.items() for key in keys}
    return [
        {key: values[change_of[key] in coalition] for key, values in levels.items()}
        for coalition in coalitions(list(changes), permutation)
    ]


def matches(levels: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    """Whether a cell of these levels meets a condition: for each of its keys, the level or one of a list of levels."""
    return all(
        key in levels and any(same(levels[key], level) for level in alternatives(wanted, [levels[key]]))
        for key, wanted in condition.items()
    )


def reason_to_leave_out(entries: Sequence[Mapping[str, Any]], levels: Mapping[str, Any]) -> str | None:
    """Why a run of these levels (and `seed`) is left out, by the first entry of study.leave_out that it meets."""
    return next((str(entry["reason"]) for entry in entries if matches(levels, condition_of(entry))), None)


def condition_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The condition of an entry of study.leave_out: all but its reason."""
    return {key: value for key, value in entry.items() if key != "reason"}


def same(level: Any, other: Any) -> bool:
    """Whether two levels are one, however they were typed: true and True, 1 and 1.0, but not 1 and true."""
    if isinstance(level, bool) or isinstance(other, bool) or isinstance(level, str) or isinstance(other, str):
        return say(level) == say(other)
    return bool(level == other)


def alternatives(wanted: Any, levels: Sequence[Any]) -> list[Any]:
    """The levels that a condition names: one, or a list of which any will do; a list that is itself a level is one."""
    return wanted if isinstance(wanted, list) and not any(same(wanted, level) for level in levels) else [wanted]


def distinct(levels: Iterable[Any]) -> list[Any]:
    """Each level once, in order: 1 and 1.0 are one, 1 and true are not."""
    return list({(isinstance(level, bool), level): level for level in levels}.values())


def levels_of(choices: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Any]:
    """The level at which a run holds each key: a group's chosen file, else the value in the configuration.

    A list is given as text, since a level has to be hashable.
    """
    values = {key: str(value) if isinstance(value, list) else value for key, value in flatten(config).items()}
    return values | dict(choices)


def common(cells: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The keys that have the same level in all of these cells, with that level."""
    cells = iter(cells)
    facts = dict(next(cells, {}))
    for levels in cells:
        facts = {key: level for key, level in facts.items() if key in levels and levels[key] == level}
    return facts


def find_factors(
    runs: Sequence[Mapping[str, Any]], overridden: Iterable[str], known: Mapping[str, Sequence[Any]]
) -> list[Factor]:
    """The factors of a study, found from its runs rather than declared.

    `runs` holds each run's `levels_of`, `overridden` the keys that were overridden for any of them. Whatever was
    overridden and takes more than one level is a factor. `known` gives the order in which factors and levels were
    typed; the others follow in the order of their first run.
    """
    overridden = dict.fromkeys(overridden)
    factors = []
    for key in dict.fromkeys([*(key for key in known if key in overridden), *overridden]):
        seen = distinct(run.get(key) for run in runs)
        typed = [level for level in known.get(key, []) if any(same(level, other) for other in seen)]
        levels = typed + [level for level in seen if not any(same(level, other) for other in typed)]
        if len(levels) > 1:
            factors.append(Factor(key, tuple(levels)))
    return factors


def slug(text: str) -> str:
    """`text` as a part of a file name: letters, digits and a few signs, without the shell's own."""
    return re.sub(r"[^\w.,=+-]+", "_", text).strip("_.") or "_"


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """The last component of each dotted key, or more where two would read alike."""
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


def label(levels: Mapping[str, Any]) -> str:
    """A cell's levels in words: `dropout=true,stem=pyramid`; `base` if nothing was named."""
    names = short_names(list(levels))
    return ",".join(f"{names[key]}={say(level)}" for key, level in levels.items()) or "base"


def say(level: Any) -> str:
    """A level as it is typed on the command line."""
    if level is None:
        return "null"
    return str(level).lower() if isinstance(level, bool) else str(level)


def study_name(swept: Sequence[str], fixed: Mapping[str, str]) -> str:
    """The default name of a study: the swept keys, then the choices that are fixed and not the defaults.

    The same command finds its study again; another data set is another study. Paths count by their last part.
    """
    names = short_names([*swept, *fixed])
    parts = [names[key] for key in swept]
    parts += [f"{names[key]}={PurePath(value).name or value}" for key, value in fixed.items()]
    return slug("+".join(parts))[:120] if parts else "base"


def shuffled(cells: Sequence[str], seed: int) -> list[str]:
    """The order of the cells within the block of one seed: random, so that time does not follow a factor."""
    order = seeding.stream(seed, "order of cells").permutation(len(cells))
    return [cells[index] for index in order]
