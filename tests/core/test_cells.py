"""Cells, and conditions that select some of them."""

import pytest

from ablate.core.cells import Cell, Condition, LeaveOut, common, reason_to_leave_out
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level

FACTORS = {"stem": Factor.of("stem", ["direct", "pyramid"]), "model.dropout": Factor.of("model.dropout", [True, False])}


def test_a_cell_is_a_mapping_with_a_label() -> None:
    cell = Cell.of({"model.dropout": True, "stem": "pyramid"})
    assert cell.label == "dropout=true,stem=pyramid"
    assert cell["stem"] == Level.of("pyramid")
    assert list(cell) == ["model.dropout", "stem"]
    assert cell.values_by_key == {"model.dropout": True, "stem": "pyramid"}
    assert Cell.of({}).label == "base"


def test_equal_levels_make_equal_cells() -> None:
    assert Cell.of({"lr": 1}) == Cell.of({"lr": 1.0})
    assert len({Cell.of({"lr": 1}), Cell.of({"lr": "1"}), Cell.of({"lr": 2})}) == 2
    assert Cell.of({"lr": 1}) != Cell.of({"x": 1})


def test_a_cell_tells_what_changed_from_the_baseline() -> None:
    baseline = Cell.of({"model.dropout": True, "stem": "direct"})
    assert Cell.of({"model.dropout": False, "stem": "direct"}).changed(baseline).label == ["model", "dropout=false"][1]
    assert not baseline.changed(baseline)


def test_a_condition_names_levels_however_they_were_typed() -> None:
    levels = Cell.of({"stem": "direct", "dropout": True, "rate": 0.5, "size": None})
    assert Condition.of({"stem": ["direct", "gentle"], "dropout": "true"}).holds(levels)
    assert Condition.of({"size": "null", "rate": 0.5}).holds(levels)
    assert not Condition.of({"stem": "direct", "dropout": False}).holds(levels)
    assert not Condition.of({"nowhere": 1}).holds(levels)
    assert Condition.of({}).holds(levels)
    assert not Condition.of({})


def test_a_list_means_alternatives_unless_it_is_a_level_itself() -> None:
    widths = {"widths": Factor.of("widths", [[6, 12], [8, 24]])}
    assert str(Condition.of({"widths": [6, 12]}, widths)) == "widths=[6, 12]"
    assert str(Condition.of({"widths": [[6, 12], [8, 24]]}, widths)) == "widths=[6, 12] or [8, 24]"
    assert Condition.of({"widths": [6, 12]}, widths).holds(Cell.of({"widths": [6, 12]}))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"stemm": "direct"}, "study.exclude: unknown factor 'stemm'; available: stem, model.dropout."),
        ({"stem": "odd"}, "study.exclude: stem has no level odd; available: direct, pyramid."),
        ({"stem": ["direct", "odd"]}, "study.exclude: stem has no level odd; available: direct, pyramid."),
    ],
)
def test_an_unknown_name_in_a_condition_is_refused(condition: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        Condition.of(condition, FACTORS).check(FACTORS, "study.exclude")
    assert str(refused.value) == message


def test_facts_are_what_all_have_in_common() -> None:
    cells = [Cell.of({"a": 1, "b": 2}), Cell.of({"a": 1.0, "b": 3}), Cell.of({"a": "1"})]
    assert common(cells) == {"a": Level.of(1)}
    assert common([]) == {}


def test_a_run_is_left_out_for_the_first_reason_that_fits() -> None:
    entries = [
        LeaveOut.of({"stem": "direct", "seed": 3, "reason": "the disk failed"}),
        LeaveOut.of({"stem": "direct", "reason": "a bug"}),
    ]
    assert reason_to_leave_out(entries, Cell.of({"stem": "direct", "seed": 3})) == "the disk failed"
    assert reason_to_leave_out(entries, Cell.of({"stem": "direct", "seed": 4})) == "a bug"
    assert reason_to_leave_out(entries, Cell.of({"stem": "pyramid", "seed": 3})) is None


@pytest.mark.parametrize("entry", [{"reason": "x"}, {"stem": "direct"}, {"stem": "direct", "reason": " "}, "stem"])
def test_leaving_out_needs_a_condition_and_a_reason(entry: object) -> None:
    with pytest.raises(UsageError, match=r"study\.leave_out: expected a condition and a reason, such as"):
        LeaveOut.of(entry)  # type: ignore[arg-type]
