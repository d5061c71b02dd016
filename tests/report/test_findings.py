"""Findings in sentences."""

import math
from pathlib import Path
from typing import Any

import pytest

from ablate.core.claims import Change
from ablate.core.metrics import MetricSpec
from ablate.report.build import compose
from ablate.report.findings import Finding, findings, phrase, with_unit
from ablate.report.model import Report
from ablate.report.values import Interval
from tests.report.studies import ACCURACY, Levels, grid_results

CLAIM = {"id": "C1", "says": "Dropout is not needed", "quote": "いらない", "kind": "contrast", "metric": ACCURACY.name,
         "contrast": {"factor": "model.dropout", "from": True, "to": False}, "expects": "higher", "margin": 0.01}  # fmt: skip


def found(folder: Path, gain: float, noise: float, seeds: int = 5, **manifest: Any) -> list[Finding]:
    return findings(reported(folder, gain, noise, seeds, **manifest))


def reported(folder: Path, gain: float, noise: float, seeds: int = 5, **manifest: Any) -> Report:
    """A study in which removing dropout gains `gain`, give or take `noise`."""

    def value(levels: Levels, seed: int) -> float:
        return 0.5 + (not levels["model.dropout"]) * (gain + noise * (-1) ** seed * (1 + seed) / 5)

    results = grid_results({"model.dropout": [True, False]}, value, ACCURACY.name, seeds, specs=[ACCURACY], **manifest)
    return compose(results, name="s", folder=folder)


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


def test_without_claims_each_contrast_is_a_sentence(tmp_path: Path) -> None:
    (one,) = found(tmp_path, 0.05, 0.001)
    assert one.sentence.startswith("Removing dropout: +5.0 points [+4.9, +5.1] (n = 5; 95 % interval excludes zero)")
    assert one.decided
    assert (one.claim, one.verdict, one.reason) == ("", "", "simple")
    (one,) = found(tmp_path, 0.01, 0.05)
    assert "95 % interval includes zero" in one.sentence
    assert not one.decided


def test_an_undecided_claim_says_how_many_seeds_would_decide_it(tmp_path: Path) -> None:
    (one,) = found(tmp_path, 0.002, 0.012, claims=[CLAIM], looks=[5, 8, 12, 20])
    assert (one.claim, one.says, one.quote, one.verdict) == ("C1", "Dropout is not needed", "いらない", "inconclusive")
    assert one.sentence.startswith("Removing dropout: +")
    assert "not decided at n = 5 by the interval [" in one.sentence
    assert one.sentence.endswith("] (99.7 %).")
    assert one.next_step.startswith("Not decided yet: ")
    assert one.next_step.endswith("Continue with study.until=decided.")
    assert one.margin == 0.01
    (one,) = found(tmp_path, 0.002, 0.2, claims=[CLAIM], looks=[5, 8, 12, 20])
    assert one.next_step == "Not even 20 seeds would have 80 % power at this margin: less noise or a wider margin is needed."


def test_a_decided_claim_says_so_and_needs_no_next_step(tmp_path: Path) -> None:
    (one,) = found(tmp_path, 0.05, 0.001, seeds=8, claims=[CLAIM], looks=[8])
    assert one.sentence.endswith("supported at n = 8.")
    assert (one.next_step, one.decided) == ("", True)


def test_a_claim_that_is_not_tested_says_why(tmp_path: Path) -> None:
    (one,) = found(tmp_path, 0.05, 0.001, claims=[{**CLAIM, "needs": {"budget": "full"}}])
    assert one.sentence.startswith("Not tested: ")
    assert one.estimate is None


def test_units_stand_behind_the_number() -> None:
    seconds = MetricSpec("epoch_time", unit="s", digits=1)
    assert with_unit(Interval(0.034, -0.013, 0.082, ACCURACY)) == "+3.4 points [−1.3, +8.2]"
    assert with_unit(Interval(1.5, 1.0, 2.0, seconds)) == "+1.5 s [+1.0, +2.0]"
    assert with_unit(Interval(1.5, math.nan, math.nan, MetricSpec("f1", digits=1))) == "+1.5"
