"""The texts of the values in a table."""

import math

import pytest

from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.report.values import (
    AtSeed,
    Baseline,
    Count,
    Exact,
    Interval,
    Limits,
    Mean,
    Number,
    Range,
    Spread,
    Value,
    Wins,
    has_number,
    text_of,
)
from ablate.stats.flags import Flag

SPEC = MetricSpec("accuracy", unit="%", digits=1)
NAN = math.nan


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Number(0.5, SPEC), "50.0"),
        (Interval(-0.01, -0.03, 0.01, SPEC), "−1.0 [−3.0, +1.0]"),
        (Interval(0.5, 0.4, 0.6, SPEC, signed=False), "50.0 [40.0, 60.0]"),
        (Interval(0.01, NAN, NAN, SPEC), "+1.0"),
        (Interval(NAN, NAN, NAN, SPEC), "–"),
        (Limits(0.01, 0.05, SPEC), "[+1.0, +5.0]"),
        (Limits(NAN, NAN, SPEC), "–"),
        (Mean(0.81, 0.01, 2, 2, SPEC), "81.0 ± 1.0"),
        (Mean(0.81, NAN, 1, 1, SPEC), "81.0"),
        (Mean(0.81, 0.0, 2, 2, SPEC), "81.0"),
        (Mean(0.81, NAN, 1, 2, SPEC), "81.0 (1 of 2)"),
        (Mean(0.81, 0.01, 4, 5, SPEC), "81.0 ± 1.0 (4 of 5)"),
        (Mean(NAN, NAN, 0, 2, SPEC), "–"),
        (Mean(99.28, 2.599, 5, 5, MetricSpec("x")), "99.3 ± 2.6"),  # a deviation has no more decimals than its mean
        (Mean(2.114e-5, 5.66e-7, 5, 5, MetricSpec("x")), "0.00002114 ± 0.00000057"),
        (Interval(0.00008, -0.00008, 0.00024, SPEC), "+0.008 [−0.008, +0.024]"),  # +0.0 [−0.0, +0.0] says nothing
        (Limits(0.00411, 0.00432, SPEC), "[+0.411, +0.432]"),
        (Interval(0.0, 0.0, 0.0, SPEC), "0.0 [0.0, 0.0]"),
        (Interval(1.076, 0.5457, 1.606, MetricSpec("x")), "+1.08 [+0.55, +1.61]"),
        (Limits(0.5457, 1.606, MetricSpec("x")), "[+0.55, +1.61]"),
        (Range(-0.148, 0.034, SPEC), "−14.8 to +3.4"),
        (Range(-0.0123456, 0.4567, MetricSpec("loss")), "−0.01 to +0.46"),
        (Range(0.02, 0.02, SPEC), "+2.0"),
        (Range(NAN, NAN, SPEC), "–"),
        (Spread(0.573, 0.5, 0.69, 5, MetricSpec("x", digits=2)), "0.57 (0.50 to 0.69)"),
        (Spread(0.573, 0.573, 0.573, 1, MetricSpec("x", digits=2)), "0.57"),
        (Exact(1990802, 1990802), "1,990,802"),
        (Exact(1, 2.5), "1 to 2.5"),
        (Exact(NAN, NAN), "–"),
        (Count(5), "5"),
        (Count(1, 2), "1 of 2"),
        (Count(2, 2), "2"),
        (Count(5, used=4), "5 (4 in the interval)"),
        (Limits(0.01, 0.05, SPEC, confidence=0.9994), "[+1.0, +5.0] (99.94 %)"),
        (Wins(4, 5), "4 of 5"),
        (Wins(5, 5), "5 of 5"),
        (Wins(0, 0), "–"),
        (AtSeed(-0.012, 3, SPEC), "−1.2 (3)"),
        (AtSeed(NAN, None, SPEC), "–"),
        (Baseline(), "baseline"),
        (None, "–"),
        ("a name", "a name"),
        (Level.of(True), "true"),
        ((Flag("failed", "1 failed"), Flag("code", "2 made by other code")), "1 failed; 2 made by other code"),
        ((), ""),
    ],
)
def test_the_text_of_a_value(value: Value, text: str) -> None:
    assert text_of(value) == text


def test_values_without_a_number_have_no_origin_to_link_to() -> None:
    assert has_number(Count(0))
    assert not any(map(has_number, (None, "1.0", Level.of(1), (), Interval(NAN, NAN, NAN, SPEC))))


def test_a_row_is_sorted_by_the_number_itself() -> None:
    values = (Mean(0.81, 0.01, 2, 2, SPEC), Interval(-0.01, -0.03, 0.01, SPEC), Count(1, 2), Baseline(), Exact(3, 4))
    assert [value.sort_key for value in values] == [0.81, -0.01, 1, 0.0, 3]
