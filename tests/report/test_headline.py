"""The sentence above the findings."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.report.build import compose
from ablate.report.headline import findings, headline, size
from ablate.report.model import Report
from tests.report.studies import ACCURACY, CLAIM, Levels, grid_results, reported


def study(folder: Path, effects: dict[str, float], seeds: int = 5) -> Report:
    def value(levels: Levels, seed: int) -> float:
        return 0.5 + sum(gain * levels[key] * (1 + 0.1 * (-1) ** seed) for key, gain in effects.items()) + seed / 100

    found = grid_results({key: [False, True] for key in effects}, value, ACCURACY.name, seeds, [ACCURACY])
    return compose(found, name="s", folder=folder)


def test_with_claims_the_verdicts_are_counted(tmp_path: Path) -> None:
    report = reported(tmp_path, 0.05, 0.001, seeds=8, claims=[CLAIM], looks=[8])
    assert headline(report) == "1 claim: 1 supported."
    assert [each.claim for each in findings(report)] == ["C1"]


def test_a_single_contrast_is_the_headline(tmp_path: Path) -> None:
    assert headline(reported(tmp_path, 0.05, 0.001)) == "Removing dropout: +5.01 points [+4.92, +5.10], better at n = 5."


def test_the_largest_effect_and_what_is_undecided(tmp_path: Path) -> None:
    report = study(tmp_path, {"a": 0.1, "b": 0.3})
    assert headline(report).startswith(
        "Largest clear effect: adding b, +30.6 points [+26.5, +34.7]. Undecided: 1 of 3 effects "
    )
    assert headline(report).endswith("effects and interactions (interaction of adding a and adding b).")
    assert size(report) == "4 configurations, 5 seeds"


@pytest.mark.parametrize(("seeds", "word"), [(1, "Preliminary"), (3, "Preliminary")])
def test_with_few_seeds_it_is_preliminary(tmp_path: Path, seeds: int, word: str) -> None:
    text = headline(study(tmp_path, {"a": 0.1, "b": 0.3}, seeds))
    assert text.startswith(f"{word}: the largest of 2 effects is adding b, +3")
    assert "; the interaction of adding a and adding b is " in text


def test_of_several_interactions_the_largest_is_named(tmp_path: Path) -> None:
    """It may be larger than every effect, and is no effect."""

    def value(levels: Levels, seed: int) -> float:
        return 0.5 + 0.1 * levels["a"] * levels["b"] + 0.02 * levels["c"] + seed / 1000

    found = grid_results({"a": [0, 1], "b": [0, 1], "c": [0, 1]}, value, ACCURACY.name, 1, [ACCURACY])
    text = headline(compose(found, name="s", folder=tmp_path))
    assert text.startswith("Preliminary: the largest of 3 effects is adding ")
    assert text.endswith("; that of 3 interactions is the interaction of adding a (1) and adding b (1), +10.0 points.")


@pytest.mark.parametrize("seeds", [1, 2])
def test_of_zeros_none_is_the_largest(tmp_path: Path, seeds: int) -> None:
    text = headline(study(tmp_path, {"a": 0.0, "b": 0.0}, seeds))
    assert text == "Preliminary: 2 effects and 1 interaction, all zero: no configuration differs."


def test_without_results_it_says_so(tmp_path: Path) -> None:
    found = grid_results({"a": [0, 1]}, lambda levels, seed: math.nan, ACCURACY.name, 2, [ACCURACY])
    assert headline(compose(found, name="s", folder=tmp_path)) == "No results to compare yet."


def test_one_configuration_has_its_mean(tmp_path: Path) -> None:
    found = grid_results({}, lambda levels, seed: 0.5 + seed / 100, ACCURACY.name, 3, [ACCURACY])
    assert headline(compose(found, name="s", folder=tmp_path)) == "Final accuracy: 51.0 ± 1.0 %, 3 runs of one configuration."


def test_among_several_outcomes_a_sentence_names_its_own(tmp_path: Path) -> None:
    found = grid_results({"a": [0, 1], "b": [0, 1]}, lambda levels, seed: levels["a"] + 0.5 * levels["b"] + 0.01 * seed, "bleu")
    two = replace(found, values=found.values.assign(chrf=found.values["bleu"]), metrics=found.metrics.completed(["chrf"]))
    one = headline(compose(found, name="s", folder=tmp_path))
    assert headline(compose(two, name="s", folder=tmp_path)) == one.replace("effect: ", "effect on bleu: ")
    sentences = [each.sentence for each in findings(compose(two, name="s", folder=tmp_path))]
    assert all(": bleu " in sentence for sentence in sentences)
