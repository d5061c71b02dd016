"""The forest plot beside the findings."""

import math

import pytest

from ablate.core.metrics import MetricSpec
from ablate.report.findings import Finding
from ablate.report.formatting import RATIO
from ablate.report.strips import PADDING, strips
from ablate.report.values import Interval

F1 = MetricSpec("f1", digits=2)


def finding(estimate: Interval | None, margin: float = math.nan, **by_seed: float) -> Finding:
    return Finding("C", "says", "sentence", "", "inconclusive", False, estimate, margin, by_seed)


def test_findings_of_one_unit_share_a_scale_that_includes_zero() -> None:
    first, second = strips([finding(Interval(1.0, 0.5, 2.0, F1), a=1.5), finding(Interval(3.0, 2.0, 4.0, F1))])
    assert first is not None
    assert second is not None
    width = 100 - 2 * PADDING
    assert (first.zero, second.high) == (PADDING, 100 - PADDING)
    assert [first.low, first.estimate, first.high] == pytest.approx(
        [PADDING + width * each / 4 for each in (0.5, 1, 2)], abs=0.01
    )
    assert (first.low < second.low, first.high) == (True, second.low)
    assert [(dot.x, dot.text) for dot in first.dots] == [(pytest.approx(PADDING + width * 1.5 / 4, abs=0.01), "seed a: +1.50")]
    assert (first.clear, first.text) == (True, "+1.00 [+0.50, +2.00], over 1 seed")


def test_a_ratio_has_a_logarithmic_scale_around_one() -> None:
    (strip,) = strips([finding(Interval(1.0, 0.5, 2.0, RATIO, signed=False), margin=2.0)])
    assert strip is not None
    assert (strip.low, strip.zero, strip.high) == (PADDING, 50.0, 100 - PADDING)
    assert strip.margin == (PADDING, 100 - PADDING)
    assert not strip.clear


def test_the_margin_is_a_band_around_zero() -> None:
    (strip,) = strips([finding(Interval(1.0, -1.0, 3.0, F1), margin=1.0)])
    assert strip is not None
    assert strip.margin is not None
    assert sum(strip.margin) / 2 == pytest.approx(strip.zero)


def test_what_is_no_difference_has_no_strip() -> None:
    assert strips([finding(None), finding(Interval(5.0, 5.0, 5.0, F1, signed=False))]) == [None, None]


def test_without_an_interval_only_the_estimate_is_drawn() -> None:
    (strip,) = strips([finding(Interval(0.0, math.nan, math.nan, F1))])
    assert strip is not None
    assert not strip.has_interval
    assert strip.estimate == strip.zero
