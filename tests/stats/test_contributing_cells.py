"""The cells behind a contrast and a claim, by hand."""

from ablate.core.cells import Condition
from ablate.core.claims import Change, Claim
from ablate.stats.contributing_cells import cells_of_claim, cells_of_contrast
from ablate.stats.outcomes import Outcomes
from tests.stats.conftest import noise, results_of, study

FACTORS = {"stem": ["pyramid", "direct", "none"], "dropout": [True, False]}
STEM = Change.of("stem", "pyramid", "direct")
RESULTS = results_of(study(FACTORS, noise(1.0)))
OUTCOMES = Outcomes.of(RESULTS, "accuracy")


def test_a_contrast_comes_from_the_cells_that_it_weighs() -> None:
    assert cells_of_contrast(RESULTS, OUTCOMES, [STEM]) == [
        "stem=pyramid,dropout=True", "stem=pyramid,dropout=False", "stem=direct,dropout=True", "stem=direct,dropout=False",
    ]  # fmt: skip
    assert cells_of_contrast(RESULTS, OUTCOMES, [STEM], Condition.of({"dropout": True})) == [
        "stem=pyramid,dropout=True",
        "stem=direct,dropout=True",
    ]
    assert cells_of_contrast(RESULTS, OUTCOMES, where=Condition.of({"stem": "none"})) == [
        "stem=none,dropout=True",
        "stem=none,dropout=False",
    ]


def test_a_contrast_that_cannot_be_estimated_comes_from_no_cell() -> None:
    assert cells_of_contrast(RESULTS, OUTCOMES, [STEM], Condition.of({"dropout": "perhaps"})) == []


def test_a_claim_comes_from_its_cells() -> None:
    claim = Claim.parse(
        {"id": "A", "says": "s", "kind": "threshold", "value": 0, "expects": "higher", "where": {"stem": "none", "data": "x"}}
    )
    assert cells_of_claim(RESULTS, OUTCOMES, claim) == ["stem=none,dropout=True", "stem=none,dropout=False"]


def test_cells_that_stand_on_the_same_runs_are_named_once() -> None:
    rows = study({"stem": ["pyramid", "direct"], "dropout": [True, False]}, noise(1.0))
    direct = rows["stem"] == "direct"
    rows.loc[direct, "directory"] = [f"runs/direct/seed={seed}" for seed in rows.loc[direct, "seed"]]
    results = results_of(rows)
    found = cells_of_contrast(results, Outcomes.of(results, "accuracy"), where=Condition.of({"stem": "direct"}))
    assert found == ["stem=direct,dropout=True"]
