"""Estimates and their table, against scipy and arithmetic by hand."""

import math

import pandas as pd
import pytest
from scipy import stats

from ablate.core.cells import Cell, Condition
from ablate.core.claims import Change
from ablate.stats.estimates import Estimate, student, table

VALUES = pd.Series([3.0, 1.0, 2.0, 2.0])


def estimate(values: pd.Series = VALUES, **keys: object) -> Estimate:
    return Estimate("simple", (Change.of("dropout", True, None),), values, *student(values), **keys)  # type: ignore[arg-type]


def test_the_standard_error_by_hand() -> None:
    """Mean 2, deviation sqrt(2/3), standard error sqrt(1/6)."""
    assert student(VALUES) == (pytest.approx(math.sqrt(1 / 6)), 3.0)
    se, df = student(VALUES[:1])
    assert math.isnan(se)
    assert df == 0


def test_the_interval_is_student_s() -> None:
    assert estimate().interval(0.9) == pytest.approx(tuple(stats.ttest_1samp(VALUES, 0).confidence_interval(0.9)))
    assert math.isnan(estimate(VALUES[:1]).interval()[0])
    assert math.isnan(estimate(VALUES[:0]).estimate)


def test_a_row_of_the_table_is_text_and_numbers() -> None:
    where = Condition.of({"norm": ["x", "y"]})
    found = estimate(where=where, strata=[Cell.of({"stem": "a", "rate": 0.0})], inert=[Cell.of({"stem": "b", "rate": 0.5})])
    (row,) = table([found]).to_dict("records")
    texts = {"kind": "simple", "factor": "dropout", "from": "true", "to": "null", "where": "norm=x or y", "scale": "difference"}
    assert {key: row[key] for key in texts} == texts
    assert (row["strata"], row["inert"], row["missing"]) == (["stem=a, rate=0"], ["stem=b, rate=0.5"], [])
    assert (row["n"], row["estimate"], row["df"]) == (4, 2.0, 3.0)


def test_a_ratio_is_written_as_a_ratio_with_the_error_of_its_logarithm() -> None:
    logarithms = estimate()
    ratio = estimate(scale="ratio")
    assert ratio.numbers()["estimate"] == pytest.approx(math.exp(2))
    assert ratio.numbers()["low"] == pytest.approx(math.exp(logarithms.interval()[0]))
    assert ratio.numbers()["se"] == logarithms.se


def test_a_change_without_alive_strata_changes_nothing() -> None:
    assert estimate(inert=[Cell.of({"stem": "a"})]).changes_nothing
    assert not estimate(inert=[Cell.of({"stem": "a"})], strata=[Cell.of({"stem": "b"})]).changes_nothing
    assert not estimate().changes_nothing


def test_the_chance_that_a_run_is_above_by_counting_pairs() -> None:
    """2.5 is above two of the first arm, 3.5 above three, 5 and 6 above all four; a tie counts one half."""
    arms = pd.DataFrame({"first": [1.0, 2.0, 3.0, 4.0], "second": [2.5, 3.5, 5.0, 6.0]})
    assert estimate(arms=arms).p_superior == pytest.approx(13 / 16)
    assert estimate(arms=arms.assign(second=arms["first"])).p_superior == pytest.approx(0.5)
    assert math.isnan(estimate().p_superior)
