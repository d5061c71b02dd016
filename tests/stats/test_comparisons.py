"""Every configuration against the baseline, compared with SciPy and statsmodels."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablate.core.cells import Cell
from ablate.core.claims import Change
from ablate.stats.comparisons import AgainstBaseline, compare_with_baseline, comparisons_frame
from ablate.stats.contrasts import contrast
from tests.stats.conftest import noise, outcomes, results_of, study

FACTORS = {"norm": ["batch", "layer", "none"], "dropout": [True, False]}


def compared(rows, blocks: str | None = None, **known) -> list[AgainstBaseline]:
    results = results_of(rows, **known)
    return compare_with_baseline(outcomes(rows, **known), results.cells(), blocks)


def value(levels: dict, seed: int) -> float:
    return 0.1 * (levels["norm"] == "layer") - 0.3 * (levels["norm"] == "none") + seed / 10 + noise(0.05)(levels, seed)


def test_differences_and_p_values_are_those_of_a_paired_t_test_with_holm() -> None:
    rows = study(FACTORS, value, seeds=6)
    by_cell = {cell: found.set_index("seed")["accuracy"] for cell, found in rows.groupby("cell", sort=False)}
    first, *others = by_cell.values()
    tests = [stats.ttest_rel(other, first) for other in others]
    found = compared(rows)
    assert [each.cell for each in found] == list(by_cell)[1:]
    assert {each.baseline for each in found} == {next(iter(by_cell))}
    assert [each.p for each in found] == pytest.approx([test.pvalue for test in tests])
    adjusted = multipletests([test.pvalue for test in tests], method="holm")[1]
    assert [each.p_adjusted for each in found] == pytest.approx(adjusted)
    for each, test in zip(found, tests, strict=True):
        assert each.estimate.interval() == pytest.approx(tuple(test.confidence_interval()))
        low, high = each.simultaneous
        assert low < each.estimate.interval()[0] < each.estimate.interval()[1] < high
    frame = comparisons_frame(found)
    assert frame["p_adjusted"].tolist() == [each.p_adjusted for each in found]
    assert frame["n"].tolist() == [6] * 5


def test_below_five_seeds_there_is_no_p_value() -> None:
    found = compared(study(FACTORS, value, seeds=4))
    assert all(math.isnan(each.p) and math.isnan(each.p_adjusted) for each in found)
    assert all(math.isfinite(each.estimate.interval()[0]) for each in found)


def test_configurations_that_share_runs_are_one_comparison_and_the_baseline_s_own_runs_none() -> None:
    rows = study(FACTORS, value, seeds=5)
    same = {"norm=layer,dropout=False": "norm=batch,dropout=True", "norm=none,dropout=False": "norm=none,dropout=True"}
    for other, runner in same.items():
        of_runner = rows[rows["cell"] == runner].set_index("seed")
        at = rows["cell"] == other
        for name in ("directory", "accuracy"):
            rows.loc[at, name] = rows.loc[at, "seed"].map(of_runner[name])
    found = {each.cell: each for each in compared(rows)}
    shared = found["norm=layer,dropout=False"]
    assert shared.same_runs
    assert math.isnan(shared.p_adjusted)
    tested = [each for cell, each in found.items() if cell not in same]
    adjusted = multipletests([each.p for each in tested], method="holm")[1]  # of three, not of five
    assert [each.p_adjusted for each in tested] == pytest.approx(adjusted)
    assert {each.family for each in tested} == {3}
    assert found["norm=none,dropout=False"].p_adjusted == found["norm=none,dropout=True"].p_adjusted


def test_without_common_seeds_the_test_is_welch_s() -> None:
    rows = study({"norm": ["batch", "layer"]}, lambda levels, seed: value(levels, seed), seeds=12)
    rows = rows[(rows["norm"] == "batch") == (rows["seed"] < 6)]
    (found,) = compared(rows)
    arms = [arm["accuracy"] for _, arm in rows.groupby("norm")]
    test = stats.ttest_ind(arms[1], arms[0], equal_var=False)
    assert found.p == found.p_adjusted == pytest.approx(test.pvalue)
    assert found.estimate.interval() == pytest.approx(tuple(test.confidence_interval()))
    assert found.estimate.note == "unpaired: no seeds in common, Welch's t of 6 and 6 runs"


def test_lost_runs_are_counted_and_leave_their_pairs_out() -> None:
    rows = study({"norm": ["batch", "none"]}, value, seeds=6)
    rows.loc[(rows["norm"] == "none") & (rows["seed"] == 2), ["status", "accuracy"]] = "diverged", np.nan
    (found,) = compared(rows)
    assert (found.lost, found.estimate.n) == (1, 5)


def test_in_blocks_each_configuration_is_compared_within_its_block() -> None:
    rows = study(
        {"data": ["a", "b"], "norm": ["batch", "layer"]}, lambda levels, seed: value(levels, seed) + (levels["data"] == "b")
    )
    found = compared(rows, blocks="data")
    assert {each.cell: each.baseline for each in found} == {
        "data=a,norm=layer": "data=a,norm=batch",
        "data=b,norm=layer": "data=b,norm=batch",
    }
    assert all(abs(each.estimate.estimate) < 0.3 for each in found)


def test_equal_values_and_a_constant_difference_have_a_p_value() -> None:
    rows = study({"norm": ["batch", "same", "more"]}, lambda levels, seed: seed + math.pi * (levels["norm"] == "more"))
    same, more = compared(rows)
    assert (same.p, more.p) == (1.0, 0.0)


def test_only_seeds_that_both_configurations_finished_make_a_pair() -> None:
    rows = study({"norm": ["batch", "layer"]}, value, seeds=4)
    rows.loc[(rows["norm"] == "batch") & (rows["seed"] > 0), ["status", "accuracy"]] = "failed", np.nan
    (one,) = compared(rows)
    assert one.estimate.n == 1
    assert one.estimate.estimate == pytest.approx(rows.iloc[1]["accuracy"] - rows.iloc[0]["accuracy"])
    assert math.isnan(one.estimate.interval()[0])
    (none,) = compared(rows.assign(accuracy=np.nan, status="failed"))
    assert none.estimate.n == 0
    assert math.isnan(none.estimate.estimate)


def test_a_single_configuration_is_compared_with_nothing() -> None:
    rows = study({"norm": ["batch", "layer"]}, value)
    assert compare_with_baseline(outcomes(rows), {"x": Cell.of({"norm": "batch"})}) == []
    assert comparisons_frame([]).empty


def test_one_common_seed_does_not_discard_the_other_runs() -> None:
    rows = study({"norm": ["batch", "layer"]}, value, seeds=12)
    apart = rows[(rows["norm"] == "batch") == (rows["seed"] < 6)]
    one = pd.concat([apart, rows[(rows["norm"] == "batch") & (rows["seed"] == 6)]])
    (found,) = compared(one)
    contrasted = contrast(outcomes(one), Change.of("norm", "batch", "layer"))
    assert (found.estimate.estimate, found.estimate.interval()) == (contrasted.estimate, contrasted.interval())
    assert found.estimate.note == "unpaired: one seed in common, Welch's t of 7 and 6 runs"


def test_what_floating_point_leaves_of_equal_numbers_is_no_difference() -> None:
    rows = study({"norm": ["batch", "layer"]}, lambda levels, seed: 0.1 * (seed + 1), seeds=5)
    above = rows["norm"] == "layer"
    rows.loc[above, "accuracy"] = np.nextafter(rows.loc[above, "accuracy"], 1)
    (found,) = compared(rows)
    assert (found.estimate.estimate, found.estimate.identical, found.p) == (0, True, 1)


def test_single_runs_without_a_common_seed_differ_without_an_interval() -> None:
    rows = study({"norm": ["batch", "layer"]}, value, seeds=4)
    for batch, layer, how in (([0], [1], "single runs"), ([0], [1, 2, 3], "means of 1 run and 3 runs")):
        kept = rows[rows["seed"].isin(batch) & (rows["norm"] == "batch") | rows["seed"].isin(layer) & (rows["norm"] == "layer")]
        (found,) = compared(kept)
        contrasted = contrast(outcomes(kept), Change.of("norm", "batch", "layer"))
        means = kept.groupby("norm")["accuracy"].mean()
        assert found.estimate.estimate == contrasted.estimate == pytest.approx(means["layer"] - means["batch"])
        assert (found.estimate.n, contrasted.n) == (1, 1)
        assert np.isnan([*found.estimate.interval(), *contrasted.interval(), found.p]).all()
        assert found.estimate.note == contrasted.note == f"unpaired: no seeds in common, {how}"


def test_a_single_pair_is_not_replaced_by_single_runs() -> None:
    rows = study({"norm": ["batch", "layer"]}, value, seeds=2)
    (found,) = compared(rows[(rows["seed"] == 0) | (rows["norm"] == "layer")])
    assert found.estimate.unpaired is None
    assert found.estimate.by_seed.index.tolist() == [0]
