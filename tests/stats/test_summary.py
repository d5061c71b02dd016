"""Means and paired differences of cells, against pandas, scipy and arithmetic by hand."""

import math

import pandas as pd
import pytest
from scipy import stats

from ablate.stats.summary import paired_differences, pairs_by_seed, summarize
from tests.stats.conftest import noise, results_of, study

A, B = [0.80, 0.82, 0.79, 0.85], [0.83, 0.84, 0.83, 0.86]


def runs() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"cell": cell, "label": cell, "seed": seed, "status": "finished", "directory": f"{cell}/{seed}",
             "stem": cell, "accuracy": value}
            for cell, values in (("direct", A), ("pyramid", B))
            for seed, value in enumerate(values)
        ]
    )  # fmt: skip


def test_a_cell_is_summed_up_in_the_order_of_its_levels() -> None:
    summary = summarize(results_of(runs(), factors={"stem": ["pyramid", "direct"]}))
    assert summary.cells == ["pyramid", "direct"]
    assert summary.baseline == "pyramid"
    assert summary.mean["accuracy"]["direct"] == pytest.approx(0.815)
    sd = math.sqrt((0.015**2 + 0.005**2 + 0.025**2 + 0.035**2) / 3)
    assert summary.sd["accuracy"]["direct"] == pytest.approx(sd)
    assert (summary.counts.loc["direct", "n"], summary.counts.loc["direct", "runs"]) == (4, 4)
    assert summary.n["accuracy"].to_dict() == {"pyramid": 4, "direct": 4}


def test_runs_that_did_not_finish_are_holes_and_not_zeros() -> None:
    frame = runs()
    frame.loc[frame["cell"] == "pyramid", ["status", "accuracy"]] = ["failed", None]
    frame.loc[0, "accuracy"] = float("nan")
    summary = summarize(results_of(frame))
    assert (summary.counts.loc["pyramid", "n"], summary.counts.loc["pyramid", "runs"]) == (0, 4)
    assert math.isnan(summary.mean["accuracy"]["pyramid"])
    assert (summary.counts.loc["direct", "n"], summary.n["accuracy"]["direct"]) == (4, 3)
    assert summary.n["accuracy"]["pyramid"] == 0
    assert summary.mean["accuracy"]["direct"] == pytest.approx(0.82)


def test_a_metric_may_have_the_name_of_another_column() -> None:
    """Means, deviations and counts are frames of their own, so no name of a metric is taken."""
    frame = runs().assign(accuracy_sd=1.0, n=2.0, runs=3.0)
    summary = summarize(results_of(frame))
    assert summary.mean.loc["direct"].to_dict() == pytest.approx({"accuracy": 0.815, "accuracy_sd": 1, "n": 2, "runs": 3})
    assert summary.counts.loc["direct"].to_dict() == {"runs": 4, "n": 4}


def test_the_interval_is_that_of_the_paired_t() -> None:
    (row,) = paired_differences(results_of(runs()), "accuracy", baseline="direct").to_dict("records")
    reference = stats.ttest_rel(B, A).confidence_interval(0.95)
    assert row["cell"] == "pyramid"
    assert row["n"] == 4
    assert row["estimate"] == pytest.approx(0.025)
    assert (row["low"], row["high"]) == (pytest.approx(reference.low), pytest.approx(reference.high))


def test_only_seeds_that_both_cells_finished_make_a_pair() -> None:
    frame = runs()
    frame.loc[(frame["cell"] == "direct") & (frame["seed"] > 0), "status"] = "failed"
    (row,) = paired_differences(results_of(frame), "accuracy", baseline="direct").to_dict("records")
    assert (row["n"], row["estimate"]) == (1, pytest.approx(0.03))
    assert math.isnan(row["low"])
    frame["status"] = "failed"
    (row,) = paired_differences(results_of(frame), "accuracy", baseline="direct").to_dict("records")
    assert row["n"] == 0
    assert math.isnan(row["estimate"])


def test_a_run_under_two_names_counts_once_and_one_left_out_not_at_all() -> None:
    frame = runs()
    twice = pd.concat([frame, frame[frame["cell"] == "direct"].assign(stem="pyramid")], ignore_index=True)
    twice["left_out"] = None
    twice.loc[1, "left_out"] = "the disk was full"
    summary = summarize(results_of(twice))
    assert (summary.counts.loc["direct", "n"], summary.counts.loc["direct", "runs"]) == (3, 4)
    (row,) = paired_differences(results_of(twice), "accuracy", baseline="direct").to_dict("records")
    assert row["n"] == 3


def test_the_pairs_average_to_the_difference() -> None:
    rows = study({"stem": ["pyramid", "direct"]}, noise(1.0))
    rows.loc[1, "status"] = "failed"
    results = results_of(rows)
    pairs = pairs_by_seed(results, "accuracy", "stem=pyramid")
    assert pairs["seed"].tolist() == [1, 2, 3, 4]
    (row,) = paired_differences(results, "accuracy", "stem=pyramid").to_dict("records")
    assert pairs["difference"].mean() == row["estimate"]


def test_without_common_seeds_the_difference_is_that_of_welch() -> None:
    frame = runs()
    frame.loc[frame["cell"] == "pyramid", "seed"] += 100
    results = results_of(frame)
    (row,) = paired_differences(results, "accuracy", "direct").to_dict("records")
    reference = stats.ttest_ind(B, A, equal_var=False).confidence_interval()
    assert (row["n"], row["unpaired"], row["estimate"]) == (4, True, pytest.approx(0.025))
    assert (row["low"], row["high"]) == pytest.approx((reference.low, reference.high))
    assert pairs_by_seed(results, "accuracy", "direct").empty


def test_each_block_has_a_baseline_of_its_own() -> None:
    rows = study(
        {"dataset": ["a", "b"], "method": ["base", "ours"]},
        lambda levels, seed: 0.3 * (levels["dataset"] == "b") + 0.1 * (levels["method"] == "ours") + seed / 100,
    )
    results = results_of(rows, blocks="dataset")
    found = paired_differences(results, "accuracy", "dataset=a,method=base")
    assert found["cell"].tolist() == ["dataset=a,method=ours", "dataset=b,method=ours"]
    assert found["baseline"].tolist() == ["dataset=a,method=base", "dataset=b,method=base"]
    assert found["estimate"].tolist() == pytest.approx([0.1, 0.1])
    assert len(pairs_by_seed(results, "accuracy", "dataset=a,method=base")) == 10
