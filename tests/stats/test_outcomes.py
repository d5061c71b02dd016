"""Outcomes: which run stands where, and which is a hole."""

import math

import numpy as np
import pandas as pd
import pytest

from ablate.core.cells import Cell, Condition
from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.stats.contrasts import every_contrast
from ablate.stats.outcomes import Outcomes, limit_of, values_of
from tests.stats.conftest import outcomes, results_of, study

TWO = {"dropout": [True, False], "stem": ["pyramid", "direct"]}


def at(**levels: object) -> Cell:
    return Cell.of(levels)


def accuracy(levels: dict, seed: int | str) -> float:
    seed = int(str(seed).removeprefix("s"))
    return 0.8 + 0.1 * (levels["stem"] == "pyramid") + 0.01 * levels["dropout"] + 0.001 * seed


def test_a_row_a_seed_and_a_column_a_cell() -> None:
    found = outcomes(study(TWO, accuracy, seeds=[3, 1]), "accuracy")
    assert found.outcomes.index.tolist() == [1, 3]
    assert found.outcomes.shape == (2, 4)
    assert found.outcomes.loc[3, found.cells[at(dropout=False, stem="pyramid")]] == pytest.approx(0.903)


@pytest.mark.parametrize("status", ["running", "failed", "interrupted", "diverged"])
def test_a_run_that_did_not_finish_is_a_hole_even_with_a_value(status: str) -> None:
    runs = study(TWO, accuracy)
    runs.loc[0, "status"] = status
    found = outcomes(runs, "accuracy")
    cell = found.cells[at(dropout=True, stem="pyramid")]
    assert math.isnan(found.outcomes.loc[0, cell])
    assert found.outcomes.isna().sum().sum() == 1
    assert bool(found.diverged.loc[0, cell]) == (status == "diverged")
    assert found.diverged.sum().sum() == (status == "diverged")
    assert found.with_diverged_at(0.1).outcomes.isna().sum().sum() == (status != "diverged")


def test_a_run_that_a_person_left_out_is_a_hole_and_no_divergence() -> None:
    runs = study(TWO, accuracy)
    runs.loc[0, "left_out"] = "the disk was full"
    runs.loc[1, ["left_out", "status"]] = ["the wrong images", "diverged"]
    found = outcomes(runs, "accuracy")
    assert found.outcomes.isna().sum().sum() == 2
    assert not found.diverged.any(axis=None)


def test_rows_of_one_directory_stand_in_one_column() -> None:
    runs = study({"stem": ["pyramid", "direct"], "activation": [True, False]}, lambda levels, seed: seed)
    direct = runs["stem"] == "direct"
    runs.loc[direct, "directory"] = [f"runs/direct/seed={seed}" for seed in runs.loc[direct, "seed"]]
    found = outcomes(runs, "accuracy")
    assert found.outcomes.shape == (5, 3)
    assert found.cells[at(stem="direct", activation=True)] == found.cells[at(stem="direct", activation=False)]
    assert len(set(found.cells.values())) == 3


def test_a_time_that_was_never_reached_is_the_limit() -> None:
    runs = study({"stem": ["a", "b"]}, lambda levels, seed: [10.0, 40.0, math.nan][seed], seeds=3, metric="epochs")
    runs.loc[(runs["seed"] == 0) & (runs["stem"] == "b"), "status"] = "diverged"
    runs.loc[(runs["seed"] == 1) & (runs["stem"] == "b"), "status"] = "failed"
    found = outcomes(runs, "epochs", metrics=[MetricSpec("epochs", limit=30)])
    assert found.outcomes[found.cells[at(stem="a")]].tolist() == [10.0, 30.0, 30.0]
    assert found.censored[found.cells[at(stem="a")]].tolist() == [False, True, True]
    np.testing.assert_array_equal(found.outcomes[found.cells[at(stem="b")]], [math.nan, math.nan, 30.0])


def test_levels_are_compared_by_what_they_mean() -> None:
    """A CSV has 1.0, True of NumPy, and texts; a command has 1 and true."""
    rows = study({"depth": [1, 2], "dropout": [True, False]}, lambda levels, seed: 1.0)
    rows["depth"] = rows["depth"].map({1: "1", 2: 2.0}).astype(object)
    rows["dropout"] = rows["dropout"].map({True: np.bool_(True), False: "false"}).astype(object)
    found = outcomes(rows)
    assert next(iter(found.cells)) == at(depth=1.0, dropout="true")
    assert len(found.select(Condition.of({"depth": 2, "dropout": False}))) == 1


def test_where_picks_one_level_or_several() -> None:
    found = outcomes(study({"rate": [0, 0.1, None], "stem": ["a", "b"]}, lambda levels, seed: 1.0))
    assert len(found.select()) == 6
    assert found.select(Condition.of({"rate": None})) == {at(rate=None, stem="a"): 4, at(rate=None, stem="b"): 5}
    several = Condition.of({"rate": [0, 0.1], "stem": "b"})
    assert list(found.select(several)) == [at(rate=0, stem="b"), at(rate=0.1, stem="b")]
    assert found.columns(several) == [1, 3]
    with pytest.raises(UsageError, match="where rate=0.3: rate has no level 0.3; available: 0, 0.1, null"):
        found.select(Condition.of({"rate": 0.3}))
    with pytest.raises(UsageError, match="where norm=before: unknown factor 'norm'; available: rate, stem"):
        found.select(Condition.of({"norm": "before"}))


def test_where_may_name_levels_that_no_cell_combines() -> None:
    rows = study({"rate": [0, 0.1], "stem": ["a", "b"]}, lambda levels, seed: 1.0)
    found = outcomes(rows[(rows["rate"] == 0) | (rows["stem"] == "a")])
    assert outcomes(rows).complete_factorial
    assert not found.complete_factorial
    with pytest.raises(UsageError, match="where rate=0.1, stem=b: no run has these levels"):
        found.select(Condition.of({"rate": 0.1, "stem": "b"}))


def test_a_study_of_many_factors_one_at_a_time_is_not_asked_for_every_combination() -> None:
    """There are 2^40 of them."""
    keys = [f"f{number}" for number in range(40)]
    cells = [{key: key == changed for key in keys} for changed in ["none", *keys]]
    frames = [study({key: [level] for key, level in cell.items()}, lambda levels, seed: seed / 10) for cell in cells]
    found = outcomes(pd.concat(frames, ignore_index=True))
    assert not found.complete_factorial
    assert len(every_contrast(found)) == 40


def test_two_runs_of_a_seed_at_the_same_levels_are_refused_until_one_is_left_out() -> None:
    runs = study({"stem": ["a", "b"]}, lambda levels, seed: 1.0, seeds=1)
    again = runs.iloc[[0]].assign(directory="runs/other", accuracy=2.0)
    both = pd.concat([runs, again], ignore_index=True)
    said = r"two runs of seed 0 have the same levels \(stem=a\): runs/stem=a/seed=0, runs/other; leave one out\."
    with pytest.raises(UsageError, match=said):
        outcomes(both)
    both.loc[0, "left_out"] = "other code"
    assert outcomes(both).outcomes.loc[0, 0] == 2.0


def test_a_study_without_factors_is_one_cell() -> None:
    found = outcomes(study({}, lambda levels, seed: seed))
    assert found.outcomes[0].tolist() == [0, 1, 2, 3, 4]
    assert found.complete_factorial


def test_a_study_without_runs_has_no_cell_to_select() -> None:
    rows = study(TWO, accuracy)
    found = outcomes(rows.iloc[:0], factors=TWO)
    assert found.outcomes.empty
    with pytest.raises(UsageError, match=r"the study has no runs\."):
        found.select()


def test_an_unknown_metric_or_factor_is_refused() -> None:
    rows = study(TWO, accuracy)
    with pytest.raises(UsageError, match=r"unknown metric 'speed'; available: accuracy\."):
        outcomes(rows, "speed")
    with pytest.raises(UsageError, match=r"norm does not vary in this study; available: dropout, stem\."):
        outcomes(rows).factor("norm")


def test_a_metric_can_be_the_difference_of_two() -> None:
    runs = study(TWO, accuracy)
    runs["peak"] = runs["accuracy"] + 0.02
    assert values_of(results_of(runs), "peak - accuracy").tolist() == pytest.approx([0.02] * len(runs))
    assert outcomes(runs, "peak - accuracy").outcomes.to_numpy() == pytest.approx(np.full((5, 4), 0.02))
    with pytest.raises(UsageError, match=r"unknown metric 'best'; available: accuracy, peak\."):
        values_of(results_of(runs), "best - accuracy")
    runs["a - b"] = 1.0
    assert values_of(results_of(runs), "a - b").tolist() == [1.0] * len(runs)  # a column of this very name


def test_a_difference_to_a_time_to_a_target_is_refused() -> None:
    """Where the target was not reached there is no difference, and a mean over the others would be of survivors."""
    rows = study(TWO, accuracy).assign(epochs=1.0, seconds=2.0)
    results = results_of(rows.assign(**{"own - epochs": 1.0}), metrics=[MetricSpec("epochs", limit=20)])
    assert limit_of(results, "epochs") == 20
    assert limit_of(results, "accuracy") is None
    assert limit_of(results, "accuracy - seconds") is None
    assert limit_of(results, "own - epochs") is None  # a column of this very name
    said = "accuracy - epochs: epochs is a time to a target, and a difference is not defined for runs that did not reach it"
    with pytest.raises(UsageError, match=said):
        Outcomes.of(results, "accuracy - epochs")


def test_what_is_not_finite_is_a_hole() -> None:
    runs = study(TWO, accuracy, seeds=2)
    runs.loc[0, "accuracy"] = np.inf
    assert outcomes(runs).outcomes.isna().sum().sum() == 1


def test_seeds_that_are_texts_stand_in_the_order_of_their_numbers() -> None:
    runs = study(TWO, accuracy, seeds=["s10", "s2", "s1"])
    assert outcomes(runs).outcomes.index.tolist() == ["s1", "s2", "s10"]


def test_seeds_stand_in_the_order_in_which_they_were_asked_for() -> None:
    """A seed that is added later is of a later look, whatever its number."""
    runs = study(TWO, accuracy, seeds=[10, 11, 3, 4])
    assert outcomes(runs).outcomes.index.tolist() == [3, 4, 10, 11]
    assert outcomes(runs, seeds=[11, 10, 3]).outcomes.index.tolist() == [11, 10, 3, 4]


def test_values_of_common_seeds_and_whether_there_are_any() -> None:
    frame = study({"x": [1, 2]}, lambda levels, seed: float(levels["x"] + seed), seeds=3)
    frame.loc[0, "accuracy"] = math.nan
    runs = outcomes(frame)
    assert runs.pairs
    assert runs.complete([0, 1]).to_numpy().tolist() == [[2.0, 3.0], [3.0, 4.0]]
    assert runs.known[0].to_dict() == {1: 2.0, 2: 3.0}
    assert (runs.lost_runs[0], runs.ended_runs[0]) == (1, 3)
    apart = outcomes(frame.assign(seed=range(6)))
    assert not apart.pairs
    assert apart.complete([0, 1]).empty
    assert (apart.lost_runs[0], apart.ended_runs[0]) == (1, 3)  # three runs, in a frame with six rows


def test_a_time_that_ends_at_the_limit_was_reached() -> None:
    runs = study({"stem": ["a"]}, lambda levels, seed: [10.0, 30.0, math.nan][seed], seeds=3, metric="epochs")
    found = outcomes(runs, "epochs", metrics=[MetricSpec("epochs", limit=30)])
    assert found.censored[0].tolist() == [False, False, True]
