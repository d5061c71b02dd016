"""Blocks: n is their number, holes are named, and both intervals and the aggregates are those of their references."""

import importlib
import importlib.util
import math
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import Change, parse_all
from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.stats.blocks import analyze, by_block, iqm, normalized, probability_of_improvement
from ablate.stats.judge import judge
from tests.stats.conftest import noise, outcomes, results_of, study

CHANGE = Change.of("method", "base", "ours")
CLAIM = {
    "id": "gain", "says": "ours is better", "kind": "contrast", "metric": "accuracy", "expects": "higher", "margin": 0.01,
    "contrast": {"factor": "method", "from": "base", "to": "ours"},
}  # fmt: skip


def ten(seeds: int = 3, blocks: int = 10) -> pd.DataFrame:
    """Ten data sets of quite different difficulty; the gain differs between them, 0.015 on the average."""
    draw = noise(0.005)
    names = [f"d{number:02}" for number in range(blocks)]
    return study(
        {"dataset": names, "method": ["base", "ours"]},
        lambda levels, seed: (
            0.6
            + 0.03 * names.index(levels["dataset"])
            + (levels["method"] == "ours") * (0.005 + 0.02 * names.index(levels["dataset"]) / 9)
            + draw(levels, seed)
        ),
        seeds,
    )


def by_hand(frame: pd.DataFrame) -> pd.Series:
    arms = frame.pivot_table(index=["dataset", "seed"], columns="method", values="accuracy")
    return (arms["ours"] - arms["base"]).groupby("dataset").mean()


def test_ten_blocks_with_three_seeds_are_decided_and_n_is_ten() -> None:
    frame = ten()
    (found,) = judge(parse_all([CLAIM]), results_of(frame, blocks="dataset"))
    reference = stats.ttest_1samp(by_hand(frame), 0)
    assert (found.verdict, found.n) == ("supported", 10)
    assert found.interval == pytest.approx(tuple(reference.confidence_interval()))
    assert "one look at 10 blocks" in found.reason
    assert judge(parse_all([CLAIM]), results_of(frame))[0].reason == "no verdict below 5 seeds: 2 more needed"


def test_blocks_like_these_is_students_t_over_blocks() -> None:
    frame = ten()
    found = analyze(outcomes(frame), "dataset", CHANGE)
    low, high = stats.ttest_1samp(by_hand(frame), 0).confidence_interval()
    assert (found.like_these.estimate, found.like_these.low, found.like_these.high) == pytest.approx(
        (by_hand(frame).mean(), low, high)
    )
    assert found.wins == (by_hand(frame) > 0).sum()
    assert found.frame()["n"].tolist() == [3] * 10


def test_these_blocks_by_hand() -> None:
    """The variance of the mean is the sum of the squared standard errors over B^2; equal ones have df = B (n - 1)."""
    frame = ten()
    found = analyze(outcomes(frame), "dataset", CHANGE)
    se = math.sqrt(sum(each.se**2 for each in found.rows.values())) / 10
    assert found.these.high - found.these.estimate == pytest.approx(stats.t.ppf(0.975, found.these.df) * se)
    variances = np.array([each.se**2 for each in found.rows.values()])
    assert variances.max() > 2 * variances.min()
    assert found.these.df == pytest.approx(variances.sum() ** 2 / (variances**2 / 2).sum())  # Satterthwaite
    assert found.these.high - found.these.low < found.like_these.high - found.like_these.low


def test_a_block_with_a_hole_is_named_and_left_out_of_the_aggregates() -> None:
    frame = ten()
    frame = frame[~((frame["dataset"] == "d03") & (frame["method"] == "ours") & (frame["seed"] == 2))]
    found = analyze(outcomes(frame), "dataset", CHANGE)
    assert [str(level) for level in found.holes] == ["d03"]
    assert (found.like_these.n, found.rows[Level.of("d03")].n) == (9, 2)
    with pytest.raises(UsageError, match="no dataset has all its runs"):
        analyze(
            outcomes(frame[frame["dataset"] == "d03"], factors={"dataset": ["d03"], "method": ["base", "ours"]}),
            "dataset",
            CHANGE,
        )


def test_a_ratio_and_normalized_values() -> None:
    frame = ten()
    ratio = analyze(outcomes(frame), "dataset", CHANGE, scale="ratio").like_these
    arms = np.log(frame.set_index(["dataset", "seed", "method"])["accuracy"]).unstack()
    assert ratio.estimate == pytest.approx(math.exp((arms["ours"] - arms["base"]).mean()))
    bounds = {f"d{number:02}": (0.5, 0.5 + 0.1 * (1 + number)) for number in range(10)}
    scaled = normalized(outcomes(frame), "dataset", bounds).outcomes
    assert scaled.to_numpy()[0, -1] == pytest.approx((outcomes(frame).outcomes.to_numpy()[0, -1] - 0.5) / 1.0)
    with pytest.raises(UsageError, match="dataset=d09 has no bounds"):
        normalized(outcomes(frame), "dataset", {key: value for key, value in bounds.items() if key != "d09"})
    with pytest.raises(UsageError, match="the minimum and the maximum are both 1"):
        normalized(outcomes(frame), "dataset", {**bounds, "d09": (1.0, 1.0)})


def test_the_interquartile_mean_and_the_probability_of_improvement_by_hand() -> None:
    assert iqm([1, 2, 3, 4, 5, 6, 7, 100]) == pytest.approx((3 + 4 + 5 + 6) / 4)
    assert probability_of_improvement([[1, 2], [5, 5]], [[2, 3], [5, 4]]) == pytest.approx(((3 + 0.5) / 4 + 1 / 4) / 2)


def test_the_aggregates_are_those_of_rliable() -> None:
    metrics = pytest.importorskip("rliable.metrics")
    draw = np.random.default_rng(0)
    first, second = draw.normal(0, 1, (7, 5)), draw.normal(0.3, 1, (6, 5))  # (runs, tasks)
    assert iqm(first) == pytest.approx(metrics.aggregate_iqm(first))
    assert probability_of_improvement(list(first.T), list(second.T)) == pytest.approx(
        metrics.probability_of_improvement(second, first)
    )


def rliable_library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """rliable's bootstrap, which is built on that of arch. The volatility models that arch itself imports fail with pandas 3."""
    pytest.importorskip("rliable")
    found = importlib.util.find_spec("arch")
    if found is None or found.submodule_search_locations is None:
        pytest.skip("rliable needs arch")
    package = types.ModuleType("arch")
    package.__path__ = list(found.submodule_search_locations)
    monkeypatch.setitem(sys.modules, "arch", package)
    return importlib.import_module("rliable.library")


@pytest.mark.filterwarnings("ignore")  # arch and its dependencies warn of their own future
def test_the_intervals_of_the_bootstrap_are_those_of_rliable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Percentile intervals of 300 draws there and 2,000 here, from the same runs: (runs, tasks) there, a row a seed here."""
    library, metrics = rliable_library(monkeypatch), pytest.importorskip("rliable.metrics")
    frame = ten(seeds=5)
    frame["accuracy"] += np.random.default_rng(1).normal(0, 0.02, len(frame))
    found = analyze(outcomes(frame), "dataset", CHANGE)
    arms = {name: rows.pivot_table("accuracy", "seed", "dataset").to_numpy() for name, rows in frame.groupby("method")}
    scores, intervals = library.get_interval_estimates(
        arms, lambda runs: np.array([metrics.aggregate_iqm(runs)]), reps=300, random_state=np.random.RandomState(0)
    )
    for name, mine in zip(("base", "ours"), found.iqm, strict=True):
        assert mine.estimate == pytest.approx(float(scores[name][0]))
        assert (mine.low, mine.high) == pytest.approx(tuple(intervals[name].ravel()), abs=0.003)
    scores, intervals = library.get_interval_estimates(
        {"pair": (arms["ours"], arms["base"])},
        lambda ours, base: np.array([metrics.probability_of_improvement(ours, base)]),
        reps=300,
        random_state=np.random.RandomState(0),
    )
    assert found.improvement.estimate == pytest.approx(float(scores["pair"][0]))
    assert (found.improvement.low, found.improvement.high) == pytest.approx(tuple(intervals["pair"].ravel()), abs=0.03)


def test_the_stratified_bootstrap_holds_its_estimate_and_narrows_with_runs() -> None:
    few, many = (analyze(outcomes(ten(seeds)), "dataset", CHANGE, draws=300) for seeds in (3, 12))
    for found in (few, many):
        for each in (*found.iqm, found.improvement):
            assert each.low <= each.estimate <= each.high
    assert many.improvement.high - many.improvement.low < few.improvement.high - few.improvement.low


def test_a_row_a_block_keeps_what_was_lost_and_where_selects_blocks() -> None:
    frame = ten(blocks=6)
    lost = (frame["dataset"] == "d01") & (frame["method"] == "ours") & (frame["seed"] == 0)
    frame.loc[lost, "accuracy"] = math.nan
    rows = by_block(outcomes(frame), "dataset")
    assert rows.lost.to_numpy().sum() == 1
    lost_block = rows.with_lost_at(0.0).outcomes.loc["d01"]  # one of its three runs at 0, the others as they are
    assert lost_block[1] == pytest.approx(2 / 3 * rows.outcomes.loc["d01"][1])
    assert lost_block[0] == rows.outcomes.loc["d01"][0]
    assert rows.outcomes.shape == (6, 2)
    claim = CLAIM | {"where": {"dataset": ["d00", "d02", "d03", "d04", "d05"]}}
    (all_six, five) = judge(parse_all([CLAIM, claim | {"id": "five"}]), results_of(frame, blocks="dataset"))
    assert all_six.reason.startswith("lost runs: 1 of 18 in method=ours, 0 of 18 in method=base; unequal")
    assert (five.n, five.losses[0].runs) == (5, 15)


def test_a_claim_cannot_change_a_block() -> None:
    claim = CLAIM | {"contrast": {"factor": "dataset", "from": "d00", "to": "d01"}}
    (found,) = judge(parse_all([claim]), results_of(ten(), blocks="dataset"))
    assert (found.verdict, found.reason) == (
        "not tested", "dataset is a block of this study, and a claim cannot be about a change of it"
    )  # fmt: skip


def test_cells_that_share_their_runs_in_every_block_stay_one_column() -> None:
    """The activation is inert in the direct stem: that stratum is left out, and the gain is the pyramid's 0.02, not half."""
    names, draw = [f"d{number}" for number in range(6)], noise(0.001)
    frame = study(
        {"dataset": names, "stem": ["direct", "pyramid"], "activation": [False, True]},
        lambda of, seed: 0.8 + 0.02 * (of["activation"] and of["stem"] == "pyramid") + draw(of, seed),
        seeds=3,
    )
    direct = frame["stem"] == "direct"
    frame.loc[direct, "directory"] = "runs/direct-" + frame["dataset"] + "-" + frame["seed"].map(str)
    rows = by_block(outcomes(frame), "dataset")
    assert (rows.outcomes.shape, len(rows.cells)) == ((6, 3), 4)
    gain = CLAIM | {"contrast": {"factor": "activation", "from": False, "to": True}}
    claims = [gain, gain | {"id": "inert", "where": {"stem": "direct"}}]
    found, inert = judge(parse_all(claims), results_of(frame, blocks="dataset"))
    arms = frame[~direct].pivot_table(index="dataset", columns="activation", values="accuracy")
    assert found.estimate is not None
    assert found.estimate.estimate == pytest.approx((arms[True] - arms[False]).mean())
    assert (found.verdict, list(map(str, found.estimate.inert))) == ("supported", ["stem=direct"])
    assert inert.verdict == "identical"


def test_losses_are_numbers_of_runs_and_unequal_ones_are_tested_at_their_worst() -> None:
    """Each arm has lost runs in each of six blocks: one of ten before the change, and five of ten after it.

    By hand: these shares of the runs at the lowest or the highest of all block means and chance, in four combinations.
    """
    frame = ten(seeds=10, blocks=6)
    ours = frame["method"] == "ours"
    frame.loc[ours & (frame["seed"] < 5) | ~ours & (frame["seed"] == 9), "accuracy"] = math.nan
    (found,) = judge(parse_all([CLAIM]), results_of(frame, blocks="dataset", metrics=[MetricSpec("accuracy", chance=0.5)]))
    assert [str(each) for each in found.losses] == ["6 of 60 in method=base", "30 of 60 in method=ours"]
    kept = frame[frame["seed"].between(5, 8)].pivot_table(index="dataset", columns="method", values="accuracy")
    ends = (0.5, kept.to_numpy().max())
    p = [
        stats.ttest_1samp(0.5 * one + 0.5 * kept["ours"] - 0.1 * other - 0.9 * kept["base"], 0, alternative="greater").pvalue
        for one in ends
        for other in ends
    ]
    assert found.p_worst.support == pytest.approx(max(p))
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(("never", "blocked"), [(1, False), (3, True)])
def test_times_are_censored_over_blocks_by_the_share_of_their_runs(never: int, blocked: bool) -> None:
    """Every block has runs of both arms that never reach the target; only where these are most runs is there no verdict."""
    frame = ten(seeds=5, blocks=6)
    frame["epochs"] = (40 - 10 * (frame["method"] == "ours") + frame["seed"]).mask(frame["seed"] < never).astype(float)
    claim = CLAIM | {"metric": "epochs", "expects": "lower", "margin": 1}
    spec = MetricSpec("epochs", limit=60.0, better="lower")
    (found,) = judge(parse_all([claim]), results_of(frame, blocks="dataset", metrics=[spec]))
    reason = "most runs of both arms did not reach the target within the limit of 60"
    assert (found.verdict, found.reason == reason) == ("inconclusive" if blocked else "supported", blocked)


def test_a_claim_about_a_ratio_is_that_of_the_table_of_blocks() -> None:
    """Logarithms are averaged in both: with the means of blocks as values, the ratio was another one."""
    draw = np.random.default_rng(5).lognormal(0, 0.5, (6, 4, 2))
    names = [f"d{number}" for number in range(6)]
    frame = study(
        {"dataset": names, "method": ["base", "ours"]},
        lambda of, seed: float(draw[names.index(of["dataset"]), seed, int(of["method"] == "ours")]),
        seeds=4,
    )
    (found,) = judge(parse_all([CLAIM | {"scale": "ratio", "margin": 1.05}]), results_of(frame, blocks="dataset"))
    table = analyze(outcomes(frame), "dataset", CHANGE, scale="ratio")
    logs = np.log(draw[..., 1] / draw[..., 0]).mean(axis=1)
    assert found.estimate is not None
    assert found.estimate.numbers()["estimate"] == pytest.approx(math.exp(logs.mean()))
    assert found.interval == pytest.approx((table.like_these.low, table.like_these.high))
    for aggregate, arm in zip(table.iqm, (0, 1), strict=True):
        assert aggregate.estimate == pytest.approx(math.exp(iqm(np.log(draw[..., arm]))))
        assert aggregate.low < aggregate.estimate < aggregate.high


def test_a_lost_run_of_a_ratio_is_averaged_as_its_logarithm() -> None:
    frame = ten(blocks=6)
    frame.loc[(frame["dataset"] == "d01") & (frame["method"] == "ours") & (frame["seed"] == 0), "accuracy"] = math.nan
    rows = by_block(outcomes(frame), "dataset", scale="ratio")
    kept = np.log(frame[(frame["dataset"] == "d01") & (frame["method"] == "ours")]["accuracy"].dropna())
    assert rows.with_lost_at(0.1).outcomes.loc["d01", 1] == pytest.approx(math.exp((kept.sum() + math.log(0.1)) / 3))


def test_a_claim_leaves_out_the_blocks_that_the_table_leaves_out() -> None:
    """A run is missing in d03, and was lost in d05: the pair of the lost run is dropped, and d05 stays."""
    frame = ten()
    ours, last = frame["method"] == "ours", frame["seed"] == 2
    frame.loc[(frame["dataset"] == "d05") & ours & last, "status"] = "diverged"
    frame = frame[~((frame["dataset"] == "d03") & ours & last)]
    (found,) = judge(parse_all([CLAIM]), results_of(frame, blocks="dataset", metrics=[MetricSpec("accuracy", chance=0.7)]))
    table = analyze(outcomes(frame), "dataset", CHANGE)
    assert [str(level) for level in table.holes] == ["d03"]
    assert found.estimate is not None
    assert (found.n, found.estimate.n, table.like_these.n) == (9, 9, 9)
    assert found.estimate.interval() == pytest.approx((table.like_these.low, table.like_these.high))
    assert [str(each) for each in found.losses] == ["0 of 27 in method=base", "1 of 27 in method=ours"]


def test_methods_with_seeds_of_their_own_have_no_holes() -> None:
    frame = ten(seeds=6)
    apart = frame[(frame["method"] == "ours") == (frame["seed"] < 3)]
    (found,) = judge(parse_all([CLAIM]), results_of(apart, blocks="dataset"))
    arms = apart.pivot_table(index="dataset", columns="method", values="accuracy")
    assert found.estimate is not None
    assert (found.n, found.estimate.estimate) == (10, pytest.approx((arms["ours"] - arms["base"]).mean()))
    assert not analyze(outcomes(apart), "dataset", CHANGE).holes


def test_where_no_block_is_complete_there_are_estimates_and_no_verdicts() -> None:
    frame = ten()
    frame = frame[~((frame["method"] == "ours") & (frame["seed"] == 2))]
    assert by_block(outcomes(frame), "dataset").outcomes.notna().all(axis=None)
    (found,) = judge(parse_all([CLAIM]), results_of(frame, blocks="dataset"))
    assert (found.verdict, found.reason) == (
        "not tested", "no block has all the runs that the claim needs (none is complete in the only stratum)"
    )  # fmt: skip


def test_a_block_that_lost_a_run_of_every_pair_has_no_value() -> None:
    """Seed 1 scores 10 more than seed 0: the mean of one method's seed 0 beside another's seed 1 compares seeds."""
    draw = noise(0.1)
    names = [f"d{number}" for number in range(6)]
    frame = study({"method": ["base", "ours"], "dataset": names}, lambda of, seed: 50 + 10 * seed + draw(of, seed), seeds=2)
    frame.loc[(frame["method"] == "base") & (frame["seed"] == 1), "status"] = "diverged"
    frame.loc[(frame["method"] == "ours") & (frame["seed"] == 0), "status"] = "diverged"
    (found,) = judge(parse_all([CLAIM]), results_of(frame, blocks="dataset", metrics=[MetricSpec("accuracy", chance=50.0)]))
    assert found.verdict not in ("supported", "contradicted")
    assert by_block(outcomes(frame), "dataset").outcomes.isna().all(axis=None)


def test_what_another_configuration_lacks_or_lost_does_not_matter_to_a_claim() -> None:
    """It has no run of one seed in any block, and lost another one."""
    frame = ten(seeds=8, blocks=6)
    other = frame[frame["method"] == "base"].assign(method="other")
    other["directory"] += "-other"
    lost = other["seed"] == 3
    other.loc[lost, ["status", "accuracy"]] = "failed", math.nan
    study_of_three = pd.concat([frame, other[other["seed"] != 2]], ignore_index=True)
    found, alone = (
        judge(parse_all([CLAIM]), results_of(rows, blocks="dataset", metrics=[MetricSpec("accuracy", chance=0.5)]))[0]
        for rows in (study_of_three, frame)
    )
    assert (found.verdict, found.n) == (alone.verdict, alone.n) == ("supported", 6)
    assert found.estimate is not None
    assert alone.estimate is not None
    pd.testing.assert_series_equal(found.estimate.by_seed, alone.estimate.by_seed)
    table = analyze(outcomes(study_of_three), "dataset", CHANGE)
    assert (table.holes, table.like_these.n) == ([], 6)


def test_diverged_runs_are_counted_and_not_the_blocks_that_have_some() -> None:
    frame = ten(seeds=8, blocks=6)
    frame.loc[(frame["dataset"] == "d01") & (frame["method"] == "ours") & (frame["seed"] < 2), "status"] = "diverged"
    (found,) = judge(parse_all([CLAIM]), results_of(frame, blocks="dataset", metrics=[MetricSpec("accuracy", chance=0.5)]))
    assert found.diverged == 2
