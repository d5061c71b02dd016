"""Tables of text: every mean with its n, every hole visible, nothing that a name could smuggle in."""

import io

import pandas as pd
from rich.console import Console

from ablate.reporting.tables import TextTable, costs, results

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


def test_markdown_and_terminal_show_names_as_text() -> None:
    table = TextTable("T", ["a|b", "n"], [["<script>|", "[red]1"]], 1, ["a note"])
    assert table.to_markdown().splitlines() == [
        "## T", "", "| a\\|b | n |", "| --- | ---: |", "| &lt;script>\\| | [red]1 |", "", "a note",
    ]  # fmt: skip
    console = Console(file=io.StringIO(), width=80)
    console.print(table.to_rich())
    assert "[red]1" in console.file.getvalue()  # type: ignore[attr-defined]
