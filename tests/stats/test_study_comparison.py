"""The comparison of two studies, against scipy."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.stats.study_comparison import compare_studies
from tests.report.studies import grid_results


def test_common_seeds_are_paired() -> None:
    before = grid_results({"a": [0, 1]}, lambda levels, seed: float(levels["a"] + seed))
    after = grid_results({"a": [1, 0, 2]}, lambda levels, seed: float(levels["a"] + seed + 0.5 + (seed % 2) / 7), seeds=7)
    found = compare_studies(before, after, "f1").set_index("configuration")
    assert list(found.index) == ["a=0", "a=1"]
    row = found.loc["a=1"]
    differences = [0.5 + (seed % 2) / 7 for seed in range(5)]
    expected = stats.ttest_rel([1 + seed + each for seed, each in enumerate(differences)], [1.0 + seed for seed in range(5)])
    low, high = expected.confidence_interval()
    assert [row["estimate"], row["low"], row["high"]] == pytest.approx([np.mean(differences), low, high])
    assert (row["pairs"], row["n_before"], row["n_after"]) == (5, 5, 7)


def test_without_common_seeds_the_means_are_compared() -> None:
    before = grid_results({"a": [0, 1]}, lambda levels, seed: float(seed))
    after = grid_results({"a": [0, 1]}, lambda levels, seed: 2.0 * seed)
    after.runs["seed"] += 100
    row = compare_studies(before, after, "f1").iloc[0]
    interval = stats.ttest_ind([0, 2, 4, 6, 8], [0, 1, 2, 3, 4], equal_var=False).confidence_interval()
    assert [row["estimate"], row["low"], row["high"]] == pytest.approx([2.0, *interval])
    assert row["pairs"] == 0


def test_a_key_that_varies_in_one_study_only_is_a_fact_of_the_other() -> None:
    before = grid_results({"a": [0, 1]}, lambda levels, seed: float(seed))
    after = grid_results({"a": [0, 1], "b": ["x", "y"]}, lambda levels, seed: float(seed))
    assert compare_studies(before, after, "f1").empty
    facts = {"b": Level.of("y")}
    object.__setattr__(before, "facts", facts)
    assert compare_studies(before, after, "f1")["configuration"].tolist() == ["a=0,b=y", "a=1,b=y"]


def test_a_configuration_with_round_values_is_not_taken_for_a_rounded_metric() -> None:
    before = grid_results({"a": [0, 1]}, lambda levels, seed: 90.0 if levels["a"] else 90.1234 + seed / 7)
    after = grid_results({"a": [0, 1]}, lambda levels, seed: 91.0 + (seed == 2) if levels["a"] else 90.1234 + seed / 7)
    row = compare_studies(before, after, "f1").set_index("configuration").loc["a=1"]
    interval = stats.ttest_1samp([1, 1, 2, 1, 1], 0).confidence_interval()
    assert [row["low"], row["high"]] == pytest.approx([*interval])


def test_lost_runs_are_counted_and_a_target_that_was_not_reached_counts_as_the_limit() -> None:
    before = grid_results({"a": [0, 1]}, lambda levels, seed: float(seed))
    after = grid_results({"a": [0, 1]}, lambda levels, seed: float(seed + 1))
    after.runs.loc[(after.levels["a"].map(str) == "1") & (after.runs["seed"] > 1), "status"] = [
        "diverged",
        "failed",
        "diverged",
    ]
    found = compare_studies(before, after, "f1").set_index("configuration")
    assert found[["lost_before", "lost_after"]].to_numpy().tolist() == [[0, 0], [0, 3]]
    assert found["n_after"].tolist() == [5, 2]
    specs = [MetricSpec("f1", better="lower", limit=30.0)]
    before, after = (grid_results({"a": [0]}, lambda levels, seed: 12.0, specs=specs) for _ in range(2))
    after.values["f1"] = [8.0, 8.0, math.nan, math.nan, 40.0]  # one finished above the limit
    (row,) = compare_studies(before, after, "f1").to_dict("records")
    assert (row["mean_after"], row["estimate"], row["lost_after"]) == pytest.approx((21.2, 9.2, 0))


def test_runs_without_seeds_are_not_paired_by_their_numbers() -> None:
    before = grid_results({"a": [0, 1]}, lambda levels, seed: float(seed))
    after = replace(grid_results({"a": [0, 1]}, lambda levels, seed: 2.0 * seed), paired=False)
    row = compare_studies(before, after, "f1").iloc[0]
    interval = stats.ttest_ind([0, 2, 4, 6, 8], [0, 1, 2, 3, 4], equal_var=False).confidence_interval()
    assert [row["pairs"], row["low"], row["high"]] == pytest.approx([0, *interval])


def test_two_runs_of_a_seed_at_equal_levels_are_refused() -> None:
    before, after = (grid_results({"a": [0, 1]}, lambda levels, seed: float(seed)) for _ in range(2))
    after.runs.loc[1, "seed"] = after.runs.loc[0, "seed"]
    with pytest.raises(UsageError, match="two runs of seed 0 have the same levels"):
        compare_studies(before, after, "f1")
