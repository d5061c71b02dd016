"""Numbers as a person reads them."""

import math

import pandas as pd

from ablate.report.formatting import HOLE, number, wording_of, wordings_for


def test_accuracies_are_per_cent_and_holes_are_visible() -> None:
    accuracy = wording_of("final_test_accuracy")
    assert number(0.8907, accuracy) == "89.1"
    assert number(0.0201, accuracy, signed=True) == "+2.0"
    assert number(-0.0201, accuracy, signed=True) == "-2.0"
    assert number(math.nan, accuracy) == HOLE


def test_large_counts_are_in_millions() -> None:
    assert number(1_990_290, wording_of("parameters")) == "1.99 M"
    assert number(65_000, wording_of("parameters")) == "65,000"


def test_an_unknown_metric_keeps_its_name() -> None:
    assert wording_of("f1").title == "f1"
    assert number(0.5, wording_of("f1")) == "0.5000"
    assert [number(value, wording_of("accuracy")) for value in (81.25, 0.8125, 12345.6, 0.0, -0.001)] == [
        "81.25", "0.8125", "12,346", "0.000", "-0.001000",
    ]  # fmt: skip


def test_both_protocols_have_words() -> None:
    assert wording_of("article_final_test_accuracy").title == "final (article)"
    assert wording_of("article_epochs_to_target").cost


def test_what_is_very_small_or_large_has_a_power_of_ten() -> None:
    written = [number(value, wording_of("loss"), signed=True) for value in (3.5e-30, 9.87e-5, 1e-4, -999_999.0, 2e6, math.inf)]
    assert written == ["+3.5e-30", "+9.87e-05", "+0.0001000", "-999,999", "+2e+06", "+inf"]


def test_accuracies_are_shares_unless_a_finite_one_lies_beyond_one() -> None:
    runs = pd.DataFrame({"final_test_accuracy": [0.5, math.inf, math.nan], "peak_test_accuracy": [0.5, 91.4, 1.0], "f1": 2.0})
    wordings = wordings_for(runs, list(runs))
    assert number(0.5, wordings("final_test_accuracy")) == "50.0"
    assert number(91.4, wordings("peak_test_accuracy")) == "91.40"
    assert number(1.25, wordings("peak_test_accuracy - final_test_accuracy"), signed=True) == "+1.250"
    assert wordings.axis_title("peak_test_accuracy") == "peak accuracy"
    assert wordings.axis_title("final_test_accuracy") == "final accuracy (%)"
    assert wordings.axis_title("f1") == "f1"
