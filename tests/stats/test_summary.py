"""Means of cells, against arithmetic by hand."""

import math

import pandas as pd
import pytest

from ablate.stats.summary import summarize
from tests.stats.conftest import results_of

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


def test_a_run_under_two_names_counts_once_and_one_left_out_not_at_all() -> None:
    frame = runs()
    twice = pd.concat([frame, frame[frame["cell"] == "direct"].assign(stem="pyramid")], ignore_index=True)
    twice["left_out"] = None
    twice.loc[1, "left_out"] = "the disk was full"
    summary = summarize(results_of(twice))
    assert (summary.counts.loc["direct", "n"], summary.counts.loc["direct", "runs"]) == (3, 4)
