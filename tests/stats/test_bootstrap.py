"""Test examples and published figures: against the normal approximation, scipy, and arithmetic by hand."""

import math

import numpy as np
import pytest

from ablate.core.claims import Change
from ablate.core.descriptions import Examples
from ablate.stats.bootstrap import change_over_examples, over_examples, unpacked, with_examples
from ablate.stats.contrasts import every_contrast
from ablate.stats.estimates import table
from ablate.stats.outcomes import Outcomes
from tests.stats.conftest import results_of, study


def test_the_bootstrap_over_images_agrees_with_the_standard_error_of_their_mean() -> None:
    draw = np.random.default_rng(0)
    hard = draw.random(4000)
    first, second = (draw.random((5, 4000)) < skill - 0.5 * hard for skill in (0.95, 0.97))
    found = over_examples(first, second, np.random.default_rng(1))
    difference = second.mean(axis=0) - first.mean(axis=0)
    se = difference.std(ddof=1) / math.sqrt(4000)
    assert found["estimate"] == pytest.approx(difference.mean())
    assert found["low"] == pytest.approx(difference.mean() - 1.96 * se, abs=0.15 * se)
    assert found["high"] == pytest.approx(difference.mean() + 1.96 * se, abs=0.15 * se)
    assert (found["seeds"], found["examples"]) == (5, 4000)


def test_the_interval_over_images_covers_what_other_images_would_show() -> None:
    """200 sets of 300 images: about 95 % of the intervals hold the true difference, 0.05."""
    draw = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        first = draw.random((3, 300)) < 0.80
        second = draw.random((3, 300)) < 0.85
        found = over_examples(first, second, draw, draws=400)
        covered += found["low"] <= 0.05 <= found["high"]
    assert 0.90 <= covered / 200 <= 0.985


def test_equal_answers_leave_no_uncertainty_over_examples() -> None:
    right = np.random.default_rng(3).random((2, 50)) < 0.5
    assert over_examples(right, right, np.random.default_rng(4))["high"] == 0.0


def test_arms_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the shapes \(2, 3\) and \(2, 4\): both have to be \(seeds, examples\)"):
        over_examples(np.ones((2, 3)), np.ones((2, 4)), np.random.default_rng(0))
    with pytest.raises(ValueError, match="there are no examples"):
        over_examples(np.ones((2, 0)), np.ones((2, 0)), np.random.default_rng(0))


def test_a_change_over_images_is_the_contrast_of_what_the_runs_had_right() -> None:
    """Two stems by two dropouts, three seeds: the mean over images is the contrast of the accuracies, by hand."""
    draw = np.random.default_rng(5)
    runs = study({"stem": ["direct", "pyramid"], "dropout": [True, False]}, lambda levels, seed: 0.0, seeds=3)
    right = {directory: draw.random(200) < 0.5 + 0.2 * ("pyramid" in directory) for directory in runs["directory"]}
    found = change_over_examples(results_of(runs), [Change.of("stem", "direct", "pyramid")], right, draw)
    assert found is not None
    mean = {stem: np.mean([right[each] for each in runs["directory"] if stem in each]) for stem in ("direct", "pyramid")}
    assert found["estimate"] == pytest.approx(mean["pyramid"] - mean["direct"])
    assert found["low"] < found["estimate"] < found["high"]
    assert (found["seeds"], found["examples"]) == (3, 200)
    both = [Change.of("stem", "direct", "pyramid"), Change.of("dropout", True, False)]
    interaction = change_over_examples(results_of(runs), both, right, draw)
    by_hand = (
        sum((1 if ("pyramid" in each) == ("False" in each) else -1) * right[each].mean() for each in runs["directory"]) / 3
    )
    assert interaction is not None
    assert interaction["estimate"] == pytest.approx(by_hand)


def test_seeds_whose_answers_are_missing_do_not_count_and_unequal_numbers_of_images_are_not_compared() -> None:
    runs = study({"stem": ["direct", "pyramid"]}, lambda levels, seed: 0.0, seeds=2)
    right = {directory: np.arange(10) < 5 for directory in runs["directory"]}
    change = [Change.of("stem", "direct", "pyramid")]
    some = {key: value for key, value in right.items() if key != runs["directory"].iloc[0]}
    found = change_over_examples(results_of(runs), change, some, np.random.default_rng(0))
    assert found is not None
    assert found["seeds"] == 1
    assert change_over_examples(results_of(runs), change, {}, np.random.default_rng(0)) is None
    right[runs["directory"].iloc[0]] = np.arange(9) < 5
    assert change_over_examples(results_of(runs), change, right, np.random.default_rng(0)) is None


def test_packed_answers_come_back_and_stand_beside_their_contrasts() -> None:
    runs = study({"stem": ["direct", "pyramid"]}, lambda levels, seed: 0.1 * seed, seeds=2)
    draw = np.random.default_rng(6)
    answers = {directory: draw.random(13) < 0.5 for directory in runs["directory"]}
    kept = {run: {"last": np.packbits(each), "count": np.array(13)} for run, each in answers.items()}
    right = unpacked({**kept, "other": {"weights": np.zeros(3)}}, Examples("accuracy", "right", "last"))
    assert {run: each.tolist() for run, each in right.items()} == {run: each.tolist() for run, each in answers.items()}
    found = every_contrast(Outcomes.of(results_of(runs), "accuracy"))
    (row,) = with_examples(table(found), found, results_of(runs), right).to_dict("records")
    expected = change_over_examples(results_of(runs), found[0].changes, right, np.random.default_rng(0))
    assert expected is not None
    assert (row["examples_low"], row["examples_high"]) == (expected["low"], expected["high"])
    assert with_examples(table(found), found, results_of(runs), {})["examples_low"].isna().all()


def test_a_single_seed_has_no_interval_over_images() -> None:
    """It would be taken for the interval over seeds, which one seed does not have."""
    runs = study({"stem": ["direct", "pyramid"]}, lambda levels, seed: 0.1, seeds=1)
    right = {directory: np.random.default_rng(7).random(50) < 0.5 for directory in runs["directory"]}
    found = every_contrast(Outcomes.of(results_of(runs), "accuracy"))
    assert change_over_examples(results_of(runs), found[0].changes, right, np.random.default_rng(0)) is not None
    (row,) = with_examples(table(found), found, results_of(runs), right).to_dict("records")
    assert np.isnan([row["examples_low"], row["examples_high"]]).all()
