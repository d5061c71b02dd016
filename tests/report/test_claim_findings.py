"""Findings about claims."""

from pathlib import Path

from ablate.report.claim_findings import claim_findings
from tests.report.studies import CLAIM, reported


def test_an_undecided_claim_says_how_many_seeds_would_decide_it(tmp_path: Path) -> None:
    (one,) = claim_findings(reported(tmp_path, 0.002, 0.012, claims=[CLAIM], looks=[5, 8, 12, 20]))
    assert (one.claim, one.says, one.quote, one.verdict) == ("C1", "Dropout is not needed", "いらない", "inconclusive")
    assert one.sentence.startswith("Removing dropout: +")
    assert "not decided at n = 5 by the interval [" in one.sentence
    assert one.sentence.endswith("] (99.7 %).")
    assert one.next_step.startswith("Not decided yet: ")
    assert one.next_step.endswith("Continue with study.until=decided.")
    assert one.margin == 0.01
    (one,) = claim_findings(reported(tmp_path, 0.002, 0.2, claims=[CLAIM], looks=[5, 8, 12, 20]))
    assert one.next_step == "Not even 20 seeds would have 80 % power at this margin: less noise or a wider margin is needed."


def test_a_decided_claim_says_so_and_needs_no_next_step(tmp_path: Path) -> None:
    (one,) = claim_findings(reported(tmp_path, 0.05, 0.001, seeds=8, claims=[CLAIM], looks=[8]))
    assert one.sentence.endswith("supported at n = 8.")
    assert (one.next_step, one.decided) == ("", True)


def test_a_claim_that_is_not_tested_says_why(tmp_path: Path) -> None:
    (one,) = claim_findings(reported(tmp_path, 0.05, 0.001, claims=[{**CLAIM, "needs": {"budget": "full"}}]))
    assert one.sentence.startswith("Not tested: ")
    assert one.estimate is None
