"""Claims: read, and refused with the reason."""

from typing import Any

import pytest
import yaml

from ablate.core.cells import Condition
from ablate.core.claim_checks import check, unmet
from ablate.core.claims import Change, Claim, parse_all
from ablate.core.errors import ClaimError
from ablate.core.levels import Factor, Level

C2: dict[str, Any] = {
    "id": "C2",
    "quote": "速いのに精度の最大値は変わらない",
    "says": "Removing dropout leaves the peak accuracy as it was",
    "kind": "contrast",
    "contrast": {"factor": "model.dropout", "from": True, "to": False},
    "where": {"stem": "direct"},
    "metric": "peak_test_accuracy",
    "expects": "equivalent",
    "margin": 0.005,
    "needs": {"budget": "article"},
    "primary": True,
}
PATH: dict[str, Any] = {
    "id": "C7",
    "says": "The stem bought most of the points",
    "kind": "path",
    "path": {
        "of": "stem",
        "changes": {
            "dropout": {"factor": "model.dropout", "from": True, "to": False},
            "stem": [{"factor": "stem", "from": "direct", "to": "pyramid"}, {"factor": "act", "from": None, "to": False}],
        },
    },
    "expects": "largest",
}


def factors(**more: list[Any]) -> dict[str, Factor]:
    levels = {"model.dropout": [True, False], "stem": ["pyramid", "direct"], **more}
    return {key: Factor.of(key, values) for key, values in levels.items()}


def facts(**values: Any) -> dict[str, Level]:
    return {key: Level.of(value) for key, value in values.items()}


FACTORS = factors()


def but(claim: dict[str, Any] = C2, **changed: Any) -> dict[str, Any]:
    """The claim with other values; None takes a key away."""
    return {key: value for key, value in (claim | changed).items() if value is not None}


def test_a_claim_of_the_design_is_read() -> None:
    claim = Claim.parse(C2)
    assert claim.changes == (Change.of("model.dropout", True, False),)
    assert (claim.id, claim.kind, claim.expects, claim.margin, claim.scale) == (
        "C2",
        "contrast",
        "equivalent",
        0.005,
        "difference",
    )
    assert (str(claim.where), str(claim.needs), claim.metric) == ("stem=direct", "budget=article", "peak_test_accuracy")


def test_what_is_not_said_has_defaults() -> None:
    claim = Claim.parse(but(quote=None, where=None, metric=None, needs=None, primary=None, expects="higher", margin=None))
    assert (claim.quote, claim.where, claim.metric, claim.needs) == ("", Condition({}), "", Condition({}))
    assert Claim.parse(but(metric=None), default_metric="accuracy").metric == "accuracy"
    assert claim.primary is True
    assert claim.margin is None


def test_every_kind_is_read() -> None:
    step = {"factor": "stem", "from": "direct", "to": "pyramid"}
    both = Claim.parse(
        {"id": 3, "says": "x", "kind": "interaction", "interaction": [C2["contrast"], step], "expects": "lower", "margin": 0.01}
    )
    assert [change.factor for change in both.changes] == ["model.dropout", "stem"]
    assert both.id == "3"
    threshold = Claim.parse({"id": "C9", "says": "x", "kind": "threshold", "value": 0.9, "expects": "higher", "margin": 0.005})
    assert threshold.value == 0.9
    exact = Claim.parse({"id": "C8", "says": "x", "kind": "exact", "value": 1990802, "metric": "parameters"})
    assert (exact.value, exact.expects) == (1990802.0, "")
    path = Claim.parse(PATH)
    assert list(path.path) == ["dropout", "stem"]
    assert path.all_changes[-1] == Change.of("act", None, False)
    ratio = Claim.parse(but(scale="ratio", expects="higher", margin=1.05))
    assert ratio.margin == 1.05


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (but(id=None), "a claim has no id"),
        (but(says=None), "claim C2: says is missing"),
        (but(says=5), "claim C2: says=5: input should be a valid string"),
        (but(kind=None), "claim C2: kind is missing: one of contrast, interaction, threshold, exact, path"),
        (but(kind="guess"), "claim C2: kind=guess: one of contrast, interaction"),
        (but(margn=0.1), "claim C2: unknown key 'margn' for the kind contrast; available: id, says,"),
        (but(value=1), "claim C2: unknown key 'value' for the kind contrast"),
        (but(margin=None), "claim C2: margin is missing: equivalence needs the smallest difference that matters"),
        (but(margin=-0.1), "claim C2: margin=-0.1: it has to be above 0"),
        (but(margin=0), "claim C2: margin=0: it has to be above 0"),
        (but(margin="5 %"), "claim C2: margin='5 %': should be a number"),
        (but(margin=True), "claim C2: margin=True: should be a number"),
        (but(margin=float("nan")), "claim C2: margin=nan: should be a number"),
        (but(scale="ratio"), "claim C2: margin=0.005: it has to be above 1, such as 1.05"),
        (but(scale="log"), "claim C2: scale='log': input should be 'difference' or 'ratio'"),
        (but(expects=None), "claim C2: expects is missing: one of higher, lower, equivalent"),
        (but(expects="largest"), "claim C2: expects=largest: one of higher, lower, equivalent"),
        (but(primary="yes"), "claim C2: primary='yes': input should be a valid boolean"),
        (but(where="stem"), "claim C2: where='stem': should map keys to levels"),
        (but(contrast=None), "claim C2: contrast has to have the keys factor, from, to; it is None"),
        (but(contrast={"factor": "stem", "from": 1}), "claim C2: contrast has to have the keys factor, from, to"),
        (but(contrast={"factor": "stem", "from": 1, "to": 1.0}), "claim C2: contrast goes from 1 to itself"),
        (but(kind="interaction", contrast=None, interaction=[C2["contrast"]]), "claim C2: interaction has to be a list of two changes"),
        (but(kind="interaction", contrast=None, interaction=[C2["contrast"]] * 2), "claim C2: interaction needs two factors, and both are model.dropout"),
        (but(kind="threshold", contrast=None), "claim C2: value is missing: it has to be a number"),
        (but(PATH, path={"of": "stem"}), "claim C7: path has to have the keys changes"),
        (but(PATH, path=PATH["path"] | {"of": "norm"}), "claim C7: path.of=norm: one of dropout, stem, all"),
        (but(PATH, path=PATH["path"] | {"of": "all"}), "claim C7: expects=largest needs one change among several; `of` names all"),
        (but(PATH, path={"of": "a", "changes": {"a": C2["contrast"], "b": C2["contrast"]}}), "claim C7: model.dropout is in more than one change"),
        (but(PATH, path={"of": "all", "changes": {}}), "claim C7: path.changes needs at least one change, and none named all"),
        (but(PATH, path={"of": "a", "changes": {"a": 5}}), "claim C7: path.changes.a has to have the keys factor, from, to; it is 5"),
        (but(PATH, path={"of": "a", "changes": {"a": []}}), "claim C7: path.changes.a holds no change {factor, from, to}"),
        (but(where={"stem": []}), "claim C2: where={'stem': .*}: names no level of stem"),
        ("C2", "a claim is a mapping of keys, not 'C2'"),
    ],
)  # fmt: skip
def test_a_bad_claim_is_refused_with_its_name_the_key_and_what_is_allowed(claim: Any, message: str) -> None:
    with pytest.raises(ClaimError, match=message) as refused:
        Claim.parse(claim)
    assert str(refused.value).endswith(".")


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


def test_two_claims_of_one_id_are_refused() -> None:
    assert [claim.id for claim in parse_all([C2, PATH])] == ["C2", "C7"]
    with pytest.raises(ClaimError, match="claim C2: two claims have this id"):
        parse_all([C2, PATH, C2])


def test_a_claim_that_fits_the_study_passes() -> None:
    check(Claim.parse(C2), FACTORS)
    check(Claim.parse(but(where={"stem": ["direct", "pyramid"]})), FACTORS)
    check(Claim.parse(but(where={"norm": "before"})), FACTORS, facts(norm="before"))
    check(Claim.parse(but(PATH)), factors(act=[None, False]))


@pytest.mark.parametrize(
    ("claim", "shared", "message"),
    [
        (but(contrast={"factor": "norm", "from": 1, "to": 2}), {}, "claim C2: norm does not vary in this study; what varies: model.dropout, stem"),
        (but(contrast={"factor": "model.dropout", "from": True, "to": None}), {}, None),
        (but(contrast={"factor": "stem", "from": "direct", "to": "odd"}, where=None), {}, "claim C2: stem has no level odd; available: pyramid, direct"),
        (but(where={"stem": "odd"}), {}, "claim C2: `where` selects nothing: stem has no level odd; available: pyramid, direct"),
        (but(where={"model.dropout": True}), {}, "claim C2: model.dropout changes, so `where` cannot fix it"),
        (but(where={"norm": "before"}), {}, "claim C2: where norm=before selects nothing: norm does not vary"),
        (but(where={"norm": "before"}), {"norm": "after"}, "claim C2: where norm=before selects nothing: this study has norm=after"),
        (PATH, {}, "claim C7: act does not vary in this study"),
        (but(PATH, path={"of": "a", "changes": {"a": C2["contrast"]}}, expects="higher"), {}, "claim C7: stem varies in this study: `where` has to fix it"),
        (but(PATH, path={"of": "a", "changes": {"a": C2["contrast"]}}, expects="higher", where={"stem": ["direct", "pyramid"]}), {}, "claim C7: where stem has to be one level for a path"),
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
    assert unmet(claim, {}, facts(budget="article")) == "needs data=cifar10 or images; this study does not say its data"
    assert unmet(claim, {}) == (
        "needs budget=article; this study does not say its budget, and needs data=cifar10 or images; this study does not say its data"
    )


def test_what_a_claim_needs_may_vary_if_where_fixes_it() -> None:
    varying = factors(budget=["quick", "article"])
    assert unmet(Claim.parse(C2), varying) == "needs budget=article, and budget varies in this study: `where` has to fix it"
    assert unmet(Claim.parse(but(where={"budget": "article"})), varying) == ""
    assert unmet(Claim.parse(but(where={"budget": "quick"})), varying).startswith("needs budget=article")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"expects": "noninferior", "margin": None}, "margin is missing: non-inferiority needs the smallest difference"),
        ({"expects": "higher by the margin", "margin": None}, "margin is missing: superiority by the margin needs"),
        ({"published": {"kind": "best"}}, "published.value is missing: it has to be a number"),
        ({"published": {"value": 0.9, "kind": "best"}}, "published.n_runs is the number of runs of the kinds best and mean"),
        ({"published": {"value": 0.9, "n_runs": 3}}, "published.n_runs is the number of runs of the kinds best and mean"),
        ({"published": {"value": 0.9, "runs": 3}}, "published: unknown key 'runs'; available: value, kind, n_runs"),
        ({"published": {"value": 0.9, "kind": "luck"}}, "kind='luck': input should be 'run', 'paired', 'best' or 'mean'"),
    ],
)
def test_a_margin_and_the_making_of_a_figure_are_checked(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        Claim.parse(but(**changed))


def test_how_a_figure_was_made() -> None:
    best = Claim.parse(but(published={"value": 0.9, "kind": "best", "n_runs": 5}))
    assert (best.published, best.published_as.kind, best.published_as.n_runs) == (0.9, "best", 5)
    single = Claim.parse(but(published=0.9))
    assert (single.published, single.published_as.kind) == (0.9, "run")
    assert best.meaning == single.meaning == Claim.parse(C2).meaning


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"expects": "higher", "exceeds": 1.5}, "exceeds=1.5: a fraction of the whole difference, between 0 and 1"),
        ({"exceeds": 0.5}, "exceeds needs expects=higher"),
        ({"expects": "higher", "exceeds": 0.5, "margin": 0.01}, "exceeds needs expects=higher .*and no margin"),
    ],
)
def test_a_fraction_of_the_whole_is_checked(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        Claim.parse(but(PATH, **changed))


def test_a_fraction_is_part_of_the_meaning_and_its_absence_is_not() -> None:
    higher = Claim.parse(but(PATH, expects="higher"))
    half, most = (Claim.parse(but(PATH, expects="higher", exceeds=fraction)) for fraction in (0.5, 0.8))
    assert len({higher.meaning, half.meaning, most.meaning}) == 3
