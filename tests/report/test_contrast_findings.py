"""Findings about contrasts: the largest first, and what is clear among all of them."""

from pathlib import Path

from ablate.report.build import compose
from ablate.report.contrast_findings import contrast_findings
from ablate.report.findings import Finding
from ablate.report.strips import strips
from tests.report.studies import ACCURACY, Levels, grid_results, reported

GAINS = {"a": 0.1, "b": 0.3, "c": 0.0}
NOISE = (0.01, -0.02, 0.015, -0.01, 0.005)  # of five seeds; its mean is zero and its standard error 0.0065
GAIN = 0.021  # 3.2 standard errors: t is 2.8 for one effect and about 3.9 for four


def one_at_a_time(folder: Path, seeds: int = 5) -> list[Finding]:
    """Removing b costs most, then a; removing c costs nothing, with noise."""

    def value(levels: Levels, seed: int) -> float:
        removed = [key for key in GAINS if not levels[key]]
        return 0.9 - sum(GAINS[key] for key in removed) + 0.01 * len(removed) * (-1) ** seed * (1 + seed)

    factors = {key: [True, False] for key in GAINS}
    found = grid_results(factors, value, ACCURACY.name, seeds, [ACCURACY])
    return contrast_findings(compose(found, name="s", folder=folder))


def test_a_contrast_is_a_sentence_with_its_unit(tmp_path: Path) -> None:
    (one,) = contrast_findings(reported(tmp_path, 0.05, 0.001))
    assert one.sentence == "Removing dropout: +5.01 points [+4.92, +5.10], better at n = 5."
    assert (one.claim, one.verdict, one.reason, one.decided, one.unit) == ("", None, "", True, "seed")
    (one,) = contrast_findings(reported(tmp_path, 0.01, 0.05))
    assert one.sentence.endswith("], undecided at n = 5.")
    assert not one.decided


def test_effects_come_before_interactions_and_the_largest_first(tmp_path: Path) -> None:
    found = one_at_a_time(tmp_path)
    assert [each.subject for each in found[:3]] == ["removing b", "removing a", "removing c"]
    assert all(each.subject.startswith("interaction of removing ") for each in found[3:])
    assert len(found) == 6


def test_below_five_seeds_nothing_is_decided(tmp_path: Path) -> None:
    (one,) = contrast_findings(reported(tmp_path, 0.05, 0.0001, seeds=4))
    assert one.sentence.endswith("], preliminary at n = 4.")
    assert not one.decided
    (one,) = contrast_findings(reported(tmp_path, 0.05, 0.0001, seeds=1))
    assert one.sentence == "Removing dropout: +5.0 points at n = 1, without an interval."


def test_an_interval_that_excludes_zero_may_include_it_among_many(tmp_path: Path) -> None:
    def value(levels: Levels, seed: int) -> float:
        changed = [at for at, level in enumerate(levels.values()) if level]
        return 0.5 + sum(GAIN + NOISE[(seed + at) % 5] for at in changed)

    factors = {f"f{at}": [False, True] for at in range(4)}
    found = contrast_findings(compose(grid_results(factors, value, ACCURACY.name, 5, [ACCURACY]), name="s", folder=tmp_path))
    effects = [each for each in found if not each.subject.startswith("interaction")]
    assert all(each.sentence.endswith(", better at n = 5, but undecided among 4 effects.") for each in effects), effects
    assert not any(each.decided for each in effects)


def test_blocks_are_counted_as_blocks(tmp_path: Path) -> None:
    def value(levels: Levels, seed: int) -> float:
        return 0.5 + 0.1 * levels["arm"] + 0.01 * len(str(levels["data"])) * levels["arm"] + seed / 1000

    found = grid_results({"data": ["a", "bb", "ccc"], "arm": [0, 1]}, value, ACCURACY.name, 2, [ACCURACY], blocks="data")
    (one,) = contrast_findings(compose(found, name="s", folder=tmp_path))
    assert one.sentence.endswith(", preliminary at n = 3 blocks.")
    assert (one.unit, list(one.by_seed)) == ("block", ["a", "bb", "ccc"])


def test_strata_that_differ_belong_into_the_sentence(tmp_path: Path) -> None:
    def value(levels: Levels, seed: int) -> float:
        return (
            0.5
            + (levels["method"] == "ours") * (0.03 if levels["data"] == "small" else -0.03)
            + NOISE[seed] / (1 + (levels["method"] == "ours"))
        )

    factors = {"data": ["small", "large"], "method": ["base", "ours"]}
    found = contrast_findings(compose(grid_results(factors, value, ACCURACY.name, 5, [ACCURACY]), name="s", folder=tmp_path))
    one = next(each for each in found if each.subject == "changing method from base to ours")
    assert one.sentence.endswith(
        ", undecided at n = 5; the strata differ: +3.0 points [+2.1, +3.9] where data=small, "
        "−3.0 points [−3.9, −2.1] where data=large."
    )


def test_after_lost_runs_no_effect_is_called_better(tmp_path: Path) -> None:
    results = grid_results(
        {"dropout": [True, False]},
        lambda levels, seed: 0.5 + 0.1 * (not levels["dropout"]) + NOISE[seed % 5] * (not levels["dropout"]),
        ACCURACY.name, 8, [ACCURACY],
    )  # fmt: skip
    results.values.iloc[-3:] = float("nan")
    (one,) = contrast_findings(compose(results, name="s", folder=tmp_path))
    assert one.sentence.endswith("], undecided at n = 5 (lost runs: 3 of 8 in dropout=false, 0 of 8 in dropout=true).")
    assert not one.decided


def test_with_two_seeds_no_interval_is_shown(tmp_path: Path) -> None:
    (one,) = contrast_findings(reported(tmp_path, 0.05, 0.01, seeds=2))
    assert one.sentence.endswith(" points at n = 2, without an interval.")
    (strip,) = strips([one])
    assert strip is not None
    assert not strip.has_interval
