"""Which combinations of levels a command asks for: its design, its baseline, and what it excludes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.core import designs, seeding
from ablate.core.errors import UsageError
from ablate.engine.compose import Level

Combination = dict[str, Level]


def with_baseline_first(levels: Mapping[str, Sequence[Level]], baseline: Mapping[str, Any]) -> dict[str, list[Level]]:
    """The levels of each factor, the one that study.baseline names in front. Raises UsageError if it names none."""
    refuse_unknown(f"study.baseline={dict(baseline)}", baseline, _values(levels))
    ordered = {key: list(listed) for key, listed in levels.items()}
    for key, wanted in baseline.items():
        if not any(designs.same(level.value, wanted) for level in ordered[key]):
            raise UsageError(f"study.baseline: {key}={wanted}: one level.")
        ordered[key].sort(key=lambda level: not designs.same(level.value, wanted))
    return ordered


def combinations(
    levels: Mapping[str, Sequence[Level]], options: Mapping[str, Any], seeds: Sequence[int]
) -> dict[int, list[Combination]]:
    """For each seed, what the design asks of it, without the cells that study.exclude names. `options` is `study:`.

    Raises UsageError if the design cannot be had of these levels, if a condition names none of them, or if nothing is left.
    """
    for condition in options["exclude"]:
        refuse_unknown(f"study.exclude={condition}", condition, _values(levels))
    if options["design"] == "path":
        changes = changes_of(levels, options["changes"] or {})
        return {seed: _kept(_path(levels, changes, seed), options["exclude"]) for seed in seeds}
    make = {"factorial": designs.factorial, "one_at_a_time": designs.one_at_a_time}[options["design"]]
    return dict.fromkeys(seeds, _kept(make(levels), options["exclude"]))


def changes_of(levels: Mapping[str, Sequence[Level]], named: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The changes of a path: those that study.changes names, and each other factor as one of its own."""
    grouped = [key for keys in named.values() for key in keys]
    for key in grouped:
        if key not in levels or grouped.count(key) > 1:
            trouble = "stands in two changes" if key in levels else f"does not vary; what varies: {', '.join(levels)}"
            raise UsageError(f"study.changes: {key} {trouble}.")
    for key, listed in levels.items():
        if len(listed) != 2:
            said = f"{key} has {len(listed)} level" + ("" if len(listed) == 1 else "s")
            raise UsageError(f"study.design=path goes from one level to another: {said}.")
    if not levels:
        raise UsageError("study.design=path needs factors of two levels each, such as stem=direct,pyramid.")
    return {**{name: list(keys) for name, keys in named.items()}, **{key: [key] for key in levels if key not in grouped}}


def permutation(seed: int, changes: int) -> list[int]:
    """The order that a seed draws of so many changes."""
    drawn: list[int] = seeding.stream(seed, "order of changes").permutation(changes).tolist()
    return drawn


def once(of_seeds: Mapping[int, Sequence[Combination]]) -> list[Combination]:
    """Every combination that a seed runs, each once."""
    different = {id(listed): listed for listed in of_seeds.values()}  # of most designs, every seed has the very same list
    return list({key(combination): combination for listed in different.values() for combination in listed}.values())


def key(combination: Mapping[str, Level]) -> tuple[str, ...]:
    """What tells one combination from another: the overrides that ask for it."""
    return tuple(level.override for level in combination.values())


def refuse_unknown(said: str, condition: Mapping[str, Any], factors: Mapping[str, Sequence[Any]]) -> None:
    """Raises UsageError if a condition names no factor, or a level that its factor does not take: a slip of the pen."""
    for factor, wanted in condition.items():
        if factor not in factors:
            raise UsageError(f"{said}: {factor} is no factor of this sweep; there are {', '.join(factors) or 'none'}.")
        for level in designs.alternatives(wanted, factors[factor]):
            if not any(designs.same(level, known) for known in factors[factor]):
                there = ", ".join(designs.say(known) for known in factors[factor])
                raise UsageError(f"{said}: {factor} has no level {designs.say(level)} here; there are {there}.")


def _path(levels: Mapping[str, Sequence[Level]], changes: Mapping[str, Sequence[str]], seed: int) -> list[Combination]:
    return designs.path(levels, changes, permutation(seed, len(changes)))


def _kept(listed: Sequence[Combination], excluded: Sequence[Mapping[str, Any]]) -> list[Combination]:
    def meets(combination: Combination, condition: Mapping[str, Any]) -> bool:
        return designs.matches({factor: level.value for factor, level in combination.items()}, condition)

    kept = [combination for combination in listed if not any(meets(combination, condition) for condition in excluded)]
    if not kept:
        raise UsageError(f"study.exclude={list(excluded)}: no cell is left.")
    return kept


def _values(levels: Mapping[str, Sequence[Level]]) -> dict[str, list[Any]]:
    return {factor: [level.value for level in listed] for factor, listed in levels.items()}
