"""Means at the levels of two factors."""

import pandas as pd
import pytest
from scipy import stats

from ablate.stats.anova import anova
from ablate.stats.marginal_means import interaction_means, strongest_interactions
from ablate.stats.outcomes import Outcomes
from tests.report.studies import Levels, grid_results


def value(levels: Levels, seed: int) -> float:
    """a and b interact; c has an effect of its own."""
    noise = ((seed * 7 + levels["a"] * 3 + levels["b"] * 5 + levels["c"] * 11) % 5) / 100
    return float(levels["a"] * levels["b"] + levels["c"] + seed + noise)


RESULTS = grid_results({"a": [0, 1, 2], "b": [0, 1], "c": [0, 1]}, value)


def test_a_mean_is_that_of_the_seeds_averaged_over_the_other_factors() -> None:
    found = interaction_means(Outcomes.of(RESULTS, "f1"), "b", "a")
    assert (found.x, found.line) == ("a", "b")  # the factor with more levels is on the axis
    row = found.means[(found.means["x"] == "2") & (found.means["line"] == "1")].iloc[0]
    by_seed = [(value({"a": 2, "b": 1, "c": 0}, seed) + value({"a": 2, "b": 1, "c": 1}, seed)) / 2 for seed in range(5)]
    interval = stats.t.interval(0.95, 4, pd.Series(by_seed).mean(), stats.sem(by_seed))
    assert row["n"] == 5
    assert [row["mean"], row["low"], row["high"]] == pytest.approx([pd.Series(by_seed).mean(), *interval])
    assert len(found.means) == 6


def test_the_pairs_that_explain_most_are_shown_and_noise_is_not() -> None:
    outcomes = Outcomes.of(RESULTS, "f1")
    shown = strongest_interactions(outcomes, anova(outcomes))
    assert [{each.x, each.line} for each in shown] == [{"a", "b"}]
    assert strongest_interactions(outcomes, pd.DataFrame()) == []


def test_the_pair_that_explains_most_comes_first() -> None:
    explained = pd.DataFrame({"term": ["a × b", "a × c", "b × c"], "order": 2, "omega_squared": [0.1, 0.5, 0.002]})
    (found,) = strongest_interactions(Outcomes.of(RESULTS, "f1"), explained, most=1)
    assert {found.x, found.line} == {"a", "c"}


def test_means_are_averages_over_the_same_levels_of_the_other_factors() -> None:
    """c adds 10, and one of its cells is missing: without it the means would show an interaction, or hide one."""
    additive = grid_results({"a": [0, 1], "b": [0, 1], "c": [0, 1]}, lambda levels, seed: 10.0 * levels["c"] + seed)
    crossed = grid_results(
        {"a": [0, 1], "b": [0, 1], "c": [0, 1]}, lambda levels, seed: levels["a"] * levels["b"] + 2.0 * levels["c"] + seed / 10
    )
    for results, expected in ((additive, 0), (crossed, 1)):
        missing = (results.levels.map(str) == "1").all(axis=1)
        found = interaction_means(Outcomes.of(results.where(~missing), "f1"), "a", "b")
        mean = found.means.set_index(["x", "line"])["mean"]
        assert mean["1", "1"] - mean["1", "0"] - mean["0", "1"] + mean["0", "0"] == pytest.approx(expected)
        assert found.balanced


def test_without_common_levels_of_the_others_no_means_are_chosen_for_a_report() -> None:
    kept = RESULTS.levels.map(str)
    alone = RESULTS.where((kept["c"] == "0") ^ ((kept["a"] == "1") & (kept["b"] == "1")))
    explained = pd.DataFrame({"term": ["a × b"], "order": 2, "omega_squared": [0.5]})
    outcomes = Outcomes.of(alone, "f1")
    assert strongest_interactions(outcomes, explained) == []
    assert len(interaction_means(outcomes, "a", "b").means) == 6
