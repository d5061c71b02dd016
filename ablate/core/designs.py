"""Experimental designs: the cells of a study, the seeds that run them, and the order of the runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from ablate.core import seeding
from ablate.core.cells import BASE, Cell
from ablate.core.levels import Factor, Level, short_names
from ablate.core.text import NAME_BYTES, cut_to_bytes

Coalition = frozenset[str]  # the changes that have been applied
EXACT_UP_TO = 4  # up to so many changes, all combinations are run
NAME_LENGTH = 120  # of the default name of a study


def factorial(factors: Sequence[Factor]) -> list[Cell]:
    """All combinations of levels; the last factor varies fastest."""
    keys = [factor.key for factor in factors]
    levels = (factor.levels for factor in factors)
    return [Cell(dict(zip(keys, combination, strict=True))) for combination in itertools.product(*levels)]


def one_at_a_time(factors: Sequence[Factor]) -> list[Cell]:
    """The baseline (every factor at its first level), then one cell for each other level of each factor."""
    baseline = {factor.key: factor.baseline for factor in factors}
    others = ({**baseline, factor.key: level} for factor in factors for level in factor.levels[1:])
    return [Cell(baseline), *map(Cell, others)]


def path(factors: Sequence[Factor], changes: Mapping[str, Sequence[str]], permutation: Sequence[int]) -> list[Cell]:
    """The cells that one seed runs between a first and a last configuration, see `coalitions`.

    Args:
        factors: each with two levels, that of the first configuration and that of the last.
        changes: by the name of each change, the factors that change together; every factor is in exactly one change.
        permutation: the order of the changes for this seed, as a permutation of range(k).
    """
    change_of = {key: name for name, keys in changes.items() for key in keys}
    return [
        Cell({factor.key: factor.levels[change_of[factor.key] in coalition] for factor in factors})
        for coalition in coalitions(list(changes), permutation)
    ]


def orders(changes: Sequence[str], permutation: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A permutation of range(k) as an order of the changes, and the reverse order."""
    if sorted(permutation) != list(range(len(changes))):
        raise ValueError(f"{list(permutation)} is not a permutation of range({len(changes)}).")
    order = tuple(changes[index] for index in permutation)
    return order, order[::-1]


def on_the_way(order: Sequence[str]) -> list[Coalition]:
    """The k + 1 nested coalitions of an order, from no change to all changes."""
    return [frozenset(order[:made]) for made in range(len(order) + 1)]


def coalitions(changes: Sequence[str], permutation: Sequence[int] | None = None) -> list[Coalition]:
    """The coalitions that one seed runs: all 2^k for up to four changes, otherwise those along its order and the reverse order.

    Raises:
        ValueError: if there are more than four changes and no permutation.
    """
    if len(changes) <= EXACT_UP_TO:
        sizes = range(len(changes) + 1)
        return [frozenset(chosen) for size in sizes for chosen in itertools.combinations(changes, size)]
    if permutation is None:
        raise ValueError(f"{len(changes)} changes need a permutation: at most {EXACT_UP_TO} run in all combinations.")
    return list(dict.fromkeys(coalition for order in orders(changes, permutation) for coalition in on_the_way(order)))


def permutation(seed: int, changes: int) -> list[int]:
    """The random order of so many changes for one seed."""
    drawn: list[int] = seeding.stream(seed, "order of changes").permutation(changes).tolist()
    return drawn


def shuffled(cells: Sequence[str], seed: int) -> list[str]:
    """The order of the cells in the block of one seed: random, so that drift over time is not confounded with a factor."""
    order = seeding.stream(seed, "order of cells").permutation(len(cells))
    return [cells[index] for index in order]


def slug(text: str) -> str:
    """Convert text for use in a file name: letters, digits and a few characters that no shell interprets."""
    return re.sub(r"[^\w.,=+-]+", "_", text).strip("_.") or "_"


def study_name(swept: Sequence[str], fixed: Mapping[str, str]) -> str:
    """The default name of a study: the swept keys, then the fixed choices that differ from the defaults.

    The same command always gives the same name, and another data set gives another one. Of a path, only the last part is used.

    >>> study_name(["model.dropout", "stem"], {"data.root": "images/cats.zip"})
    'dropout+stem+root=cats.zip'
    """
    names = short_names([*swept, *fixed])
    parts = [names[key] for key in swept]
    parts += [f"{names[key]}={PurePath(value).name or value}" for key, value in fixed.items()]
    return cut_to_bytes(slug("+".join(parts))[:NAME_LENGTH], NAME_BYTES).rstrip(".") if parts else BASE


def find_factors(
    runs: Sequence[Mapping[str, Level]], overridden: Sequence[str], known: Mapping[str, Factor]
) -> dict[str, Factor]:
    """Determine the factors of a study from its runs.

    Args:
        runs: for each run, its level for every key and config group.
        overridden: the keys that were overridden in any run; those with more than one level are factors.
        known: the factors as typed, which determine the order of factors and levels; others follow in order of appearance.
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
