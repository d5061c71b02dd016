"""Which changes of verdicts break a promise, and which keep it."""

from typing import Any

import pytest

from ablate.stats.verdict_changes import broken


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
        ("identical", "not tested", ["A was identical, and is not tested: p = 1."]),
    ],
)
def test_a_decided_verdict_has_to_stay(before: str, now: str, said: list[str]) -> None:
    assert broken([row(before)], [row(now)]) == said


def test_a_claim_that_is_new_gone_or_another() -> None:
    assert broken([], [row("supported")]) == []
    assert broken([], [row("contradicted")]) == ["A is contradicted: p = 1."]
    assert broken([row("supported")], []) == ["A was supported, and is no claim any more."]
    assert broken([row("inconclusive")], []) == []
    assert broken([row("supported")], [row("supported", meaning="other")]) == ["A was supported, and is another claim now."]
    assert broken([row("inconclusive")], [row("supported", meaning="other")]) == []
