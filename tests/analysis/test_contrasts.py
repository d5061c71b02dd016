"""Sums and paired differences, against pandas, scipy and arithmetic by hand."""

import math

import pandas as pd
import pytest
from scipy import stats

from ablate.analysis.contrasts import metrics_of, paired_differences, summarise

A, B = [0.80, 0.82, 0.79, 0.85], [0.83, 0.84, 0.83, 0.86]


def runs() -> pd.DataFrame:
    rows = [
        {"cell": cell, "label": cell, "seed": seed, "status": "finished", "error": None, "directory": f"{cell}/{seed}",
         "stem": cell, "accuracy": value}
        for cell, values in (("direct", A), ("pyramid", B))
        for seed, value in enumerate(values)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.attrs["factors"] = {"stem": ["pyramid", "direct"]}
    return frame


def test_a_cell_is_summed_up_in_the_order_of_its_levels() -> None:
    summary = summarise(runs(), ["stem"], ["accuracy"])
    assert summary["stem"].tolist() == ["pyramid", "direct"]
    direct = summary.set_index("stem").loc["direct"]
    assert direct["accuracy"] == pytest.approx(0.815)
    assert direct["accuracy_sd"] == pytest.approx(math.sqrt((0.015**2 + 0.005**2 + 0.025**2 + 0.035**2) / 3))
    assert (direct["n"], direct["runs"], direct["accuracy_n"]) == (4, 4, 4)


def test_runs_that_did_not_finish_are_holes_and_not_zeros() -> None:
    frame = runs()
    frame.loc[frame["cell"] == "pyramid", ["status", "accuracy"]] = ["failed", None]
    frame.loc[0, "accuracy"] = float("nan")
    summary = summarise(frame, ["stem"], ["accuracy"]).set_index("stem")
    assert (summary.loc["pyramid", "n"], summary.loc["pyramid", "runs"]) == (0, 4)
    assert math.isnan(summary.loc["pyramid", "accuracy"])
    assert (summary.loc["direct", "n"], summary.loc["direct", "accuracy_n"]) == (4, 3)
    assert summary.loc["direct", "accuracy"] == pytest.approx(0.82)


def test_the_interval_is_that_of_the_paired_t() -> None:
    (row,) = paired_differences(runs(), "accuracy", baseline="direct").to_dict("records")
    reference = stats.ttest_rel(B, A).confidence_interval(0.95)
    assert row["cell"] == "pyramid"
    assert row["n"] == 4
    assert row["estimate"] == pytest.approx(0.025)
    assert (row["low"], row["high"]) == (pytest.approx(reference.low), pytest.approx(reference.high))


def test_only_seeds_that_both_cells_finished_make_a_pair() -> None:
    frame = runs()
    frame.loc[(frame["cell"] == "direct") & (frame["seed"] > 0), "status"] = "failed"
    (row,) = paired_differences(frame, "accuracy", baseline="direct").to_dict("records")
    assert (row["n"], row["estimate"]) == (1, pytest.approx(0.03))
    assert math.isnan(row["low"])
    frame["status"] = "failed"
    (row,) = paired_differences(frame, "accuracy", baseline="direct").to_dict("records")
    assert row["n"] == 0
    assert math.isnan(row["estimate"])


def test_what_describes_a_run_is_no_metric() -> None:
    assert metrics_of(runs(), ["stem"]) == ["accuracy"]
