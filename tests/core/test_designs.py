"""Factors are found, cells are named and ordered."""

from ablate.core.designs import (
    Factor,
    factorial,
    find_factors,
    label,
    levels_of,
    matches,
    one_at_a_time,
    reason_to_leave_out,
    same,
    say,
    short_names,
    shuffled,
    slug,
    study_name,
)


def test_a_group_takes_its_level_from_the_file_and_a_key_from_its_value() -> None:
    levels = levels_of({"stem": "pyramid"}, {"stem": {"widths": [6, 12]}, "model": {"dropout": True}})
    assert levels == {"stem": "pyramid", "stem.widths": "[6, 12]", "model.dropout": True}


def test_factors_are_what_was_overridden_and_varies() -> None:
    runs = [
        {"stem": "direct", "dropout": True, "lr": 1, "hidden": 1},
        {"stem": "pyramid", "dropout": True, "lr": 2, "hidden": 2},
    ]
    factors = find_factors(runs, overridden=["lr", "stem", "dropout"], known={"stem": ["pyramid", "direct", "gone"]})
    assert factors == [Factor("stem", ("pyramid", "direct")), Factor("lr", (1, 2))]


def test_names_are_short_where_they_can_be() -> None:
    assert short_names(["model.dropout", "stem"]) == {"model.dropout": "dropout", "stem": "stem"}
    assert short_names(["model.width", "stem.width"]) == {"model.width": "model.width", "stem.width": "stem.width"}
    assert label({"model.dropout": True, "stem": "direct"}) == "dropout=true,stem=direct"
    assert label({}) == "base"
    assert [say(level) for level in (None, False, 0.5, "x")] == ["null", "false", "0.5", "x"]


def test_a_study_is_named_by_what_was_typed() -> None:
    assert study_name(["model.dropout", "stem"], {}) == "dropout+stem"
    assert study_name(["stem"], {"data": "images", "data.root": "../x/cifar.zip"}) == "stem+data=images+root=cifar.zip"
    assert study_name([], {}) == "base"


def test_a_slug_can_be_a_file_name() -> None:
    assert slug("a/b c:[1, 2]") == "a_b_c_1,_2"
    assert slug("../..") == "_"


def test_each_seed_orders_the_cells_in_its_own_way() -> None:
    cells = list("abcdefgh")
    orders = [shuffled(cells, seed) for seed in range(4)]
    assert all(sorted(order) == cells for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert shuffled(cells, 0) == orders[0]


def test_a_factorial_has_every_combination_and_one_at_a_time_the_baseline_and_each_change() -> None:
    levels = {"x": [1, 2, 3], "y": ["a", "b"]}
    assert [tuple(cell.values()) for cell in factorial(levels)] == [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "b")]
    assert [tuple(cell.values()) for cell in one_at_a_time(levels)] == [(1, "a"), (2, "a"), (3, "a"), (1, "b")]
    assert factorial({}) == one_at_a_time({}) == [{}]


def test_a_condition_names_levels_however_they_were_typed() -> None:
    levels = {"stem": "direct", "dropout": True, "rate": 0.5, "size": None}
    assert matches(levels, {"stem": ["direct", "gentle"], "dropout": "true"})
    assert matches(levels, {"size": "null", "rate": 0.5})
    assert not matches(levels, {"stem": "direct", "dropout": False})
    assert not matches(levels, {"nowhere": 1})
    assert same(1, 1.0)
    assert not same(1, True)
    assert not same(0, False)


def test_a_run_is_left_out_for_the_first_reason_that_fits() -> None:
    entries = [{"stem": "direct", "seed": 3, "reason": "the disk failed"}, {"stem": "direct", "reason": "a bug"}]
    assert reason_to_leave_out(entries, {"stem": "direct", "seed": 3}) == "the disk failed"
    assert reason_to_leave_out(entries, {"stem": "direct", "seed": 4}) == "a bug"
    assert reason_to_leave_out(entries, {"stem": "pyramid", "seed": 3}) is None
