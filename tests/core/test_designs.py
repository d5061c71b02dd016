"""Designs, the order of cells, and the names of studies."""

import math

import pytest

from ablate.core.cells import Cell
from ablate.core.designs import (
    coalitions,
    factorial,
    find_factors,
    on_the_way,
    one_at_a_time,
    orders,
    path,
    permutation,
    shuffled,
    slug,
    study_name,
)
from ablate.core.levels import Factor

X, Y = Factor.of("x", [1, 2, 3]), Factor.of("y", ["a", "b"])


def read(cells: list[Cell]) -> list[tuple[object, ...]]:
    return [tuple(level.value for level in cell.values()) for cell in cells]


def test_a_factorial_has_every_combination_and_one_at_a_time_the_baseline_and_each_change() -> None:
    assert read(factorial([X, Y])) == [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "b")]
    assert read(one_at_a_time([X, Y])) == [(1, "a"), (2, "a"), (3, "a"), (1, "b")]
    assert factorial([]) == one_at_a_time([]) == [Cell({})]


def test_a_path_of_few_changes_runs_all_their_combinations() -> None:
    assert read(path([Factor.of("x", [1, 2]), Y], {"x": ["x"], "y": ["y"]}, [1, 0])) == [(1, "a"), (2, "a"), (1, "b"), (2, "b")]
    assert read(path([Factor.of("x", [1, 2]), Y], {"both": ["x", "y"]}, [0])) == [(1, "a"), (2, "b")]


def test_a_path_of_many_changes_runs_an_order_and_its_reverse() -> None:
    names = list("abcde")
    found = coalitions(names, [4, 3, 2, 1, 0])
    assert len(found) == 2 * 5
    assert [sorted(each) for each in found[:3]] == [[], ["e"], ["d", "e"]]
    assert frozenset("a") in found
    with pytest.raises(ValueError, match="5 changes need a permutation: at most 4 run in all combinations"):
        coalitions(names)
    assert len(coalitions(names[:4])) == 2**4


def test_an_order_has_a_reverse_and_needs_a_permutation() -> None:
    assert orders("abc", [2, 0, 1]) == (("c", "a", "b"), ("b", "a", "c"))
    assert on_the_way(["c", "a"]) == [frozenset(), frozenset("c"), frozenset("ca")]
    with pytest.raises(ValueError, match=r"\[0, 0, 1\] is not a permutation of range\(3\)"):
        orders("abc", [0, 0, 1])


def test_each_seed_draws_its_own_orders_and_draws_them_again() -> None:
    cells = list("abcdefgh")
    drawn = [shuffled(cells, seed) for seed in range(4)]
    assert all(sorted(order) == cells for order in drawn)
    assert len({tuple(order) for order in drawn}) == 4
    assert shuffled(cells, 0) == drawn[0]
    assert len({tuple(permutation(seed, 5)) for seed in range(40)}) > 25  # of 120
    assert permutation(3, 5) == permutation(3, 5)


def test_the_first_change_of_an_order_is_any_of_them_equally_often() -> None:
    firsts = [permutation(seed, 5)[0] for seed in range(1000)]
    for change in range(5):
        assert abs(firsts.count(change) - 200) < 4 * math.sqrt(1000 * 0.2 * 0.8)


def test_factors_are_what_was_overridden_and_varies() -> None:
    runs = [
        Cell.of({"stem": "direct", "dropout": True, "lr": 1, "hidden": 1}),
        Cell.of({"stem": "pyramid", "dropout": True, "lr": 2, "hidden": 2}),
        Cell.of({"stem": "pyramid", "dropout": True, "hidden": 2}),
    ]
    known = {"stem": Factor.of("stem", ["pyramid", "direct", "gone"])}
    factors = find_factors(runs, ["lr", "stem", "dropout"], known)
    assert list(factors) == ["stem", "lr"]
    assert factors["stem"] == Factor.of("stem", ["pyramid", "direct"])
    assert factors["lr"] == Factor.of("lr", [1, 2, None])


def test_a_study_is_named_by_what_was_typed() -> None:
    assert study_name(["model.dropout", "stem"], {}) == "dropout+stem"
    assert study_name(["stem"], {"data": "images", "data.root": "../x/cifar.zip"}) == "stem+data=images+root=cifar.zip"
    assert study_name([], {}) == "base"


def test_a_slug_can_be_a_file_name() -> None:
    assert slug("a/b c:[1, 2]") == "a_b_c_1,_2"
    assert slug("../..") == "_"


def test_the_name_of_a_study_is_a_file_name() -> None:
    assert len(study_name([], {"data.root": "字" * 120}).encode()) <= 200
