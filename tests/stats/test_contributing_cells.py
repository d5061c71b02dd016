"""What numbers come from, by hand."""

import pandas as pd

from ablate.core.claims import Claim
from ablate.stats.contrasts import paired_differences, pairs_by_seed
from ablate.stats.estimates import Change
from ablate.stats.outcomes import blocks
from ablate.stats.sources import cells_of, cells_of_claim, still_improving
from tests.stats.conftest import noise, study

FACTORS = {"stem": ["pyramid", "direct", "none"], "dropout": [True, False]}
STEM = Change("stem", "pyramid", "direct")


def test_a_contrast_comes_from_the_cells_that_it_weighs() -> None:
    runs = study(FACTORS, noise(1.0))
    found = blocks(runs, "accuracy")
    assert cells_of(runs, found, [STEM]) == [
        "stem=pyramid,dropout=True", "stem=pyramid,dropout=False", "stem=direct,dropout=True", "stem=direct,dropout=False",
    ]  # fmt: skip
    assert cells_of(runs, found, [STEM], {"dropout": True}) == ["stem=pyramid,dropout=True", "stem=direct,dropout=True"]
    assert cells_of(runs, found, where={"stem": "none"}) == ["stem=none,dropout=True", "stem=none,dropout=False"]
    assert cells_of(runs, found, [STEM], {"dropout": "perhaps"}) == []


def test_a_claim_comes_from_its_cells() -> None:
    runs = study(FACTORS, noise(1.0))
    claim = Claim.parse(
        {"id": "A", "says": "s", "kind": "threshold", "value": 0, "expects": "higher", "where": {"stem": "none", "data": "x"}}
    )
    assert cells_of_claim(runs, blocks(runs, "accuracy"), claim) == ["stem=none,dropout=True", "stem=none,dropout=False"]


def test_cells_that_stand_on_the_same_runs_are_named_once() -> None:
    runs = study({"stem": ["pyramid", "direct"], "dropout": [True, False]}, noise(1.0))
    direct = runs["stem"] == "direct"
    runs.loc[direct, "directory"] = [f"runs/direct/seed={seed}" for seed in runs.loc[direct, "seed"]]
    assert cells_of(runs, blocks(runs, "accuracy"), where={"stem": "direct"}) == ["stem=direct,dropout=True"]


def test_the_pairs_average_to_the_difference() -> None:
    runs = study({"stem": ["pyramid", "direct"]}, noise(1.0))
    runs.loc[1, "status"] = "failed"
    pairs = pairs_by_seed(runs, "accuracy", "stem=pyramid")
    assert pairs["seed"].tolist() == [1, 2, 3, 4]
    (row,) = paired_differences(runs, "accuracy", "stem=pyramid").to_dict("records")
    assert pairs["difference"].mean() == row["estimate"]


def test_a_run_is_still_improving_if_no_epoch_before_its_last_was_as_good() -> None:
    history = pd.DataFrame(
        [("a", 1, 0.1), ("a", 2, 0.2), ("b", 1, 0.2), ("b", 2, 0.2), ("c", 2, 0.1), ("c", 1, 0.3), ("d", 1, 0.5)],
        columns=["directory", "epoch", "value"],
    )
    assert still_improving(history, "value", higher_is_better=True).to_dict() == {"a": True, "b": False, "c": False}
    assert still_improving(history, "value", higher_is_better=False).to_dict() == {"a": False, "b": False, "c": True}
