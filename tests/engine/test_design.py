"""Which combinations of levels a design asks for."""

import pytest

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.engine.design import (
    CONTROL,
    baseline_cell,
    baseline_first,
    cells_by_seed,
    changes_of,
    control_seeds,
    controls_of,
    count_cells,
    distinct_cells,
    orders_by_seed,
    refuse_too_many,
)
from ablate.engine.options import StudyOptions
from ablate.engine.overrides import SweptFactor


def factors(**levels: list) -> list[Factor]:
    return [Factor.of(key, values) for key, values in levels.items()]


def swept(**levels: list) -> dict[str, SweptFactor]:
    return {each.key: SweptFactor(each, {level: f"{each.key}={level}" for level in each}, {}) for each in factors(**levels)}


def test_the_baseline_comes_first_and_is_one_level() -> None:
    ordered = baseline_first(swept(x=[1, 2, 3], y=["a", "b"]), {"x": 3})
    assert [level.value for level in ordered["x"].factor] == [3, 1, 2]
    assert [level.value for level in baseline_first(swept(z=[[1], [2]]), {"z": [2]})["z"].factor] == [[2], [1]]
    assert baseline_first(swept(x=[1, 2]), None)["x"].factor.baseline == Level.of(1)
    with pytest.raises(UsageError, match=r"study.baseline: x=\[3, 2\]: expected a single level"):
        baseline_first(swept(x=[1, 2, 3]), {"x": [3, 2]})
    with pytest.raises(UsageError, match=r"study.baseline={z: 3}: unknown factor 'z'; available: x."):
        baseline_first(swept(x=[1, 2, 3]), {"z": 3})


def test_cells_are_excluded_by_one_level_or_several_also_where_a_level_is_a_list() -> None:
    options = StudyOptions(exclude=[{"x": [1, 2], "y": "a"}])
    by_seed = cells_by_seed(factors(x=[1, 2, 3], y=["a", "b"]), options, [0, 1])
    assert by_seed[0] is by_seed[1]
    assert [cell.label for cell in by_seed[0]] == ["x=1,y=b", "x=2,y=b", "x=3,y=a", "x=3,y=b"]
    of_lists = cells_by_seed(factors(z=[[1], [2]]), StudyOptions(exclude=[{"z": [2]}]), [0])
    assert of_lists[0] == [Cell.of({"z": [1]})]
    with pytest.raises(UsageError, match="study.exclude: no configuration is left; excluded: x=1."):
        cells_by_seed(factors(x=[1]), StudyOptions(exclude=[{"x": 1}]), [0])


def test_a_typing_error_in_a_condition_is_refused() -> None:
    both = factors(stem=["pyramid", "direct"], dropout=[True, False])
    assert len(cells_by_seed(both, StudyOptions(exclude=[{"stem": ["direct"], "dropout": "true"}]), [0])[0]) == 3
    with pytest.raises(UsageError, match=r"study.exclude={step: 1}: unknown factor 'step'; available: stem, dropout."):
        cells_by_seed(both, StudyOptions(exclude=[{"step": 1}]), [0])
    with pytest.raises(UsageError, match="stem has no level dirct; available: pyramid, direct"):
        cells_by_seed(both, StudyOptions(exclude=[{"stem": "dirct"}]), [0])


def test_a_path_of_five_changes_runs_two_orders_for_each_seed() -> None:
    five = factors(a=[0, 1], b=[0, 1], c=[0, 1], d=[0, 1], e=[0, 1])
    options = StudyOptions(design="path")
    by_seed = cells_by_seed(five, options, [0, 1, 2])
    for cells in by_seed.values():
        made = sorted(sum(level.value for level in cell.values()) for cell in cells)
        assert (made[0], made[-1]) == (0, 5)
        assert 6 <= len(cells) <= 10
    assert len({tuple(cells) for cells in by_seed.values()}) == 3
    assert len(distinct_cells(by_seed)) < sum(map(len, by_seed.values()))  # the ends are in all
    orders = orders_by_seed(five, options, [0, 1, 2])
    assert sorted(orders[0]) == [["a"], ["b"], ["c"], ["d"], ["e"]] != orders[0]
    assert orders_by_seed(five, StudyOptions(), [0]) == {}


def test_factors_that_change_together_are_one_change() -> None:
    four = factors(norm=["a", "b"], shared=[False, True], stem=["d", "p"])
    changes = {"norm": ["norm", "shared"]}
    assert changes_of(four, changes) == {"norm": ["norm", "shared"], "stem": ["stem"]}
    cells = cells_by_seed(four, StudyOptions(design="path", changes=changes), [0])[0]
    assert {(cell["norm"].value, cell["shared"].value) for cell in cells} == {("a", False), ("b", True)}
    assert len(cells) == 4


@pytest.mark.parametrize(
    ("levels", "named", "message"),
    [
        ({"stem": ["d", "p"]}, {"size": ["width"]}, "study.changes: unknown factor 'width'; available: stem."),
        ({"stem": ["d", "p"]}, {"one": ["stem"], "two": ["stem"]}, "study.changes: stem is in two changes."),
        ({"x": [1, 2, 3]}, {}, "study.design=path needs two levels of each factor: x has 3 levels."),
        ({}, {}, "study.design=path needs factors of two levels each, such as stem=direct,pyramid."),
    ],
)
def test_changes_that_make_no_path_are_refused(levels: dict, named: dict, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        changes_of(factors(**levels), named)
    assert str(caught.value) == message


@pytest.mark.parametrize("design", ["factorial", "one_at_a_time", "path"])
def test_cells_are_counted_without_making_them(design: str) -> None:
    options = StudyOptions(design=design)
    known = factors(x=[1, 2], y=["a", "b"], z=[True, False], u=[0, 1], v=[0, 1])
    assert count_cells(known, options) == len(cells_by_seed(known, options, [0])[0])


def test_a_million_configurations_are_refused_before_one_is_composed() -> None:
    known = [Factor.of(key, range(100)) for key in "abc"]
    with pytest.raises(UsageError) as error:
        refuse_too_many(known, StudyOptions())
    assert str(error.value).startswith(
        "this sweep has 1,000,000 configurations (a has 100 levels, b has 100 levels, c has 100 levels), more than "
        "study.max_cells=10000. Planning them would take about 50 minutes. If that is what you want, add study.max_cells=1000000;"
    )
    refuse_too_many(known, StudyOptions(max_cells=1_000_000))
    refuse_too_many(known, StudyOptions(design="one_at_a_time"))


def test_the_baseline_is_run_again_under_seeds_of_its_own() -> None:
    options = StudyOptions(control="aa")
    assert control_seeds(StudyOptions(), [0, 3]) == {}
    assert control_seeds(options, [0, 3]) == {CONTROL: 0, CONTROL + 3: 3}
    with pytest.raises(UsageError, match="study.control=aa repeats seed 1 as seed 1000001, which the study itself has as well"):
        control_seeds(options, [1, 1_000_001])
    listed = factors(x=[1, 2], y=["a", "b"])
    cells = cells_by_seed(listed, options, [0])[0]
    assert baseline_cell(listed, cells) == Cell.of({"x": 1, "y": "a"})
    with pytest.raises(UsageError, match=r"study.control=aa runs the baseline twice, but study.exclude omits it \(x=1,y=a\)"):
        baseline_cell(listed, cells[1:])


def test_a_level_has_another_level_as_its_control() -> None:
    listed = factors(width=["normal", "wide", "matched"])
    assert controls_of(listed, StudyOptions(controls={"width": {"wide": "matched"}})) == {"width": [("wide", "matched")]}
    for controls, said in (
        ({"depth": {"wide": "matched"}}, "study.controls: unknown factor 'depth'; available: width"),
        ({"width": {"wide": "narrow"}}, "width has no level narrow; available: normal, wide, matched"),
        ({"width": {"wide": "wide"}}, "study.controls: width=wide cannot be its own control"),
    ):
        with pytest.raises(UsageError, match=said):
            controls_of(listed, StudyOptions(controls=controls))
