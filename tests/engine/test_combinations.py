"""Which combinations of levels a design asks for."""

import pytest

from ablate.core.errors import UsageError
from ablate.engine.combinations import changes_of, combinations, key, once, refuse_unknown, with_baseline_first
from ablate.engine.compose import Level

OPTIONS = {"design": "factorial", "exclude": [], "changes": {}}


def levels(**factors: list) -> dict[str, list[Level]]:
    return {name: [Level(f"{name}={value}", value) for value in values] for name, values in factors.items()}


def test_the_baseline_comes_first_and_is_one_level() -> None:
    ordered = with_baseline_first(levels(x=[1, 2, 3], y=["a", "b"]), {"x": 3})
    assert [level.value for level in ordered["x"]] == [3, 1, 2]
    assert [level.value for level in with_baseline_first(levels(z=[[1], [2]]), {"z": [2]})["z"]] == [[2], [1]]
    with pytest.raises(UsageError, match=r"study.baseline: x=\[3, 2\]: one level"):
        with_baseline_first(levels(x=[1, 2, 3]), {"x": [3, 2]})


def test_cells_are_excluded_by_one_level_or_several_also_where_a_level_is_a_list() -> None:
    excluded = {**OPTIONS, "exclude": [{"x": [1, 2], "y": "a"}]}
    (kept,) = {tuple(map(key, cells)) for cells in combinations(levels(x=[1, 2, 3], y=["a", "b"]), excluded, [0, 1]).values()}
    assert kept == (("x=1", "y=b"), ("x=2", "y=b"), ("x=3", "y=a"), ("x=3", "y=b"))
    of_lists = combinations(levels(z=[[1], [2]]), {**OPTIONS, "exclude": [{"z": [2]}]}, [0])
    assert [cell["z"].value for cell in of_lists[0]] == [[1]]
    with pytest.raises(UsageError, match="no cell is left"):
        combinations(levels(x=[1]), {**OPTIONS, "exclude": [{"x": 1}]}, [0])


def test_a_path_of_five_changes_runs_two_orders_for_each_seed() -> None:
    five = levels(a=[0, 1], b=[0, 1], c=[0, 1], d=[0, 1], e=[0, 1])
    of_seeds = combinations(five, {**OPTIONS, "design": "path"}, [0, 1, 2])
    for cells in of_seeds.values():
        made = sorted(sum(level.value for level in cell.values()) for cell in cells)
        assert (made[0], made[-1]) == (0, 5)
        assert 6 <= len(cells) <= 10
    assert len({tuple(map(key, cells)) for cells in of_seeds.values()}) == 3
    assert len(once(of_seeds)) < sum(map(len, of_seeds.values()))  # the ends are in all


def test_factors_that_change_together_are_one_change() -> None:
    four = levels(norm=["a", "b"], shared=[False, True], stem=["d", "p"])
    changes = changes_of(four, {"norm": ["norm", "shared"]})
    assert changes == {"norm": ["norm", "shared"], "stem": ["stem"]}
    cells = combinations(four, {**OPTIONS, "design": "path", "changes": {"norm": ["norm", "shared"]}}, [0])[0]
    assert {(cell["norm"].value, cell["shared"].value) for cell in cells} == {("a", False), ("b", True)}
    assert len(cells) == 4
    with pytest.raises(UsageError, match="study.changes: width does not vary; what varies: norm, shared, stem"):
        changes_of(four, {"size": ["width"]})
    with pytest.raises(UsageError, match="study.changes: norm stands in two changes"):
        changes_of(four, {"one": ["norm"], "two": ["norm"]})
    with pytest.raises(UsageError, match="x has 3 levels"):
        changes_of(levels(x=[1, 2, 3]), {})


def test_a_slip_of_the_pen_in_a_condition_is_refused() -> None:
    factors = {"stem": ["pyramid", "direct"], "dropout": [True, False]}
    refuse_unknown("study.exclude", {"stem": ["direct"], "dropout": "true"}, factors)
    with pytest.raises(UsageError, match="study.exclude: step is no factor of this sweep; there are stem, dropout"):
        refuse_unknown("study.exclude", {"step": 1}, factors)
    with pytest.raises(UsageError, match="study.exclude: stem has no level dirct here; there are pyramid, direct"):
        refuse_unknown("study.exclude", {"stem": "dirct"}, factors)
