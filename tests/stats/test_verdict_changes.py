"""Verdicts that no longer hold, and changes that are allowed."""

from typing import Any

import pandas as pd
import pytest

from ablate.core.cells import Cell
from ablate.core.claims import Claim
from ablate.core.levels import Factor
from ablate.stats.decision_rules import RULES
from ablate.stats.verdict_changes import note_changes, verdicts_that_fail, wider_average


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


def frame(**changed: Any) -> pd.DataFrame:
    return pd.DataFrame([row("inconclusive", n=5, estimate=0.1, rules=RULES) | changed])


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ({"meaning": "other"}, "the claim has changed since"),
        ({"rules": RULES - 1}, "the decision rules have changed since (see docs/statistics.md)"),
        ({}, "the other primary claims or the looks of the study have changed since"),
        ({"n": 8}, "n = 8 then, and 5 when it changed"),
        ({"estimate": 0.2}, "runs have changed or were left out since"),
        ({"estimate": None}, "runs have changed or were left out since"),
    ],
)
def test_a_verdict_that_changed_says_so_and_why(before: dict[str, Any], why: str) -> None:
    earlier = row("supported", n=5, estimate=0.1, rules=RULES) | before
    noted = note_changes([earlier], frame())
    assert noted["changed"].tolist() == [f"An earlier report had the verdict supported: {why}"]
    again = note_changes(noted.to_dict("records"), frame())
    assert again["changed"].tolist() == noted["changed"].tolist()  # writing a report twice changes nothing


CELLS = {
    f"{dropout}-{depth}": Cell.of({"dropout": dropout, "depth": depth}) for dropout in (True, False) for depth in (8, 2, 4)
}
FACTORS = {"dropout": Factor.of("dropout", [True, False]), "depth": Factor.of("depth", [8, 2, 4])}


def claim(**more: Any) -> Claim:
    contrast = {"factor": "dropout", "from": True, "to": False}
    return Claim.parse(
        {"id": "A", "says": "s", "kind": "contrast", "contrast": contrast, "metric": "f1", "expects": "higher", **more}
    )


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        (
            ["True-2", "False-2", "gone"],
            "the factor depth was added since, so the claim is now averaged over depth=8, 2, 4; a claim with "
            "`where: {depth: 2}` keeps the earlier comparison",
        ),
        (
            ["True-2", "False-2", "True-8"],
            "levels of the factor depth were added since, so the claim is now averaged over depth=8, 2, 4; a claim with "
            "`where: {depth: [8, 2]}` keeps the earlier comparison",
        ),
        (list(CELLS), ""),
        ([], ""),
        (["of another program"], ""),
    ],
)
def test_a_factor_that_was_added_widens_a_claim(earlier: list[str], said: str) -> None:
    assert wider_average(claim(), earlier, CELLS, FACTORS) == said
    assert wider_average(claim(where={"depth": 2}), earlier, CELLS, FACTORS) == ""
    assert wider_average(claim(), earlier, CELLS, FACTORS, block="depth") == ""


def test_a_verdict_that_changed_with_a_new_factor_names_it_before_the_number_of_seeds() -> None:
    noted = note_changes([row("supported", n=8, estimate=0.2, rules=RULES)], frame(), {"A": "the factor depth was added"})
    assert noted["changed"].tolist() == ["An earlier report had the verdict supported: the factor depth was added"]


def test_a_verdict_without_an_earlier_one_or_with_the_same_has_no_note() -> None:
    assert note_changes([], frame())["changed"].tolist() == [""]
    assert note_changes([row("inconclusive")], frame())["changed"].tolist() == [""]
