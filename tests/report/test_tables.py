"""Tables of cells: every mean with its n, every hole visible."""

import pandas as pd

from ablate.report.tables import comparison, costs, further, names_of, results, verdicts

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


def test_more_metrics_than_a_table_has_room_for_stand_in_a_second_one() -> None:
    more = ["article_final_test_accuracy", "batch_final_test_accuracy", "x", "y"]
    summary = SUMMARY.assign(**{f"{name}{part}": 1.0 for name in more for part in ("", "_sd", "_n")})
    given = (summary, "final_test_accuracy", [*METRICS, *more], ["stem"])
    first = results(summary, DIFFERENCES, *given[1:])
    second = further(*given)
    assert second is not None
    assert first.headers == ["stem", "n", "final", "final - first row"]
    assert second.headers == ["stem", "final (article)", "final (batch)", "x", "y"]
    assert [note.split(":")[0] for note in second.notes] == ["(article)", "(batch)"]
    assert comparison(first, second).headers == [*first.headers, *second.headers[1:]]
    assert further(summary, "final_test_accuracy", [*METRICS, *more[:3]], ["stem"]) is None


def test_a_margin_that_no_seeds_decide_is_written_in_the_unit_of_its_metric() -> None:
    row = {
        "id": "C", "says": "it gains", "kind": "contrast", "metric": "final_test_accuracy", "scale": "difference",
        "verdict": "inconclusive", "estimate": 0.01, "low": 0.0, "high": 0.02, "n": 5, "look": 5, "df": 4.0, "p": 0.1,
        "margin": 0.01, "decidable": 0.0442, "reason": "too wide",
    }  # fmt: skip
    why = [verdicts(pd.DataFrame([row | change])).rows[0][-1] for change in ({}, {"metric": "x"}, {"scale": "ratio"})]
    margins = [("1.0", "4.4 points"), ("0.01000", "0.04420"), ("0.010", "0.044")]
    assert why == [f"too wide: the claim's is {margin}, and such power begins at {least}" for margin, least in margins]
    assert verdicts(pd.DataFrame([row | {"decidable": float("nan")}])).rows[0][-1] == "too wide"
    assert verdicts(pd.DataFrame([row | {"verdict": "supported"}])).rows[0][-1] == "too wide"


def test_of_many_factors_a_cell_is_named_by_what_is_unlike_the_baseline() -> None:
    factors = [f"model.factor{at}" for at in range(5)]
    summary = pd.DataFrame(
        [{"cell": str(row), "label": str(row), **{key: row == at for at, key in enumerate(factors, 1)}} for row in range(3)]
    )
    first = ", ".join(f"factor{at}=false" for at in range(5))
    assert names_of(summary, factors) == [first, "factor0=true", "factor1=true"]
    assert names_of(summary, factors[:4]) == ["0", "1", "2"]
