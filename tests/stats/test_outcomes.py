"""Runs as blocks: which run stands where, and which is a hole."""

import math

import numpy as np
import pandas as pd
import pytest

from ablate.stats.outcomes import blocks, budget_of, choice, factors_of, product, values_of, word, words
from tests.stats.conftest import study

TWO = {"dropout": [True, False], "stem": ["pyramid", "direct"]}


def accuracy(levels: dict, seed: int | str) -> float:
    seed = int(str(seed).removeprefix("s"))
    return 0.8 + 0.1 * (levels["stem"] == "pyramid") + 0.01 * levels["dropout"] + 0.001 * seed


def test_a_row_a_seed_and_a_column_a_cell() -> None:
    found = blocks(study(TWO, accuracy, seeds=[3, 1]), "accuracy")
    assert found.outcomes.index.tolist() == [1, 3]
    assert found.outcomes.shape == (2, 4)
    assert found.outcomes.loc[3, found.cells["false", "pyramid"]] == pytest.approx(0.903)


@pytest.mark.parametrize("status", ["running", "failed", "interrupted", "diverged"])
def test_a_run_that_did_not_finish_is_a_hole_even_with_a_value(status: str) -> None:
    runs = study(TWO, accuracy)
    runs.loc[0, "status"] = status
    found = blocks(runs, "accuracy")
    cell = found.cells["true", "pyramid"]
    assert math.isnan(found.outcomes.loc[0, cell])
    assert found.outcomes.isna().sum().sum() == 1
    assert bool(found.diverged.loc[0, cell]) == (status == "diverged")
    assert found.diverged.sum().sum() == (status == "diverged")
    assert found.with_diverged_at(0.1).outcomes.isna().sum().sum() == (status != "diverged")


def test_a_run_that_a_person_left_out_is_a_hole_and_no_divergence() -> None:
    runs = study(TWO, accuracy)
    runs.loc[0, "left_out"] = "the disk was full"
    runs.loc[1, ["left_out", "status"]] = ["the wrong images", "diverged"]
    found = blocks(runs, "accuracy")
    assert found.outcomes.isna().sum().sum() == 2
    assert not found.diverged.any(axis=None)


def test_rows_of_one_directory_stand_in_one_column() -> None:
    runs = study({"stem": ["pyramid", "direct"], "activation": [True, False]}, lambda levels, seed: seed)
    direct = runs["stem"] == "direct"
    runs.loc[direct, "directory"] = [f"runs/direct/seed={seed}" for seed in runs.loc[direct, "seed"]]
    found = blocks(runs, "accuracy")
    assert found.outcomes.shape == (5, 3)
    assert found.cells["direct", "true"] == found.cells["direct", "false"]
    assert len(set(found.cells.values())) == 3


def test_a_time_that_was_never_reached_is_the_budget() -> None:
    runs = study({"stem": ["a", "b"]}, lambda levels, seed: [10.0, 40.0, math.nan][seed], seeds=3, metric="epochs")
    runs.loc[(runs["seed"] == 0) & (runs["stem"] == "b"), "status"] = "diverged"
    runs.loc[(runs["seed"] == 1) & (runs["stem"] == "b"), "status"] = "failed"
    found = blocks(runs, "epochs", budget=30)
    assert found.outcomes[found.cells["a",]].tolist() == [10.0, 30.0, 30.0]
    assert found.censored[found.cells["a",]].tolist() == [False, True, True]
    np.testing.assert_array_equal(found.outcomes[found.cells["b",]], [math.nan, math.nan, 30.0])


def test_levels_are_compared_by_what_they_mean() -> None:
    assert word(np.bool_(True)) == word(True) == "true"
    assert word(1) == word(1.0) == word(np.int64(1)) == "1"
    assert word(None) == word(math.nan) == "null"
    assert word(0.5) == word("0.5") == "0.5"
    assert word(True) != word(1)
    assert words({"stem": "direct", "rate": [0.1, None]}) == "stem=direct, rate=0.1 or null"
    assert choice(("a", "b")) == "a or b"


def test_where_picks_one_level_or_several() -> None:
    found = blocks(study({"rate": [0, 0.1, None], "stem": ["a", "b"]}, lambda levels, seed: 1.0), "accuracy")
    assert len(found.select(None)) == 6
    assert found.select({"rate": None}) == [("null", "a"), ("null", "b")]
    assert found.select({"rate": [0, 0.1], "stem": "b"}) == [("0", "b"), ("0.1", "b")]
    with pytest.raises(ValueError, match="where rate=0.3 selects no run"):
        found.select({"rate": 0.3})
    with pytest.raises(ValueError, match="norm does not vary in this study; what varies: rate, stem"):
        found.select({"norm": "before"})


def test_two_runs_of_a_seed_at_the_same_levels_are_refused_until_one_is_left_out() -> None:
    runs = study({"stem": ["a", "b"]}, lambda levels, seed: 1.0, seeds=1)
    again = runs.iloc[[0]].assign(directory="runs/other", accuracy=2.0)
    both = pd.concat([runs, again], ignore_index=True)
    both.attrs = runs.attrs
    with pytest.raises(ValueError, match=r"two runs of seed 0 stand at the same levels \(stem=a\)"):
        blocks(both, "accuracy")
    both.loc[0, "left_out"] = "other code"
    assert blocks(both, "accuracy").outcomes.loc[0, 0] == 2.0


def test_a_study_without_factors_is_one_cell() -> None:
    runs = study({}, lambda levels, seed: seed)
    found = blocks(runs, "accuracy")
    assert found.outcomes[0].tolist() == [0, 1, 2, 3, 4]
    assert product(found.factors) == [()]


def test_what_is_not_there_is_said() -> None:
    runs = study(TWO, accuracy)
    with pytest.raises(ValueError, match="no run has the metric speed"):
        blocks(runs, "speed")
    runs.attrs = {}
    with pytest.raises(ValueError, match=r"set runs.attrs\['factors'\]"):
        factors_of(runs)


def test_a_metric_can_be_the_difference_of_two() -> None:
    runs = study(TWO, accuracy)
    runs["peak"] = runs["accuracy"] + 0.02
    assert values_of(runs, "peak - accuracy").tolist() == pytest.approx([0.02] * len(runs))
    assert blocks(runs, "peak - accuracy").outcomes.to_numpy() == pytest.approx(np.full((5, 4), 0.02))
    with pytest.raises(ValueError, match=r"no run has the metric best\."):
        values_of(runs, "best - accuracy")
    runs["a - b"] = 1.0
    assert values_of(runs, "a - b").tolist() == [1.0] * len(runs)  # a column of this very name


def test_a_difference_to_a_time_to_a_target_is_refused() -> None:
    """Where the target was not reached there is no difference, and a mean over the others would be of survivors."""
    assert budget_of("epochs", {"epochs": 20}) == 20
    assert budget_of("accuracy", {"epochs": 20}) is None
    with pytest.raises(ValueError, match="epochs is a time to a target: where it was not reached"):
        budget_of("accuracy - epochs", {"epochs": 20})


def test_what_is_not_finite_is_a_hole() -> None:
    runs = study(TWO, accuracy, seeds=2)
    runs.loc[0, "accuracy"] = np.inf
    assert blocks(runs, "accuracy").outcomes.isna().sum().sum() == 1


def test_seeds_that_are_texts_stand_in_the_order_of_their_numbers() -> None:
    runs = study(TWO, accuracy, seeds=["s10", "s2", "s1"])
    assert blocks(runs, "accuracy").outcomes.index.tolist() == ["s1", "s2", "s10"]


def test_seeds_stand_in_the_order_in_which_they_were_asked_for() -> None:
    """A seed that is added later is of a later look, whatever its number."""
    runs = study(TWO, accuracy, seeds=[10, 11, 3, 4])
    assert blocks(runs, "accuracy").outcomes.index.tolist() == [3, 4, 10, 11]
    runs.attrs["seeds"] = [11, 10, 3]
    assert blocks(runs, "accuracy").outcomes.index.tolist() == [11, 10, 3, 4]
