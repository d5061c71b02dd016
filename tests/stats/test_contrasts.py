"""Contrasts, against pandas, scipy, statsmodels and arithmetic by hand."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.cells import Cell, Condition
from ablate.core.claims import Change
from ablate.core.errors import UsageError
from ablate.stats import contrasts as contrasts_module
from ablate.stats.contrasts import (
    by_stratum,
    contrast,
    every_contrast,
    interaction,
    mean,
    weights,
)
from ablate.stats.estimates import table
from tests.stats.conftest import contrast_table, noise, outcomes, study

THREE = {"stem": ["pyramid", "direct"], "dropout": [True, False], "norm": ["a", "b", "c"]}
DROPOUT = Change.of("dropout", True, False)


def noisy(levels: dict, seed: int) -> float:
    return seed + noise(1.0)(levels, seed) + 3 * (levels["stem"] == "pyramid") * (levels.get("dropout", False) is False)


def test_a_simple_contrast_is_the_paired_t_of_seed_averages() -> None:
    frame = study(THREE, noisy, seeds=6)
    found = contrast(outcomes(frame, "accuracy"), DROPOUT, Condition.of({"stem": "direct"}))
    direct = frame[frame["stem"] == "direct"]
    averages = direct.groupby(["seed", "dropout"])["accuracy"].mean().unstack()
    reference = stats.ttest_rel(averages[False], averages[True])
    assert found.estimate == pytest.approx((averages[False] - averages[True]).mean())
    assert found.interval() == pytest.approx(tuple(reference.confidence_interval()))
    assert found.estimate / found.se == pytest.approx(reference.statistic)
    assert (found.n, found.df, found.kind) == (6, 5, "simple")
    assert [str(stratum["norm"]) for stratum in found.strata] == ["a", "b", "c"]


def test_a_contrast_worked_out_by_hand() -> None:
    """Differences 3, 1, 2 and 2: mean 2, deviation sqrt(2/3), standard error sqrt(1/6); t(3) = 3.1824."""
    frame = study(
        {"stem": ["a", "b"]}, lambda levels, seed: [10, 20, 30, 40][seed] + (levels["stem"] == "b") * [3, 1, 2, 2][seed], 4
    )
    (row,) = table([contrast(outcomes(frame, "accuracy"), Change.of("stem", "a", "b"))]).to_dict("records")
    assert (row["factor"], row["from"], row["to"], row["n"]) == ("stem", "a", "b", 4)
    assert row["estimate"] == 2
    assert row["se"] == pytest.approx(math.sqrt(1 / 6))
    assert row["low"] == pytest.approx(2 - 3.18245 * math.sqrt(1 / 6), abs=1e-4)
    assert row["high"] == pytest.approx(2 + 3.18245 * math.sqrt(1 / 6), abs=1e-4)


def test_a_ratio_is_taken_on_logarithms() -> None:
    frame = study(
        {"stem": ["a", "b"]}, lambda levels, seed: (1 + seed) * (4 if levels["stem"] == "b" else 2 if seed % 2 else 1), 4
    )
    (row,) = table([contrast(outcomes(frame, "accuracy"), Change.of("stem", "a", "b"), scale="ratio")]).to_dict("records")
    assert row["estimate"] == pytest.approx(math.sqrt(4 * 2))  # the geometric mean of 4, 2, 4, 2
    reference = stats.ttest_1samp([math.log(4), math.log(2)] * 2, 0).confidence_interval()
    assert (row["low"], row["high"]) == (pytest.approx(math.exp(reference.low)), pytest.approx(math.exp(reference.high)))
    frame.loc[0, "accuracy"] = 0
    with pytest.raises(UsageError, match="a ratio needs values above zero"):
        contrast(outcomes(frame, "accuracy"), Change.of("stem", "a", "b"), scale="ratio")
    with pytest.raises(ValueError, match="unknown scale 'log': difference or ratio"):
        contrast(outcomes(frame, "accuracy"), Change.of("stem", "a", "b"), scale="log")  # type: ignore[arg-type]


def test_conditions_that_read_alike_are_told_apart() -> None:
    """One level `x or y`, and the two levels x and y."""
    found = outcomes(study({"a": [False, True], "b": ["x", "y", "x or y"]}, lambda at, seed: seed + at["a"] * len(at["b"])))
    for levels in (["x", "y"], ["x or y"]):
        where = Condition.of({"b": levels}, found.factors)
        assert len(weights(found, [Change.of("a", False, True)], where).strata) == len(levels)


def test_an_interaction_over_seeds_is_the_t_of_double_differences() -> None:
    frame = study(THREE, noisy, seeds=6)
    found = interaction(
        outcomes(frame, "accuracy"), Change.of("stem", "direct", "pyramid"), DROPOUT, Condition.of({"norm": "b"})
    )
    wide = frame[frame["norm"] == "b"].pivot(index="seed", columns=["stem", "dropout"], values="accuracy")
    double = wide["pyramid", False] - wide["pyramid", True] - wide["direct", False] + wide["direct", True]
    assert found.estimate == pytest.approx(double.mean())
    assert found.interval() == pytest.approx(tuple(stats.ttest_1samp(double, 0).confidence_interval()))
    assert found.row()["factor"] == "stem × dropout"


def inert() -> pd.DataFrame:
    """Under the direct stem the activation does nothing: its runs stand under both levels."""
    frame = study({"stem": ["pyramid", "direct"], "activation": [True, False]}, noise(1.0), seeds=5)
    direct = frame["stem"] == "direct"
    frame.loc[direct, "directory"] = [f"runs/direct/seed={seed}" for seed in frame.loc[direct, "seed"]]
    frame.loc[direct, "accuracy"] = frame.loc[direct].groupby("seed")["accuracy"].transform("first")
    return frame


def test_an_inert_stratum_is_left_out_of_the_average_and_listed() -> None:
    frame = inert()
    found = contrast(outcomes(frame, "accuracy"), Change.of("activation", True, False))
    wide = frame.pivot(index="seed", columns=["stem", "activation"], values="accuracy")
    assert found.inert == [Cell.of({"stem": "direct"})]
    assert found.strata == [Cell.of({"stem": "pyramid"})]
    assert found.estimate == pytest.approx((wide["pyramid", False] - wide["pyramid", True]).mean())
    assert not found.changes_nothing
    assert contrast(
        outcomes(frame, "accuracy"), Change.of("activation", True, False), Condition.of({"stem": "direct"})
    ).changes_nothing
    both = interaction(
        outcomes(frame, "accuracy"), Change.of("stem", "direct", "pyramid"), Change.of("activation", True, False)
    )
    assert (both.n, both.note) == (
        0,
        "cannot be estimated: one of the factors has no effect on the configuration at some level of the other",
    )


def test_a_stratum_that_stands_on_the_runs_of_another_counts_once() -> None:
    """Under stem=direct the activation does nothing: dropout's effect there is that of one pair of cells, not of two."""
    factors = {"dropout": [True, False], "stem": ["direct", "pyramid"], "activation": [False, True]}
    frame = study(factors, lambda levels, seed: seed * (levels["dropout"] + 1.0) if levels["stem"] == "direct" else 0.5 * seed)
    direct = frame["stem"] == "direct"
    frame.loc[direct, "directory"] = [
        f"runs/direct-{d}/seed={s}" for d, s in zip(frame["dropout"][direct], frame["seed"][direct], strict=True)
    ]
    found = contrast(outcomes(frame, "accuracy"), DROPOUT)
    assert found.strata == [
        Cell.of({"stem": "direct", "activation": False}),
        Cell.of({"stem": "pyramid", "activation": False}),
        Cell.of({"stem": "pyramid", "activation": True}),
    ]
    assert found.by_seed.tolist() == pytest.approx([-seed / 3 for seed in range(5)])  # a half, if direct counted twice


def test_only_complete_seeds_count_and_a_stratum_without_any_is_named() -> None:
    frame = study({"stem": ["pyramid", "direct"], "dropout": [True, False]}, noisy, seeds=5)
    frame.loc[0, "status"] = "failed"
    found = contrast(outcomes(frame, "accuracy"), DROPOUT)
    assert (found.n, found.by_seed.index.tolist(), found.missing) == (4, [1, 2, 3, 4], [])
    assert contrast(outcomes(frame, "accuracy"), DROPOUT, Condition.of({"stem": "direct"})).n == 5
    frame.loc[(frame["stem"] == "pyramid") & (frame["dropout"] == True), "status"] = "failed"  # noqa: E712
    found = contrast(outcomes(frame, "accuracy"), DROPOUT)
    assert (found.n, found.missing) == (0, [Cell.of({"stem": "pyramid"})])
    assert math.isnan(found.estimate)
    assert math.isnan(found.interval()[0])


def test_one_change_at_a_time_yields_simple_contrasts_and_no_interaction() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "y"]}, noisy, seeds=5)
    frame = frame[(frame["stem"] == "a") | (frame["norm"] == "x")]
    found = contrast_table(frame, "accuracy")
    assert found["kind"].tolist() == ["simple", "simple"]
    assert found["strata"].tolist() == [["norm=x"], ["stem=a"]]
    with pytest.raises(UsageError, match=r"no runs differ in stem: a → b and norm: x → y alone\."):
        interaction(outcomes(frame, "accuracy"), Change.of("stem", "a", "b"), Change.of("norm", "x", "y"))


def test_each_contrast_of_a_factorial_has_the_error_of_its_own_seeds() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "y"]}, noisy, seeds=5)
    found = contrast_table(frame, "accuracy")
    assert found["kind"].tolist() == ["main effect", "main effect", "interaction"]
    assert found["df"].tolist() == [4, 4, 4]
    assert found["se"][0] == pytest.approx(contrast(outcomes(frame, "accuracy"), Change.of("stem", "a", "b")).se)


def test_a_factor_that_never_changes_alone_keeps_its_row_without_numbers() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "y"]}, noisy, seeds=5)
    joint = frame[(frame["stem"] == "a") == (frame["norm"] == "x")]
    found = contrast_table(joint, "accuracy")
    assert found["n"].tolist() == [0, 0]
    assert found["estimate"].isna().all()
    assert found["note"][0] == "no runs differ in stem: a → b alone"


def test_one_seed_gives_an_estimate_without_an_interval() -> None:
    found = outcomes(study({"stem": ["a", "b"], "norm": ["x", "y"]}, noisy, seeds=1), "accuracy")
    for estimate in every_contrast(found):
        assert estimate.n == 1
        assert not math.isnan(estimate.estimate)
        assert math.isnan(estimate.interval()[0])


def test_equal_values_in_every_pair_are_identical_and_averages_that_cancel_are_not() -> None:
    same = study({"stem": ["a", "b"], "norm": ["x", "y"]}, lambda levels, seed: float(seed))
    assert contrast(outcomes(same, "accuracy"), Change.of("stem", "a", "b")).identical
    crossed = study(
        {"stem": ["a", "b"], "norm": ["x", "y"]}, lambda levels, seed: float((levels["stem"] == "a") == (levels["norm"] == "x"))
    )
    found = contrast(outcomes(crossed, "accuracy"), Change.of("stem", "a", "b"))
    assert (found.estimate, found.identical) == (0.0, False)


def test_a_mean_is_averaged_within_seeds_and_set_against_a_number() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "y"]}, noisy, seeds=5)
    found = mean(outcomes(frame, "accuracy"), Condition.of({"stem": "a"}), value=1.5)
    averages = frame[frame["stem"] == "a"].groupby("seed")["accuracy"].mean()
    assert found.estimate == pytest.approx(averages.mean() - 1.5)
    assert found.interval() == pytest.approx(tuple(stats.ttest_1samp(averages - 1.5, 0).confidence_interval()))


def test_a_change_that_the_study_does_not_know_is_refused_with_the_reason() -> None:
    found = outcomes(study({"stem": ["a", "b"]}, noisy), "accuracy")
    with pytest.raises(UsageError, match="norm does not vary in this study; available: stem"):
        contrast(found, Change.of("norm", 1, 2))
    with pytest.raises(UsageError, match="stem has no level c; available: a, b"):
        contrast(found, Change.of("stem", "a", "c"))
    with pytest.raises(UsageError, match="stem changes, so `where` cannot fix it"):
        contrast(found, Change.of("stem", "a", "b"), Condition.of({"stem": "a"}))


def test_without_common_seeds_the_contrast_is_welchs() -> None:
    rows = study({"stem": ["a", "b"]}, noise(1.0), 12)
    rows = rows[(rows["stem"] == "a") == (rows["seed"] < 5)]
    found = contrast(outcomes(rows), Change.of("stem", "a", "b"))
    arms = [rows.loc[rows["stem"] == stem, "accuracy"] for stem in "ba"]
    reference = stats.ttest_ind(*arms, equal_var=False)
    assert found.interval() == pytest.approx(tuple(reference.confidence_interval()))
    assert (found.n, found.note) == (5, "unpaired: no seeds in common, Welch's t of 5 and 7 runs")
    assert found.p_superior == pytest.approx((arms[0].to_numpy()[:, None] > arms[1].to_numpy()).mean())


def test_strata_without_a_common_seed_are_each_over_their_own() -> None:
    rows = study({"stem": ["a", "b"], "norm": ["x", "y"]}, noise(1.0), 10)
    apart = rows[(rows["norm"] == "x") == (rows["seed"] < 4)]
    found = contrast(outcomes(apart), Change.of("stem", "a", "b"))
    each = by_stratum(outcomes(apart), [Change.of("stem", "a", "b")])
    assert [one.n for one in each] == [4, 6]
    assert found.estimate == pytest.approx((each[0].estimate + each[1].estimate) / 2)
    assert found.se == pytest.approx(math.hypot(each[0].se, each[1].se) / 2)
    assert (found.df, found.note) == (3, "no seed is complete in all strata: each stratum over its own seeds (4, 6)")
    nearly = rows[~((rows["norm"] == "x") & (rows["seed"] > 7) | (rows["norm"] == "y") & (rows["seed"] < 8))]
    assert contrast(outcomes(nearly), Change.of("stem", "a", "b")).n == 2


def test_the_shared_seeds_of_strata_count_as_they_do_in_the_paired_t() -> None:
    """The formula for strata apart, on complete data, is the paired t."""
    runs = outcomes(study({"stem": ["a", "b"], "norm": ["x", "y"]}, noise(1.0), 7))
    change = Change.of("stem", "a", "b")
    paired = contrast(runs, change)
    assert contrasts_module._strata_apart(paired, runs, weights(runs, [change])).se == pytest.approx(paired.se)


def test_the_cells_are_gone_through_once_for_each_pair_of_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each contrast would be 121 times for the 144 cells of this study, and hours for thousands of cells."""
    runs = outcomes(study({"row": range(12), "column": range(12)}, lambda levels, seed: levels["row"] + seed, seeds=2))
    taken = []
    select = type(runs).select
    monkeypatch.setattr(type(runs), "select", lambda self, where=None: taken.append(where) or select(self, where))
    assert len(every_contrast(runs)) == 2 * 11 + 121
    assert len(taken) == 3  # rows, columns, and their interaction


def test_without_common_seeds_the_frame_of_all_runs_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame has a row for each run then, and most of it is empty."""
    frame = study({"row": range(6), "column": range(6)}, noise(1.0), seeds=3)
    runs = outcomes(frame.assign(seed=range(len(frame))))
    taken = []
    getitem = pd.DataFrame.__getitem__
    monkeypatch.setattr(pd.DataFrame, "__getitem__", lambda self, key: taken.append(len(self)) or getitem(self, key))
    found = every_contrast(runs)
    assert max(taken, default=0) < len(frame)
    assert found[0].unpaired is not None
    assert (found[0].unpaired.counts, found[0].n) == ((18, 18), 3)


def test_additive_effects_have_no_interaction_at_all() -> None:
    """The double differences are sums of four numbers, which floating point leaves at up to 2e-16."""
    residues = 0
    for trial in range(20):
        one, other, base, *level = np.random.default_rng(trial).random(8)
        rows = study({"a": [0, 1], "b": [0, 1]}, lambda of, seed: base + level[seed] + one * of["a"] + other * of["b"])  # noqa: B023
        wide = rows.pivot_table(index="seed", columns=["a", "b"], values="accuracy")
        residues += bool((wide[1, 1] - wide[1, 0] - wide[0, 1] + wide[0, 0]).any())
        assert not interaction(outcomes(rows), Change.of("a", 0, 1), Change.of("b", 0, 1)).by_seed.any()
    assert residues > 5


def test_one_common_seed_does_not_discard_the_other_runs() -> None:
    frame = study({"m": ["a", "b"]}, noise(1.0), seeds=20)
    apart = frame[(frame["m"] == "a") == (frame["seed"] < 10)]
    one = pd.concat([apart, frame[(frame["m"] == "a") & (frame["seed"] == 10)]])
    found = contrast(outcomes(one), Change.of("m", "a", "b"))
    arms = [arm["accuracy"] for _, arm in one.groupby("m")]
    assert (found.n, found.note) == (10, "unpaired: one seed in common, Welch's t of 11 and 10 runs")
    assert found.estimate == pytest.approx(arms[1].mean() - arms[0].mean())
    common = np.prod([(arm["accuracy"] - arm["accuracy"].mean())[arm["seed"] == 10].item() for _, arm in one.groupby("m")])
    variance = sum(arm.var() / len(arm) for arm in arms) - 2 * common / math.sqrt(11 * 10 * 10 * 9)
    assert (found.se, found.df) == pytest.approx((math.sqrt(variance), 9))  # of the smaller arm, since they are not independent
    assert not found.by_seed.size
    two = pd.concat([one, frame[(frame["m"] == "a") & (frame["seed"] == 11)]])
    assert (
        contrast(outcomes(two), Change.of("m", "a", "b")).n,
        len(by_stratum(outcomes(one), [Change.of("m", "a", "b")])),
    ) == (2, 1)
    assert by_stratum(outcomes(one), [Change.of("m", "a", "b")])[0].n == 10


def test_a_few_seeds_that_are_in_all_strata_do_not_discard_those_of_each() -> None:
    """With two common seeds of 8 and 8, there was no interval and no verdict, and with one of them there were both."""
    frame = study({"m": ["a", "b"], "k": ["x", "y"]}, noise(1.0), seeds=14)
    own = frame[((frame["k"] == "x") & (frame["seed"] <= 7)) | ((frame["k"] == "y") & (frame["seed"] >= 6))]
    change = Change.of("m", "a", "b")
    found = contrast(outcomes(own), change)
    assert (found.n, found.df) == (8, 7)
    assert found.note == "only 2 seeds are complete in all strata: each stratum over its own seeds (8, 8)"
    one, other = (each.by_seed for each in by_stratum(outcomes(own), [change]))
    common = [6, 7]
    covariance = ((one - one.mean())[common] * (other - other.mean())[common]).sum() / (8 * 7)
    assert found.se == pytest.approx(math.sqrt(one.var() / 8 + other.var() / 8 + 2 * covariance) / 2)
    assert contrast(replace(outcomes(own), together=2), change).n == 2  # a study with looks waits for seeds that are complete
    more = frame[((frame["k"] == "x") & (frame["seed"] <= 9)) | ((frame["k"] == "y") & (frame["seed"] >= 5))]
    assert contrast(outcomes(more), change).n == 5


@pytest.mark.parametrize("common", [0, 1, 3])
def test_identical_pairs_are_identical_also_where_strata_have_their_own_seeds(common: int) -> None:
    """With the standard error 0, they supported an equivalence; where all seeds are in all strata, they are no evidence."""
    varied = noise(1.0)
    frame = study({"m": ["a", "b"], "k": ["x", "y"]}, lambda at, seed: varied({**at, "m": "a"}, seed), seeds=12)
    own = frame[np.where(frame["k"] == "x", frame["seed"] < 6, frame["seed"] >= 6 - common)]
    found = contrast(outcomes(own), Change.of("m", "a", "b"))
    assert (found.n, found.estimate, found.identical) == (6, 0, True)


def test_one_seed_that_is_in_all_strata_does_not_discard_those_of_each() -> None:
    frame = study({"m": ["a", "b"], "k": ["x", "y"]}, noise(1.0), seeds=9)
    own = frame[((frame["k"] == "x") & (frame["seed"] <= 4)) | ((frame["k"] == "y") & (frame["seed"] >= 4))]
    found = contrast(outcomes(own), Change.of("m", "a", "b"))
    assert (found.n, found.note) == (5, "only one seed is complete in all strata: each stratum over its own seeds (5, 5)")
    wide = own.pivot_table(index=["k", "seed"], columns="m", values="accuracy")
    each = (wide["b"] - wide["a"]).groupby("k").mean()
    assert found.estimate == pytest.approx(each.mean())


def test_a_cell_with_a_single_run_leaves_an_estimate_without_an_interval() -> None:
    rows = study({"norm": ["batch", "layer"], "stem": ["a", "b"]}, noise(1.0), seeds=8)
    seeds = {("batch", "a"): [0], ("batch", "b"): [1, 2], ("layer", "a"): [3, 4], ("layer", "b"): [5, 6, 7]}
    rows = rows[[row.seed in seeds[row.norm, row.stem] for row in rows.itertuples()]]
    found = contrast(outcomes(rows), Change.of("norm", "batch", "layer"))
    means = rows.groupby(["norm", "stem"])["accuracy"].mean()
    expected = (means["layer", "a"] - means["batch", "a"] + means["layer", "b"] - means["batch", "b"]) / 2
    assert (found.estimate, found.n) == (pytest.approx(expected), 1)
    assert np.isnan(found.interval()).all()
    assert found.note.startswith("unpaired: no seeds in common, means of 3 runs and 5 runs")


def test_single_runs_are_not_compared_where_seeds_pair() -> None:
    rows = study({"norm": ["batch", "layer"], "stem": ["a", "b"]}, noise(1.0), seeds=4)
    pair = rows[rows["seed"] == 0]
    kept = contrast(outcomes(pair), Change.of("norm", "batch", "layer"))
    assert (kept.unpaired, kept.n) == (None, 1)
    running = rows[(rows["seed"] == 0) & (rows["stem"] == "a") | (rows["seed"] == np.where(rows["norm"] == "batch", 1, 2))]
    found = contrast(outcomes(running[running["stem"] == "b"]), Change.of("norm", "batch", "layer"))
    assert found.n == 1
    found = contrast(outcomes(running), Change.of("norm", "batch", "layer"), Condition.of({"stem": "b"}))
    assert (found.n, found.unpaired) == (0, None)
