"""The design of a sweep: the combinations of levels that each seed runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ablate.core import designs
from ablate.core.cells import Cell, Condition
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.wording import counted
from ablate.core.zipping import Zip, split
from ablate.engine.options import StudyOptions
from ablate.engine.overrides import SweptFactor

PATH = "path"
SECONDS_PER_CELL = 0.003  # measured for a small configuration on one core
CONTROL = 1_000_000  # between a seed and that of its second run, with study.control=aa
REPEAT = 2_000_000  # between a seed and the number of its second run, with study.check_repeatable


def baseline_first(swept: Mapping[str, SweptFactor], baseline: Mapping[str, Any] | None) -> dict[str, SweptFactor]:
    """Reorder the levels so that those in study.baseline come first.

    Raises:
        UsageError: if study.baseline names an unknown factor or level, or several levels of one factor.
    """
    factors = {key: each.factor for key, each in swept.items()}
    condition = Condition.of(baseline or {}, factors)
    condition.check(factors, f"study.baseline={Level.of(baseline or {})}")
    ordered = dict(swept)
    for key, levels in condition.allowed.items():
        if len(levels) > 1:
            raise UsageError(f"study.baseline: {key}={Level.of((baseline or {})[key])}: expected a single level.")
        ordered[key] = swept[key].reordered(factors[key].level(levels[0]))
    return ordered


def count_cells(factors: Sequence[Factor], options: StudyOptions) -> int:
    """The number of cells of a design, before study.exclude is applied; counted without making any."""
    sizes = [len(factor) for factor in factors]
    if options.design == "factorial":
        return math.prod(sizes)
    if options.design == "one_at_a_time":
        return 1 + sum(size - 1 for size in sizes)
    changes = len(changes_of(factors, options.changes or {}))  # those that one seed runs
    return 2**changes if changes <= designs.EXACT_UP_TO else 2 * changes


def refuse_too_many(factors: Sequence[Factor], options: StudyOptions) -> None:
    """Raise a UsageError if a design has more cells than study.max_cells allows."""
    if (count := count_cells(factors, options)) > options.max_cells:
        levels = ", ".join(f"{factor.key} has {len(factor):,} levels" for factor in factors)
        minutes = count * SECONDS_PER_CELL / 60
        raise UsageError(
            f"this sweep has {count:,} configurations ({levels}), more than study.max_cells={options.max_cells}. Planning them "
            f"would take about {minutes:,.0f} minutes. If that is what you want, add study.max_cells={count}; "
            "study.design=one_at_a_time changes one factor at a time."
        )


def cells_by_seed(
    factors: Sequence[Factor], options: StudyOptions, seeds: Iterable[int], zips: Sequence[Zip] = ()
) -> dict[int, list[Cell]]:
    """The cells of the design for each seed, without those in study.exclude.

    Args:
        factors: the factors.
        options: the study options.
        seeds: the seeds.
        zips: the joint factors among the factors: the cells have the levels of their keys.

    Raises:
        UsageError: if the design does not support these factors, if a condition names an unknown factor or level, or if no
            cell is left.
    """
    by_key = {factor.key: factor for factor in factors}
    for each in zips:
        by_key |= {key: Factor(key, tuple(dict.fromkeys(part[key] for part in each.parts.values()))) for key in each.keys}
    conditions = [Condition.of(entry, by_key) for entry in options.exclude]
    for entry, condition in zip(options.exclude, conditions, strict=True):
        condition.check(by_key, f"study.exclude={Level.of(entry)}")
    if options.design == PATH:
        changes = changes_of(factors, options.changes or {})
        drawn = {seed: designs.permutation(seed, len(changes)) for seed in seeds}
        return {seed: _without(designs.path(factors, changes, order), conditions) for seed, order in drawn.items()}
    make = {"factorial": designs.factorial, "one_at_a_time": designs.one_at_a_time}[options.design]
    cells = [split(cell, zips) for cell in _without(make(factors), conditions, zips)]
    return dict.fromkeys(seeds, cells)


def changes_of(factors: Sequence[Factor], named: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The changes of a path: those in study.changes, and one for each other factor.

    Raises:
        UsageError: if a key is not a factor or is in two changes, or if a factor does not have exactly two levels.
    """
    keys = [factor.key for factor in factors]
    grouped = [key for group in named.values() for key in group]
    for key in grouped:
        if key not in keys:
            raise UsageError(f"study.changes: unknown factor '{key}'; available: {', '.join(keys) or 'none'}.")
        if grouped.count(key) > 1:
            raise UsageError(f"study.changes: {key} is in two changes.")
    if not factors:
        raise UsageError("study.design=path needs factors of two levels each, such as stem=direct,pyramid.")
    for factor in factors:
        if len(factor) != 2:
            has = counted(len(factor), "level")
            raise UsageError(f"study.design=path needs two levels of each factor: {factor.key} has {has}.")
    return {**{name: list(group) for name, group in named.items()}, **{key: [key] for key in keys if key not in grouped}}


def orders_by_seed(factors: Sequence[Factor], options: StudyOptions, seeds: Iterable[int]) -> dict[int, list[list[str]]]:
    """The order of the changes for each seed, each change as a list of factors; empty unless the design is a path."""
    if options.design != PATH:
        return {}
    changes = list(changes_of(factors, options.changes or {}).values())
    return {seed: [changes[position] for position in designs.permutation(seed, len(changes))] for seed in seeds}


def control_seeds(options: StudyOptions, seeds: Sequence[int]) -> dict[int, int]:
    """By the seed of a second run of the baseline the seed that it repeats; empty without study.control=aa.

    Raises:
        UsageError: if a seed of the study is one of a second run.
    """
    return _second_runs("control=aa", CONTROL, seeds, seeds) if options.control is not None else {}


def repeat_seeds(options: StudyOptions, seeds: Sequence[int]) -> dict[int, int]:
    """By the number of a second run with the same seed that seed; empty without study.check_repeatable. The first seed counts.

    Raises:
        UsageError: if a seed of the study is such a number.
    """
    return _second_runs("check_repeatable", REPEAT, seeds[:1], seeds) if options.check_repeatable else {}


def _second_runs(option: str, offset: int, repeated: Sequence[int], seeds: Sequence[int]) -> dict[int, int]:
    found = {seed + offset: seed for seed in repeated}
    if both := [seed for seed in found if seed in seeds]:
        raise UsageError(f"study.{option} repeats seed {found[both[0]]} as seed {both[0]}, which the study itself has as well.")
    return found


def baseline_cell(factors: Sequence[Factor], cells: Sequence[Cell], zips: Sequence[Zip] = ()) -> Cell:
    """The cell of all baseline levels.

    Raises:
        UsageError: if the study does not run it.
    """
    found = split(Cell({factor.key: factor.baseline for factor in factors}), zips)
    if found not in cells:
        raise UsageError(f"study.control=aa runs the baseline twice, but study.exclude omits it ({found.label}).")
    return found


def controls_of(factors: Sequence[Factor], options: StudyOptions) -> dict[str, list[tuple[Any, Any]]] | None:
    """By factor, pairs of a level and its capacity-matched control, as plain values; None if study.controls is not given.

    Raises:
        UsageError: if study.controls names an unknown factor or level, or a level as its own control.
    """
    if options.controls is None:
        return None
    by_key = {factor.key: factor for factor in factors}
    found: dict[str, list[tuple[Any, Any]]] = {}
    for key, pairs in options.controls.items():
        if key not in by_key:
            raise UsageError(f"study.controls: unknown factor '{key}'; available: {', '.join(by_key) or 'none'}.")
        levels = [tuple(by_key[key].level(each) for each in pair) for pair in pairs.items()]
        if same := [level for level, control in levels if level == control]:
            raise UsageError(f"study.controls: {key}={same[0]} cannot be its own control.")
        found[key] = [(level.value, control.value) for level, control in levels]
    return found


def distinct_cells(by_seed: Mapping[int, Sequence[Cell]]) -> list[Cell]:
    """All cells of all seeds, without duplicates."""
    lists = {id(cells): cells for cells in by_seed.values()}  # in most designs, all seeds have the same list
    return list(dict.fromkeys(cell for cells in lists.values() for cell in cells))


def _without(cells: Sequence[Cell], excluded: Sequence[Condition], zips: Sequence[Zip] = ()) -> list[Cell]:
    kept = [cell for cell in cells if not any(condition.holds({**cell, **split(cell, zips)}) for condition in excluded)]
    if not kept:
        raise UsageError(f"study.exclude: no configuration is left; excluded: {'; '.join(map(str, excluded))}.")
    return kept
