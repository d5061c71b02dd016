"""Paired levels as one factor."""

import pytest

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.zipping import Zip, joint_factors, joint_levels, joint_name, split, with_joint_keys


def typed(**levels: list) -> dict[str, list[Level]]:
    return {key: [Level.of(value) for value in values] for key, values in levels.items()}


def test_levels_are_paired_by_position_even_if_they_are_repeated() -> None:
    size = Zip.of("size", typed(depth=[2, 4, 8, 2], width=[128, 64, 64, 128]))
    assert [str(level) for level in size.factor] == ["2/128", "4/64", "8/64"]
    assert size.keys == ["depth", "width"]
    stem = Factor.of("stem", ["a", "b"])
    factors = joint_factors([Factor.of("depth", [2, 4, 8]), stem, Factor.of("width", [128, 64])], [size])
    assert [factor.key for factor in factors] == ["size", "stem"]
    assert split(Cell({"size": size.factor.levels[1], "stem": stem.baseline}), [size]) == Cell.of(
        {"depth": 4, "width": 64, "stem": "a"}
    )
    assert split(Cell.of({"x": 1}), []) == Cell.of({"x": 1})


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(UsageError, match="the numbers of levels differ: depth has 2, width has 3"):
        Zip.of("size", typed(depth=[2, 4], width=[1, 2, 3]))
    with pytest.raises(UsageError, match="two combinations have the same name, a/b/c"):
        Zip.of("size", typed(x=["a/b", "a"], y=["c", "b/c"]))


def test_another_baseline_is_a_combination() -> None:
    size = Zip.of("size", typed(depth=[2, 4, 8], width=[128, 64, 64]))
    assert size.beginning_with({"width": Level.of(64)}).factor.baseline == Level.of("4/64")
    assert size.beginning_with({"depth": Level.of(8)}).factor.levels == tuple(map(Level.of, ["8/64", "2/128", "4/64"]))
    with pytest.raises(UsageError, match=r"study.zip has no depth=2,width=64; available: 2/128, 4/64, 8/64"):
        size.beginning_with({"depth": Level.of(2), "width": Level.of(64)})


def test_names_and_levels_of_runs() -> None:
    assert joint_name(["a.lr", "b.lr"]) == "a.lr+b.lr"
    assert with_joint_keys(["x", "b", "y", "a"], {"ab": ["a", "b"]}) == ["x", "ab", "y"]
    levels = {"a": Level.of(None), "b": Level.of(True)}
    assert joint_levels(levels, {"ab": ["a", "b"], "ac": ["a", "c"]}) == {"ab": Level.of("null/true")}
