"""Findings in sentences."""

import math
from typing import Any

import pytest

from ablate.core.claims import Change
from ablate.core.metrics import MetricSpec
from ablate.report.findings import phrase, with_unit
from ablate.report.values import Interval
from tests.report.studies import ACCURACY


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("dropout", True, False), "removing dropout"),
        (("dropout", 0.5, 0), "removing dropout (0.5)"),
        (("norm", None, "batch"), "adding norm (batch)"),
        (("bn", "off", True), "adding bn"),
        (("stem", "direct", "pyramid"), "changing stem from direct to pyramid"),
        (("x", None, False), "changing x from null to false"),
    ],
)
def test_a_change_is_described_by_what_it_does(change: tuple[str, Any, Any], words: str) -> None:
    assert phrase([Change.of(*change)]) == words


def test_units_stand_behind_the_number() -> None:
    seconds = MetricSpec("epoch_time", unit="s", digits=1)
    assert with_unit(Interval(0.034, -0.013, 0.082, ACCURACY)) == "+3.4 points [−1.3, +8.2]"
    assert with_unit(Interval(1.5, 1.0, 2.0, seconds)) == "+1.5 s [+1.0, +2.0]"
    assert with_unit(Interval(1.5, math.nan, math.nan, MetricSpec("f1", digits=1))) == "+1.5"
    macs = MetricSpec("macs", unit="MAC", role="cost", digits=0)
    assert with_unit(Interval(1.99e6, 1.9e6, 2.1e6, macs)) == "+1.99 M MAC [+1.90 M, +2.10 M]"
