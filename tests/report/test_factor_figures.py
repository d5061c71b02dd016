"""The sentences about the figures of factors, for readers who cannot see them."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablate.core.metrics import Better, MetricSpec
from ablate.report.build import compose
from ablate.report.factor_figures import factor_sketches
from ablate.report.sketch import Sketch
from tests.report.studies import Levels, grid_results

FACTORS = {"a": [0, 1], "b": [0, 1], "c": [0, 1], "d": [0, 1]}


def sketches(better: Better | None, blocks: str | None = None, of_seeds: float = 0.3) -> dict[str, Sketch]:
    """The figures of a study of four factors, in which `b` does most and seeds do more."""

    def value(levels: Levels, seed: int) -> float:
        return (
            0.5 + 0.02 * levels["b"] + 0.01 * levels["a"] * levels["c"] + of_seeds * seed + 0.001 * (-1) ** (seed * levels["d"])
        )

    results = grid_results(FACTORS, value, "x", 5, [MetricSpec("x", better=better)])
    report = compose(
        replace(results, manifest=results.manifest.model_copy(update={"blocks": blocks})), name="s", folder=Path("x")
    )
    assert report.comparison is not None
    return {each.name: each for each in factor_sketches(report, report.comparison, report.metrics["x"])}


def test_the_first_factor_is_not_said_to_explain_most_of_the_variance() -> None:
    found = sketches("higher")["importance"]
    assert found.alt == "b explains more of the variance between runs than any other factor: ω² = 0.00."
    assert found.caption.endswith("The rest is noise between seeds, and interactions.")


def test_where_no_pairs_are_drawn_all_interactions_are_in_the_rest() -> None:
    results = grid_results({"a": [0, 1], "b": [0, 1]}, lambda of, seed: 0.1 * of["a"] * of["b"] + 0.001 * seed * of["a"], "x")
    report = compose(results, name="s", folder=Path("x"))
    assert report.comparison is not None
    found = {each.name: each for each in factor_sketches(report, report.comparison, report.metrics["x"])}["importance"]
    assert found.caption.endswith("The rest is noise between seeds, and interactions.")


def test_what_an_incomplete_factorial_does_not_explain_is_not_called_noise() -> None:
    """Of these runs, hardly any variance is noise, and the shares add up to much less than 1."""

    def value(levels: Levels, seed: int) -> float:
        return 0.2 * (levels["a"] == 2) + 0.1 * levels["b"] + 0.001 * (seed % 3)

    whole = grid_results({"a": [0, 1, 2], "b": [0, 1]}, value, "x", 5, [MetricSpec("x", better="higher")])
    there = [label != "a=2,b=1" for label in whole.runs["label"]]
    assert not all(there)
    parts = {name: getattr(whole, name)[there].reset_index(drop=True) for name in ("runs", "levels", "values")}
    report = compose(replace(whole, **parts), name="s", folder=Path("x"))
    assert report.comparison is not None
    found = {each.name: each for each in factor_sketches(report, report.comparison, report.metrics["x"])}["importance"]
    assert "The factorial is incomplete, so that the shares do not add up" in found.caption
    assert "noise between seeds" not in found.caption


@pytest.mark.parametrize(
    ("better", "what"),
    [
        ("higher", "The best configuration is a=1, b=1, c=1."),
        ("lower", "The best configuration is d=1."),
        (None, "The configuration with the highest mean is a=1, b=1, c=1."),
    ],
)
def test_without_a_direction_no_configuration_is_the_best(better: Better | None, what: str) -> None:
    assert sketches(better)["parallel"].alt == what


def test_over_blocks_means_are_over_blocks() -> None:
    found = sketches("higher", blocks="d")
    assert found["interaction_means"].caption.startswith("Means over blocks, averaged over the other factors")
    found = sketches("higher", of_seeds=0.001)
    assert found["interaction_means"].caption.startswith("Means over seeds, averaged over the other factors")


def test_of_one_change_at_a_time_no_share_of_the_variance_is_shown() -> None:
    """Each would be near 1: what a factor does lies in two of the configurations, the total in all of them."""
    whole = grid_results(FACTORS, lambda levels, seed: sum(map(int, levels.values())) + 0.01 * seed * levels["a"], "x", 5)
    report = compose(whole.where(whole.runs["label"].str.count("=1") <= 1), name="s", folder=Path("x"))
    assert report.comparison is not None
    assert "importance" not in {each.name for each in factor_sketches(report, report.comparison, report.metrics["x"])}
    assert report.tables.anova is not None
    assert report.tables.anova.keys == ["term", "ss", "df"]
    assert "omega_squared" not in report.tables.anova.data
