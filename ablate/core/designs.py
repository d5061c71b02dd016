"""Designs: which cells a study has, for which seeds, and in which order they run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from ablate.core import seeding
from ablate.core.cells import BASE, Cell
from ablate.core.levels import Factor, Level, short_names

DESIGNS = ("factorial", "one_at_a_time", "path")
Coalition = frozenset[str]  # the changes of a path that were made
EXACT_UP_TO = 4  # so many changes can be made in all their combinations
NAME_LENGTH = 120  # of the default name of a study


def factorial(factors: Sequence[Factor]) -> list[Cell]:
    """Every combination of the factors' levels, the last factor varying fastest."""
    keys = [factor.key for factor in factors]
    levels = (factor.levels for factor in factors)
    return [Cell(dict(zip(keys, combination, strict=True))) for combination in itertools.product(*levels)]


def one_at_a_time(factors: Sequence[Factor]) -> list[Cell]:
    """The baseline (each factor at its first level), then each other level alone."""
    baseline = {factor.key: factor.baseline for factor in factors}
    others = ({**baseline, factor.key: level} for factor in factors for level in factor.levels[1:])
    return [Cell(baseline), *map(Cell, others)]


def path(factors: Sequence[Factor], changes: Mapping[str, Sequence[str]], permutation: Sequence[int]) -> list[Cell]:
    """The cells between a first and a last configuration that a seed runs, see `coalitions`.

    Args:
        factors: of two levels each, the first configuration's and the last one's.
        changes: groups of factors that change together, by the name of the change; they hold every factor once.
        permutation: the order that the seed drew.
    """
    change_of = {key: name for name, keys in changes.items() for key in keys}
    return [
        Cell({factor.key: factor.levels[change_of[factor.key] in coalition] for factor in factors})
        for coalition in coalitions(list(changes), permutation)
    ]


def orders(changes: Sequence[str], permutation: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The order that a permutation of range(k) stands for, and its reverse."""
    if sorted(permutation) != list(range(len(changes))):
        raise ValueError(f"{list(permutation)} is not a permutation of the numbers of {len(changes)} changes.")
    order = tuple(changes[index] for index in permutation)
    return order, order[::-1]


def on_the_way(order: Sequence[str]) -> list[Coalition]:
    """The k + 1 coalitions of an order, from no change to all."""
    return [frozenset(order[:made]) for made in range(len(order) + 1)]


def coalitions(changes: Sequence[str], permutation: Sequence[int] | None = None) -> list[Coalition]:
    """The coalitions that a seed runs: all 2^k up to four changes, else those of its order and of the reverse order.

    Raises:
        ValueError: if there are more than four changes and no permutation.
    """
    if len(changes) <= EXACT_UP_TO:
        sizes = range(len(changes) + 1)
        return [frozenset(chosen) for size in sizes for chosen in itertools.combinations(changes, size)]
    if permutation is None:
        raise ValueError(f"{len(changes)} changes are too many for all their combinations: each seed needs a permutation.")
    return list(dict.fromkeys(coalition for order in orders(changes, permutation) for coalition in on_the_way(order)))


def permutation(seed: int, changes: int) -> list[int]:
    """The order in which a seed makes so many changes."""
    drawn: list[int] = seeding.stream(seed, "order of changes").permutation(changes).tolist()
    return drawn


def shuffled(cells: Sequence[str], seed: int) -> list[str]:
    """The order of the cells within the block of one seed: random, so that time does not follow a factor."""
    order = seeding.stream(seed, "order of cells").permutation(len(cells))
    return [cells[index] for index in order]


def slug(text: str) -> str:
    """`text` as a part of a file name: letters, digits and a few signs that no shell interprets."""
    return re.sub(r"[^\w.,=+-]+", "_", text).strip("_.") or "_"


def study_name(swept: Sequence[str], fixed: Mapping[str, str]) -> str:
    """The default name of a study: the swept keys, then the fixed choices that differ from the defaults.

    The same command finds its study again; another data set is another study. A path counts by its last part.

    >>> study_name(["model.dropout", "stem"], {"data.root": "images/cats.zip"})
    'dropout+stem+root=cats.zip'
    """
    names = short_names([*swept, *fixed])
    parts = [names[key] for key in swept]
    parts += [f"{names[key]}={PurePath(value).name or value}" for key, value in fixed.items()]
    return slug("+".join(parts))[:NAME_LENGTH] if parts else BASE


def find_factors(
    runs: Sequence[Mapping[str, Level]], overridden: Sequence[str], known: Mapping[str, Factor]
) -> dict[str, Factor]:
    """The factors of a study, found from its runs rather than declared.

    Args:
        runs: for each run its level at every key and group.
        overridden: the keys that were overridden for any of them; one that takes more than one level is a factor.
        known: the factors as they were typed, which gives the order of factors and levels; others follow in the order of
            their first run.
    """
    keys = dict.fromkeys(overridden)
    null = Level.of(None)
    factors = {}
    for key in dict.fromkeys([*(key for key in known if key in keys), *keys]):
        seen = dict.fromkeys(run.get(key, null) for run in runs)
        typed = [level for level in known[key] if level in seen] if key in known else []
        levels = dict.fromkeys([*typed, *seen])
        if len(levels) > 1:
            factors[key] = Factor(key, tuple(levels))
    return factors
