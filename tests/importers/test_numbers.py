"""Columns of numbers as programs and spreadsheets write them; every expected value is what a person reads."""

import math

import pandas as pd
import pytest

from ablate.importers.numbers import SUMMARY, is_numeric, parse, parse_metric


@pytest.mark.parametrize(
    ("texts", "decimal", "expected"),
    [
        (["0.5", "-1e-3", "+2"], None, [0.5, -0.001, 2.0]),
        (["0,5", "1,25"], None, [0.5, 1.25]),
        (["1,234", "12.5"], None, [1234.0, 12.5]),
        (["1.234", "0,5"], None, [1234.0, 0.5]),
        (["1.234.567", "2.000.000"], None, [1234567.0, 2000000.0]),
        (["1,234.5", "2,000"], None, [1234.5, 2000.0]),
        (["1.234,5"], None, [1234.5]),
        (["1 234", "5\u202f678"], None, [1234.0, 5678.0]),
        (["1,234", "2,345"], None, [1234.0, 2345.0]),
        (["1,234", "2,345"], ",", [1.234, 2.345]),
        (["\u22121.5"], None, [-1.5]),
    ],
)
def test_the_form_is_that_of_the_whole_column(texts: list[str], decimal: str | None, expected: list[float]) -> None:
    found = parse(pd.Series(texts), decimal)
    assert found.wrong is None
    assert found.values.tolist() == pytest.approx(expected)


def test_percentages_are_fractions_and_all_or_none_have_the_sign() -> None:
    found = parse(pd.Series(["73.1%", "50 %", ""]))
    assert found.percent
    assert found.notes == ("percent signs, read as fractions",)
    assert found.values.tolist()[:2] == pytest.approx([0.731, 0.5])
    mixed = parse(pd.Series(["73.1%", "50"]))
    assert (mixed.percent, mixed.wrong) == (True, "50")


@pytest.mark.parametrize("text", ["nan", "INF", "N/A", "failed", "#DIV/0!", "-", "OOM"])
def test_words_for_lost_runs_are_infinite_and_an_empty_field_is_no_value(text: str) -> None:
    found = parse(pd.Series(["0.5", text, " "]))
    assert found.values.tolist()[:2] == [0.5, math.inf]
    assert math.isnan(found.values[2])


def test_numbers_stay_as_they_are() -> None:
    found = parse(pd.Series([1.5, -math.inf, math.nan, 1.7976931348623157e308]))
    assert found.values.tolist()[:2] == [1.5, math.inf]
    assert found.values.tolist()[3] == math.inf  # as tables exported by MLflow have it
    assert parse(pd.Series(["1.5", "-1.7976931348623157e+308"])).values.tolist() == [1.5, math.inf]
    assert math.isnan(found.values[2])


@pytest.mark.parametrize("text", ["0.84 ± 0.01", "0.84 +/- 0.01", "84.1 (0.3)", "0.84 [0.80, 0.88]", r"$0.84 \pm 0.01$"])
def test_a_mean_with_its_deviation_is_a_summary(text: str) -> None:
    found = parse(pd.Series(["0.5", text]))
    assert (found.wrong, found.several) == (text, SUMMARY)


def test_a_setting_that_some_runs_do_not_have_is_no_value_of_theirs() -> None:
    numbers = parse(pd.Series([0.9, None, "0.99"], dtype=object))
    assert numbers.values[[0, 2]].tolist() == [0.9, 0.99]
    assert math.isnan(numbers.values[1])
    assert numbers.wrong is None


def test_a_word_is_no_number() -> None:
    found = parse(pd.Series(["0.5", "high"]))
    assert (found.wrong, found.several) == ("high", "")
    assert not is_numeric(pd.Series(["high"]))
    assert not is_numeric(pd.Series(["nan", ""]))
    assert is_numeric(pd.Series(["nan", "3"]))


def test_dates_with_underscores_are_no_numbers() -> None:
    found = parse(pd.Series(["2024_01_10", "2024_01_11"]))
    assert found.wrong == "2024_01_10"


def test_marks_of_papers_are_no_part_of_a_number() -> None:
    found = parse(pd.Series(["90.1", "**91.2**", r"\textbf{91.3}", r"\underline{\textbf{91.4}}", "$91.5$", "91.6*", "91.7 †"]))
    assert found.values.tolist() == [90.1, 91.2, 91.3, 91.4, 91.5, 91.6, 91.7]
    assert found.notes == ("marks of bold type or of footnotes left out",)
    assert parse(pd.Series([r"91\%", r"\textbf{92\%}"])).values.tolist() == pytest.approx([0.91, 0.92])
    assert parse(pd.Series(["**0.84 ± 0.01**"])).several == SUMMARY
    assert parse(pd.Series(["**", "***", "*a*", "2*3"])).wrong == "**"
    assert parse(pd.Series(["2*3"])).wrong == "2*3"


def test_of_a_metric_true_and_false_are_one_and_zero() -> None:
    column = pd.Series(["True", "FALSE", "", "failed"])
    found = parse_metric(column)
    assert found.values[[0, 1, 3]].tolist() == [1, 0, math.inf]
    assert math.isnan(found.values[2])
    assert (found.wrong, found.notes) == (None, ("true and false, read as 1 and 0",))
    assert parse_metric(pd.Series([True, False])).values.tolist() == [1, 0]
    assert parse(column).wrong == "True"  # elsewhere, they are levels
    assert parse_metric(pd.Series(["True", "0.5"])).wrong == "True"
    assert parse_metric(pd.Series(["True", "maybe"])).wrong == "True"
