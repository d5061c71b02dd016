"""Tables of cells: every mean with its n, every hole visible."""

import pandas as pd

from ablate.reporting.tables import comparison, costs, names_of, results

SUMMARY = pd.DataFrame(
    {
        "cell": ["a", "b", "c"], "label": ["x", "y", "z"], "stem": ["pyramid", "direct", "<script>"],
        "n": [2, 1, 0], "runs": [2, 2, 2],
        "final_test_accuracy": [0.81, 0.8, None], "final_test_accuracy_sd": [0.01, None, None], "final_test_accuracy_n": [2, 1, 0],
        "epochs_to_target": [3.0, None, None], "epochs_to_target_sd": [float("nan")] * 3, "epochs_to_target_n": [1, 0, 0],
    }
)  # fmt: skip
DIFFERENCES = pd.DataFrame(
    {"cell": ["b", "c"], "n": [1, 0], "estimate": [-0.01, None], "sd": [None] * 2, "low": [-0.03, None], "high": [0.01, None]}
)
METRICS = ["final_test_accuracy", "epochs_to_target"]


def test_each_cell_is_a_row_with_its_difference() -> None:
    table = results(SUMMARY, DIFFERENCES, "final_test_accuracy", METRICS, ["stem"])
    assert table.headers == ["stem", "n", "final", "final - first row"]
    assert table.rows == [
        ["pyramid", "2", "81.0 ± 1.0", "baseline"],
        ["direct", "1 of 2", "80.0", "-1.0 [-3.0, +1.0]"],
        ["<script>", "0 of 2", "–", "–"],
    ]


def test_costs_say_how_many_reached_the_target() -> None:
    table = costs(SUMMARY, METRICS, ["stem"])
    assert table is not None
    assert table.rows == [["pyramid", "3.0 (1 of 2)"], ["direct", "–"], ["<script>", "–"]]
    assert costs(SUMMARY, ["final_test_accuracy"], ["stem"]) is None


def test_one_cell_has_no_difference() -> None:
    table = results(SUMMARY.head(1), DIFFERENCES.head(0), "final_test_accuracy", METRICS, [])
    assert table.headers == ["cell", "n", "final"]
    assert table.rows == [["x", "2", "81.0 ± 1.0"]]


def test_flags_stand_beside_the_difference() -> None:
    table = results(SUMMARY, DIFFERENCES, "final_test_accuracy", METRICS, ["stem"], {"b": ["1 failed", "slower: 9 %"]})
    assert table.headers == ["stem", "n", "final", "final - first row", "flags"]
    assert [row[-1] for row in table.rows] == ["", "1 failed; slower: 9 %", ""]


def test_a_page_has_results_and_costs_in_one_table() -> None:
    shown = results(SUMMARY, DIFFERENCES, "final_test_accuracy", METRICS, ["stem"])
    table = comparison(shown, costs(SUMMARY, METRICS, ["stem"]))
    assert table.headers == ["stem", "n", "final", "final - first row", "epochs to target"]
    assert table.rows[0] == ["pyramid", "2", "81.0 ± 1.0", "baseline", "3.0 (1 of 2)"]
    assert comparison(shown, None) is shown


def test_of_many_factors_a_cell_is_named_by_what_is_unlike_the_baseline() -> None:
    factors = [f"model.factor{at}" for at in range(5)]
    summary = pd.DataFrame(
        [{"cell": str(row), "label": str(row), **{key: row == at for at, key in enumerate(factors, 1)}} for row in range(3)]
    )
    assert names_of(summary, factors) == ["0", "factor0=true", "factor1=true"]
    assert names_of(summary, factors[:4]) == ["0", "1", "2"]
