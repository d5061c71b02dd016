"""A study refuses the claims that it cannot test."""

from typing import Any

import pytest
import yaml

from ablate.core.claim_checks import check, unmet
from ablate.core.claims import Claim, parse_all
from ablate.core.errors import ClaimError
from ablate.core.levels import Factor, Level
from tests.core.test_claims import C2, PATH, but


def factors(**more: list[Any]) -> dict[str, Factor]:
    levels = {"model.dropout": [True, False], "stem": ["pyramid", "direct"], **more}
    return {key: Factor.of(key, values) for key, values in levels.items()}


def facts(**values: Any) -> dict[str, Level]:
    return {key: Level.of(value) for key, value in values.items()}


FACTORS = factors()


ARTICLE = """
- {id: C1, says: faster without dropout, quote: めっちゃ学習速い!, kind: contrast, metric: epochs_to_target, scale: ratio,
   contrast: {factor: model.dropout, from: true, to: false}, where: {batch: 128}, expects: lower, margin: 1.1}
- {id: C2, says: the peak stays, kind: contrast, metric: peak_test_accuracy,
   contrast: {factor: model.dropout, from: true, to: false}, expects: equivalent, margin: 0.005, needs: {budget: article}}
- {id: C3, says: together they hurt, kind: interaction, expects: lower, margin: 0.005,
   interaction: [{factor: model.dropout, from: false, to: true}, {factor: norm, from: none, to: before}]}
- {id: C4, says: gradual beats direct, kind: contrast, contrast: {factor: stem, from: direct, to: pyramid}, expects: higher, margin: 0.005}
- {id: C5, says: linear layers buy nothing, kind: contrast, contrast: {factor: stem, from: direct, to: pyramid},
   where: {stem.activation: false}, expects: equivalent, margin: 0.005}
- {id: C6, says: padding is padding, kind: contrast, contrast: {factor: padding, from: module, to: argument}, expects: equivalent, margin: 0.001}
- {id: C7, says: two points in all, kind: path, expects: higher, margin: 0.01, where: {padding: module, batch: 128, norm: before, stem.activation: false},
   path: {of: all, changes: {dropout: {factor: model.dropout, from: true, to: false}, stem: {factor: stem, from: direct, to: pyramid}}}}
- {id: C8, says: parameters, kind: exact, metric: parameters, value: 1990802, where: {stem: pyramid}}
- {id: C9, says: 90 % without a ResNet, kind: threshold, metric: peak_test_accuracy, value: 0.9, where: {stem: pyramid}, expects: higher}
"""


def test_every_claim_of_the_article_can_be_said_and_tested() -> None:
    more = {"norm": ["before", "none"], "stem.activation": [False, True], "padding": ["module", "argument"], "batch": [32, 128]}
    claims = parse_all(yaml.safe_load(ARTICLE))
    assert [claim.id for claim in claims] == [f"C{number}" for number in range(1, 10)]
    for claim in claims:
        check(claim, factors(**more))


def test_a_claim_that_fits_the_study_passes() -> None:
    check(Claim.parse(C2), FACTORS)
    check(Claim.parse(but(where={"stem": ["direct", "pyramid"]})), FACTORS)
    check(Claim.parse(but(where={"norm": "before"})), FACTORS, facts(norm="before"))
    check(Claim.parse(but(PATH)), factors(act=[None, False]))


@pytest.mark.parametrize(
    ("claim", "shared", "message"),
    [
        (but(contrast={"factor": "norm", "from": 1, "to": 2}), {}, "claim C2: norm is not a factor of this study; available: model.dropout, stem"),
        (but(contrast={"factor": "model.dropout", "from": True, "to": None}), {}, None),
        (but(contrast={"factor": "stem", "from": "direct", "to": "odd"}, where=None), {}, "claim C2: stem has no level odd; available: pyramid, direct"),
        (but(where={"stem": "odd"}), {}, "claim C2: no cell matches `where`: stem has no level odd; available: pyramid, direct"),
        (but(where={"model.dropout": True}), {}, "claim C2: `where` cannot fix model.dropout, which the claim itself changes"),
        (but(where={"norm": "before"}), {}, "claim C2: no cell matches where norm=before: norm does not vary"),
        (but(where={"norm": "before"}), {"norm": "after"}, "claim C2: no cell matches where norm=before: this study has norm=after"),
        (PATH, {}, "claim C7: act is not a factor of this study"),
        (but(PATH, path={"of": "a", "changes": {"a": C2["contrast"]}}, expects="higher"), {}, "claim C7: stem varies in this study: fix its level in `where`"),
        (but(PATH, path={"of": "a", "changes": {"a": C2["contrast"]}}, expects="higher", where={"stem": ["direct", "pyramid"]}), {}, "claim C7: for a path, `where` needs a single level of stem"),
    ],
)  # fmt: skip
def test_a_claim_that_the_study_cannot_test_is_refused_with_the_reason(
    claim: Any, shared: dict[str, Any], message: str | None
) -> None:
    with pytest.raises(ClaimError, match=message or "claim C2: model.dropout has no level null"):
        check(Claim.parse(claim), FACTORS, facts(**shared))


def test_what_a_claim_needs_and_the_study_does_not_have_is_said() -> None:
    claim = Claim.parse(but(needs={"budget": "article", "data": ["cifar10", "images"]}))
    assert unmet(claim, {}, facts(budget="article", data="images")) == ""
    assert unmet(claim, {}, facts(budget="quick", data="images")) == "needs budget=article; this study has budget=quick"
    assert unmet(claim, {}, facts(budget="article")) == "needs data=cifar10 or images; this study does not record data"
    assert unmet(claim, {}) == (
        "needs budget=article; this study does not record budget, and needs data=cifar10 or images; this study does not record data"
    )


def test_what_a_claim_needs_may_vary_if_where_fixes_it() -> None:
    varying = factors(budget=["quick", "article"])
    assert (
        unmet(Claim.parse(C2), varying)
        == "needs budget=article, but budget is a factor of this study: fix its level in `where`"
    )
    assert unmet(Claim.parse(but(where={"budget": "article"})), varying) == ""
    assert unmet(Claim.parse(but(where={"budget": "quick"})), varying).startswith("needs budget=article")
