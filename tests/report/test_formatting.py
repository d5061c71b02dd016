"""Numbers as a person reads them, by the description of their metric."""

import math

import pandas as pd
import pytest

from ablate.core.metrics import Metrics, MetricSpec
from ablate.report.formatting import MISSING, as_reported, difference_heading, finer, heading, number, rounded_to

ACCURACY = MetricSpec("final_test_accuracy", "final accuracy", "%", 1)
LOSS = MetricSpec("loss")


def test_fractions_are_percentages_and_holes_are_visible() -> None:
    assert number(0.8907, ACCURACY) == "89.1"
    assert number(0.0201, ACCURACY, signed=True) == "+2.0"
    assert number(-0.0201, ACCURACY, signed=True) == "−2.0"
    assert number(math.nan, ACCURACY) == MISSING


def test_large_counts_are_in_millions() -> None:
    count = MetricSpec.guess("parameters")
    assert number(1_990_290, count) == "1.99 M"
    assert number(65_000, count) == "65,000"


def test_two_large_results_are_told_apart() -> None:
    """Rewards of 1,500,123 and 1,502,626 are both 1.50 M, but they are no sizes."""
    spec = rounded_to(MetricSpec("reward"), [6410.0, 161.0])
    assert [number(value, spec) for value in (1_500_123.0, 1_502_626.0)] == ["1,500,123", "1,502,626"]


@pytest.mark.parametrize("scale", [1e-9, 1e-12])
def test_very_small_results_have_a_power_of_ten(scale: float) -> None:
    spec = rounded_to(MetricSpec("mse"), [0.12 * scale])
    assert number(3.21 * scale, spec) == f"{3.21 * scale:.3e}".replace("-", "−")


def test_without_digits_there_are_four_significant_ones() -> None:
    assert [number(value, LOSS) for value in (0.5, 81.25, 0.8125, 12345.6, 0.0, -0.0, -0.001, 9.9996)] == [
        "0.5000", "81.25", "0.8125", "12,346", "0.000", "0.000", "−0.001000", "10.00",
    ]  # fmt: skip


def test_what_is_very_small_or_large_has_a_power_of_ten() -> None:
    written = [number(value, LOSS, signed=True) for value in (3.5e-30, 9.87e-5, 1e-4, -999_999.0, 2e6, math.inf)]
    assert written == ["+3.500e−30", "+9.870e−05", "+0.0001000", "−999,999", "+2.000e+06", "+inf"]


def test_a_unit_stands_behind_the_title_and_a_difference_of_percentages_is_in_points() -> None:
    assert [heading(spec) for spec in (ACCURACY, LOSS, MetricSpec("t", "time", "s"))] == [
        "final accuracy (%)",
        "loss",
        "time (s)",
    ]
    assert difference_heading(ACCURACY) == "final accuracy (percentage points)"
    assert difference_heading(MetricSpec("t", "time", "s")) == "time (s)"


def test_a_finer_number_has_one_more_digit_unless_its_digits_are_significant_ones() -> None:
    assert number(0.04031, finer(ACCURACY)) == "4.03"
    assert finer(LOSS) is LOSS


def test_fractions_are_percentages_unless_a_finite_value_lies_beyond_one() -> None:
    values = pd.DataFrame({"final": [0.5, math.inf, math.nan], "peak": [0.5, 91.4, 1.0], "count": [7500, 1, 1], "f1": 2.0})
    specs = {name: MetricSpec(name, f"{name} accuracy", "%", 1) for name in ("final", "peak", "count")}
    metrics = as_reported(Metrics({**specs, "f1": MetricSpec("f1", digits=2)}), values)
    assert number(0.5, metrics["final"]) == "50.0"
    assert number(91.4, metrics["peak"]) == "91.4"
    assert difference_heading(metrics["peak"]) == "peak accuracy (percentage points)"
    assert heading(metrics["count"]) == "count accuracy"
    assert (
        as_reported(Metrics.completed(Metrics(), ["test_acc"]), pd.DataFrame({"test_acc": [91.4]}))["test_acc"].digits is None
    )
    assert number(1.25, metrics["peak - final"], signed=True) == "+1.250"
    assert number(1.25, metrics["final - peak"], signed=True) == "+1.250"
    assert [heading(metrics[name]) for name in values] == ["final accuracy (%)", "peak accuracy (%)", "count accuracy", "f1"]
    assert number(2, metrics["f1"]) == "2.00"
