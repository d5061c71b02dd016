"""Claims about the results of other tools."""

from typing import Any

import pytest

from ablate.core.errors import UsageError
from ablate.report.claims_of_imports import with_claims
from tests.stats.conftest import results_of, study

CLAIM = {"id": "A", "says": "b is better", "kind": "contrast", "contrast": {"factor": "stem", "from": "a", "to": "b"}}


def results() -> Any:
    return results_of(study({"stem": ["a", "b"]}, lambda levels, seed: 0.1 * seed))


def test_claims_and_descriptions_are_those_of_the_results() -> None:
    claims = [{**CLAIM, "expects": "higher", "metric": "accuracy"}]
    found = with_claims(results(), claims, {"accuracy": {"title": "Top 1"}}, chance={"accuracy": 0.1})
    assert [claim.id for claim in found.claims()] == ["A"]
    assert (found.metrics["accuracy"].title, found.metrics["accuracy"].chance) == ("Top 1", 0.1)
    assert with_claims(results(), None, {}).claims() == []


@pytest.mark.parametrize(
    ("scale", "margin", "said"),
    [
        (100, 0.05, "percentages, so the margin of claim A, 0.05,"),
        (1, 5, "fractions, so the margin of claim A is 500"),
        (1, 0.05, ""),
    ],
)
def test_a_margin_on_another_scale_than_the_values_is_a_caveat(scale: float, margin: float, said: str) -> None:
    found = results_of(study({"stem": ["a", "b"]}, lambda levels, seed: scale * (0.8 + 0.01 * seed)))
    claims = [{**CLAIM, "expects": "equivalent", "metric": "accuracy", "margin": margin}]
    caveats = with_claims(found, claims, {}).description.caveats
    assert (len(caveats), all(said in caveat for caveat in caveats)) == (bool(said), True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metric": "loss"}, "claim A: .*loss"),
        ({"contrast": {"factor": "stem", "from": "a", "to": "c"}}, "claim A: .*c"),
        ({"expects": "bigger"}, "claim A: expects"),
    ],
)
def test_a_claim_that_these_results_cannot_test_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        with_claims(results(), [{**CLAIM, "expects": "higher", "metric": "accuracy", **change}], {})
