"""Guess which columns are factors."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.importers.column_names import (
    BLOCKS,
    FACTOR_PREFIX,
    MEASURED,
    METHODS,
    METRIC_PREFIX,
    OTHERS,
    RUNS,
    is_decimal,
    is_seed,
    is_spread,
    short,
)
from ablate.importers.metric_files import STEPS
from ablate.importers.numbers import is_numeric, parse
from ablate.importers.own_tables import BOOKKEEPING, is_of_runs, results_in
from ablate.importers.table import NO_SEED, Roles, Table

LISTED = 8  # caveats
DIFFERENT = "different in every run"


def factors(table: Table, roles: Roles) -> tuple[tuple[str, ...], list[str], list[str]]:
    """The factors; other columns that vary and might be meant, each with the reason against it; caveats about settings.

    A caveat names the settings that a tool has recorded whose effect cannot be told from that of a factor.
    """
    taken = [name for name in roles.named if name != roles.blocks]
    free = [name for name in table.columns if name not in taken and not METRIC_PREFIX.match(name)]
    of_runs = [*(BOOKKEEPING if is_of_runs(table) else ()), *results_in(table)]
    free = [name for name in free if name not in of_runs]
    found, left_out, caveats = _by_column(table, roles, [name for name in free if table.may_be(name, "config")])

    def take_out(names: Sequence[str], reason: str) -> None:
        for name in names:
            found.remove(name)
            left_out[name] = reason

    take_out(_logged(table, found, roles), "it changes during a run")
    take_out(_names_of_runs(table, found, roles), DIFFERENT)
    results = _results_among(table, found, roles.seed)
    take_out(results, "a result: it differs between the seeds of a configuration")
    caveats += [f"{name} is taken for a result, because it differs between the seeds of a configuration." for name in results]
    if (only := _name_of_single_runs(table, roles, free, found)) is not None:
        left_out.pop(only, None)
        take_out([*found], f"there is one run of each {only}")
        found = [only]
    if not found:
        raise UsageError(
            f"{table.source}: no column looks like a factor (the same level in several rows); name one with --factors. "
            "If there is a column for each seed or for each level of a factor, use `--wide seed` or `--wide NAME`, such as "
            f"`--wide method`. Available: {table.listed()}."
        )
    return tuple(found), [f"{name} ({reason})" for name, reason in left_out.items()], caveats[:LISTED]


def _by_column(table: Table, roles: Roles, names: Sequence[str]) -> tuple[list[str], dict[str, str], list[str]]:
    """What each column is by its own name and values: the factors, the reasons against others, and caveats."""
    found: dict[str, pd.Series] = {}
    left_out: dict[str, str] = {}
    caveats: list[str] = []
    for name in names:
        if roles.seed == NO_SEED and is_seed(table, name):
            left_out[name] = "runs are not paired"
            continue
        codes = pd.Series(table.frame[name].map(str).factorize()[0])
        levels, runs = int(codes.max()) + 1, len(table.frame)
        decimal = is_decimal(table, name)
        if levels < 2:
            continue
        if name not in table.kinds and _is_no_setting(table, name):
            if levels < runs:
                left_out[name] = "by its name; a factor with --factors"
        elif name not in table.kinds and (is_spread(table, name) or (decimal and _has_direction(name))):
            continue
        elif levels == runs or (levels > runs / 2 and decimal):
            left_out[name] = DIFFERENT + ("; a result with --metric" if decimal else "")
        elif twin := next((other for other, theirs in found.items() if _alike(codes, theirs)), None):
            left_out[name] = f"changes together with {twin}"
            if name in table.kinds:
                caveats.append(f"{name} changes together with {twin}: their effects cannot be told apart.")
        else:
            found[name] = codes
    return list(found), left_out, caveats


def _has_direction(name: str) -> bool:
    """Whether a column has the name of a metric whose direction is known."""
    return MetricSpec.guess(short(name)).better is not None


def _is_no_setting(table: Table, name: str) -> bool:
    """Whether a name is that of a cost, of how far a run came, or of something else that is measured."""
    if OTHERS.fullmatch(short(name)) or MEASURED.fullmatch(short(name)):
        return True
    counted = short(name) in STEPS or MetricSpec.guess(short(name)).role == "cost"
    return counted and is_numeric(table.frame[name], table.decimal)


def _name_of_single_runs(table: Table, roles: Roles, free: Sequence[str], found: Sequence[str]) -> str | None:
    """Of a table with one run of each configuration, the column of their names.

    It is the only column of texts that are all different, if there is no factor; or one called method, say, if its rows would
    be pooled by the other factors, unless its texts are made of their levels. Of the jobs of a known tool, it is the only
    setting that varies.
    """
    seeds = [] if roles.seed in (None, NO_SEED) else _varying(table, [roles.seed])
    if seeds or roles.step is not None:
        return None
    if table.kinds:
        settings = _varying(table, [name for name in free if table.kinds.get(name) == "config"])
        return settings[0] if len(settings) == 1 and not found else None
    names = [name for name in free if name != roles.blocks and short(name) not in BLOCKS and not OTHERS.fullmatch(short(name))]
    names = [name for name in names if not RUNS.fullmatch(short(name)) or short(name) == "name"]
    texts = [name for name in _varying(table, names) if parse(table.frame[name], table.decimal).wrong]
    names = [name for name in texts if not table.frame[name].duplicated().any()]
    if not found:
        return names[0] if len(names) == 1 else None
    others = table.frame[list(found)].map(str)
    if not others.duplicated().any():
        return None
    for name in (each for each in names if METHODS.fullmatch(short(each))):
        made_of = zip(table.frame[name].map(str), others.itertuples(index=False), strict=True)
        if not all(all(level in text for level in levels) for text, levels in made_of):
            return name
    return None


def _varying(table: Table, names: Sequence[str]) -> list[str]:
    return [name for name in names if len(table.frame[name].map(str).unique()) > 1]


def _logged(table: Table, factors: Sequence[str], roles: Roles) -> list[str]:
    """Columns of numbers, such as a learning rate that decays, that change from step to step of a run."""
    if roles.step is None:
        return []
    seed = [] if roles.seed in (None, NO_SEED) else [roles.seed]
    run = [roles.run] if roles.run else []
    frame = table.frame[[*factors, *seed, *run, roles.step]].map(str)
    numbers = [name for name in factors if is_numeric(table.frame[name], table.decimal)]
    numbers.sort(key=lambda name: len(set(frame[name])))  # what is set has fewer values than what it decays to
    kept = [name for name in factors if name not in numbers]
    for name in numbers:
        if not frame.duplicated([*kept, *seed, *run, roles.step]).any():
            break
        kept.append(name)
    of_run = [*kept, *seed, *run]
    if not of_run or frame.duplicated([*of_run, roles.step]).any():
        return []
    changing = [name for name in factors if name not in kept and frame.groupby(of_run)[name].nunique().max() > 1]
    steps = parse(table.frame[roles.step], table.decimal).values
    return [name for name in changing if not _sets_the_steps(frame[name], steps)]


def _sets_the_steps(column: pd.Series, steps: pd.Series) -> bool:
    """Whether each value has steps of its own, multiples of the first one: a batch size, if rows are written after epochs."""
    first = steps.groupby(column).transform("min")
    several = steps.groupby(column).nunique().min() > 1
    return bool(several and (first > 0).all() and (steps % first == 0).all())


def _names_of_runs(table: Table, factors: Sequence[str], roles: Roles) -> list[str]:
    """Columns called run, say, whose texts tell apart the same runs as the other factors and the seed."""
    names: list[str] = []
    if roles.seed is None or roles.seed == NO_SEED:
        return names
    for name in (each for each in factors if RUNS.fullmatch(short(each))):
        kept = [each for each in factors if each not in names]
        texts = table.frame[[*kept, roles.seed]].map(str)
        runs = len(texts.drop_duplicates())
        if len(kept) > 1 and runs == len(texts[name].unique()) == len(texts.drop(columns=name).drop_duplicates()):
            names.append(name)
    return names


def _results_among(table: Table, factors: Sequence[str], seed: str | None) -> list[str]:
    """Columns of integers, such as `best_epoch`, that vary between the seeds of the cells of the others.

    The others tell all runs apart, most seeds are in most of their cells, the seed alone does not decide the value, and the
    values do not group the seeds in nearly the same way in all cells, as where a baseline was trained with other seeds.
    """
    if seed is None or seed == NO_SEED:
        return []
    frame = table.frame[[*factors, seed]].map(str)
    numbers = [name for name in factors if not table.kinds and not FACTOR_PREFIX.match(name) and _is_whole(table, name)]
    kept = [name for name in factors if name not in numbers]
    for name in numbers:
        if kept and not frame.duplicated([*kept, seed]).any():
            break
        kept.append(name)
    cells, seeds = len(frame[kept].drop_duplicates()), frame[seed].nunique()
    if frame.duplicated([*kept, seed]).any() or 2 * len(frame) <= cells * seeds:
        return []
    rest = [name for name in numbers if name not in kept and not _groups_seeds(frame, [*kept, name], seed)]
    return [name for name in rest if frame.groupby(kept)[name].nunique().max() > 1 < frame.groupby(seed)[name].nunique().max()]


def _groups_seeds(frame: pd.DataFrame, factors: Sequence[str], seed: str) -> bool:
    """Whether any two cells have most of their seeds in common, or none."""
    groups = {frozenset(seeds) for _, seeds in frame.groupby(list(factors))[seed]}
    return all(2 * len(one & other) > len(one | other) for one, other in itertools.combinations(groups, 2) if one & other)


def _is_whole(table: Table, name: str) -> bool:
    """Whether a column holds integers, not only 0 and 1."""
    numbers = parse(table.frame[name], table.decimal)
    finite = numbers.values[np.isfinite(numbers.values)]
    return numbers.wrong is None and bool((finite % 1 == 0).all()) and bool((finite > 1).any())


def _alike(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns split the rows in the same way."""
    pairs = len(pd.DataFrame({"one": one, "other": other}).drop_duplicates())
    return pairs == int(one.max()) + 1 == int(other.max()) + 1
