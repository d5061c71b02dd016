"""Verdicts that no longer hold, and changes that are allowed."""

from typing import Any

import pytest

from ablate.stats.verdict_changes import verdicts_that_fail


def row(verdict: str, **changed: Any) -> dict[str, Any]:
    return {"id": "A", "meaning": "c1a1", "verdict": verdict, "reason": "p = 1"} | changed


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("supported", "supported", []),
        ("inconclusive", "supported", []),
        ("not tested", "inconclusive", []),
        ("contradicted", "contradicted", []),
        ("inconclusive", "contradicted", ["A is contradicted: p = 1."]),
        ("supported", "contradicted", ["A was supported, and is contradicted: p = 1."]),
        ("supported", "inconclusive", ["A was supported, and is inconclusive: p = 1."]),
        ("supported", "smaller than the margin", ["A was supported, and is smaller than the margin: p = 1."]),
        ("smaller than the margin", "smaller than the margin", []),
        ("identical", "not tested", ["A was identical, and is not tested: p = 1."]),
    ],
)
def test_a_decided_verdict_has_to_stay(before: str, now: str, said: list[str]) -> None:
    assert verdicts_that_fail([row(before)], [row(now)]) == said


def test_a_claim_that_is_new_gone_or_another() -> None:
    assert verdicts_that_fail([], [row("supported")]) == []
    assert verdicts_that_fail([], [row("contradicted")]) == ["A is contradicted: p = 1."]
    assert verdicts_that_fail([row("supported")], []) == ["A was supported, and is no longer a claim of the study."]
    assert verdicts_that_fail([row("inconclusive")], []) == []
    assert verdicts_that_fail([row("supported")], [row("supported", meaning="other")]) == [
        "A was supported, and the claim has changed since."
    ]
    assert verdicts_that_fail([row("inconclusive")], [row("supported", meaning="other")]) == []
