"""Result files as people have them: what each once got wrong, with its data, judged from the rows to the verdict."""

import math
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import Change, parse_all
from ablate.core.metrics import MetricSpec
from ablate.stats.contrasts import by_stratum
from ablate.stats.judge import Judgement, judge, judgements_frame
from tests.stats.conftest import outcomes, results_of


def runs(**columns: Any) -> pd.DataFrame:
    """Finished runs; one directory each."""
    frame = pd.DataFrame(columns)
    places = [f"runs/{at}" for at in range(len(frame))]
    return frame.assign(status="finished", directory=places, cell=places, label=places, error=None, left_out=None)


def two_arms(base: list[float], ours: list[float], metric: str = "accuracy", seeds: Any = None) -> pd.DataFrame:
    each = seeds or [*range(len(base)), *range(len(ours))]
    return runs(method=["base"] * len(base) + ["ours"] * len(ours), seed=each, **{metric: base + ours})


def judged(frame: pd.DataFrame, metrics: tuple[MetricSpec, ...] = (), **keys: Any) -> Judgement:
    claim = {
        "id": "gain", "says": "ours is better", "kind": "contrast", "metric": "accuracy", "expects": "higher", "margin": 0.01,
        "contrast": {"factor": "method", "from": "base", "to": "ours"},
    }  # fmt: skip
    manifest = {"blocks": keys.pop("blocks")} if "blocks" in keys else {}
    (found,) = judge(parse_all([claim | keys]), results_of(frame, metrics=metrics, **manifest))
    assert judgements_frame([found])["verdict"].tolist() == [found.verdict]
    return found


FIFTY_BASE = [
    0.7038, 0.6958, 0.7039, 0.7007, 0.6923, 0.7062, 0.7072, 0.6997, 0.6986, 0.6992, 0.6951, 0.7055, 0.6973,
    0.6997, 0.6960, 0.6969, 0.6936, 0.7063, 0.6992, 0.7048, 0.7001, 0.6965, 0.6984, 0.6972, 0.7000, 0.6981,
    0.6985, 0.6931, 0.6960, 0.7083, 0.6966, 0.6947, 0.7017, 0.7070, 0.6927, 0.6990, 0.6968, 0.6912, 0.7037,
    0.6999, 0.7004, 0.6962, 0.7023, 0.6973, 0.6993, 0.6945, 0.6939, 0.7067, 0.6975, 0.7015,
]  # fmt: skip
FIFTY_OURS = [
    0.7026, 0.7006, 0.7003, 0.7060, 0.7013, 0.7020, 0.7029, 0.7087, 0.7062, 0.7047, 0.7000, 0.6959, 0.7075,
    0.7076, 0.7021, 0.7055, 0.7067, 0.7070, 0.7074, 0.7005, 0.7104, 0.6966, 0.7071, 0.7053, 0.7072, 0.7122,
    0.7102, 0.6971, 0.6944, 0.7069, 0.6977, 0.7027, 0.7070, 0.6946, 0.6923, 0.7041, 0.7030, 0.7016, 0.7030,
    0.6985, 0.6952, 0.7020, 0.6979, 0.6946, 0.7053, 0.7025, 0.7048, 0.6979, 0.6995, 0.6978,
]  # fmt: skip


def test_a_gain_that_is_real_and_below_the_margin_is_not_contradicted_and_all_fifty_seeds_count() -> None:
    found = judged(two_arms(FIFTY_BASE, FIFTY_OURS))
    assert (found.verdict, found.n, found.look.seeds) == ("smaller than the margin", 50, 50)
    assert found.estimate is not None
    assert (found.estimate.estimate, *found.interval) == pytest.approx((0.00328, 0.00149, 0.00507), abs=1e-5)
    assert found.p_dropped.support == pytest.approx(0.0003, abs=5e-5)
    assert "a difference in the claimed direction is shown, and it is smaller than the margin" in found.reason


CROSSOVER = {
    ("small", "base"): [0.7060, 0.6992, 0.6994, 0.6969, 0.7010, 0.6963, 0.6967, 0.7038],
    ("small", "ours"): [0.7273, 0.7332, 0.7346, 0.7308, 0.7317, 0.7359, 0.7294, 0.7282],
    ("large", "base"): [0.6959, 0.7001, 0.7044, 0.7029, 0.6972, 0.6974, 0.6985, 0.7009],
    ("large", "ours"): [0.6694, 0.6706, 0.6709, 0.6691, 0.6699, 0.6706, 0.6697, 0.6715],
}


def crossover() -> pd.DataFrame:
    rows = [(d, m, s, v) for (d, m), values in CROSSOVER.items() for s, v in enumerate(values)]
    dataset, method, seed, accuracy = map(list, zip(*rows, strict=True))
    return runs(dataset=dataset, method=method, seed=seed, accuracy=accuracy)


def test_effects_that_cancel_are_not_equivalent() -> None:
    found = judged(crossover(), expects="equivalent")
    assert found.verdict == "contradicted"
    assert "the estimate is beyond the margin in dataset=small (above zero), dataset=large (below zero)" in found.reason
    small, large = (each.numbers() for each in found.strata)
    assert [small[key] for key in ("estimate", "low", "high")] == pytest.approx([0.0315, 0.0265, 0.0365], abs=1e-4)
    assert [large[key] for key in ("estimate", "low", "high")] == pytest.approx([-0.0295, -0.0318, -0.0271], abs=1e-4)


def test_effects_that_cancel_are_told_as_heterogeneous() -> None:
    found = judged(crossover())
    assert found.heterogeneity is not None
    assert found.heterogeneity.p < 1e-6
    assert any("The strata differ" in note and "opposite signs" in note for note in found.notes)


def test_runs_that_are_nan_are_lost_and_leave_no_decided_verdict() -> None:
    base = [0.7075, 0.7024, 0.7002, 0.6933, 0.7016, 0.6922, 0.6944, 0.7034]
    ours = [0.7228, 0.7194, math.nan, 0.7132, 0.7185, math.nan, math.nan, 0.7173]
    found = judged(two_arms(base, ours))
    assert (found.verdict, found.n) == ("inconclusive", 8)
    assert found.reason.startswith("lost runs: 3 of 8 in method=ours, 0 of 8 in method=base; unequal losses")


def test_differences_of_one_rounding_step_are_as_uncertain_as_the_step() -> None:
    base, ours = [93.1, 93.2, 93.1, 93.0, 93.2], [93.2, 93.3, 93.2, 93.1, 93.3]
    found = judged(two_arms(base, ours), margin=0.5)
    assert found.verdict == "smaller than the margin"
    assert "all seeds lie within one rounding step of the metric (0.1)" in found.reason
    assert found.estimate is not None
    assert found.estimate.se == pytest.approx(0.05)
    assert found.interval[0] < 0 < found.interval[1]
    assert found.robustness is not None
    assert found.robustness.largest_p == pytest.approx(stats.t.sf((0.5 - 0.1) / 0.05, 3))
    undecided = judged(two_arms(base, ours), margin=0.15)
    assert undecided.precision is not None
    assert undecided.precision.seeds is not None
    assert undecided.precision.seeds > 5  # no margin of 1e-14


def test_a_target_that_is_reached_at_the_limit_is_reached() -> None:
    base, ours = [5.0, 5.0, 5.0, 5.0, 4.0], [5.0, 4.0, 5.0, 5.0, 5.0]
    found = judged(
        two_arms(base, ours, "epochs_to_target"),
        (MetricSpec("epochs_to_target", limit=5.0),),
        metric="epochs_to_target", scale="ratio", expects="equivalent", margin=1.5,
    )  # fmt: skip
    assert found.verdict == "supported"
    assert found.losses[0].lost == found.losses[1].lost == 0


def test_disjoint_seeds_are_compared_by_welch_and_loudly() -> None:
    base = [0.7021, 0.6899, 0.6878, 0.6982, 0.6946, 0.7010]
    ours = [0.7435, 0.7250, 0.7263, 0.7312, 0.7330, 0.7289]
    found = judged(two_arms(base, ours, seeds=[*range(6), *range(100, 106)]))
    assert found.verdict == "supported"
    assert found.reason.startswith("NOT PAIRED: no seeds in common, Welch's t of 6 and 6 runs; ")
    assert found.interval == pytest.approx((0.0276, 0.0438), abs=1e-4)
    reference = stats.ttest_ind(ours, base, equal_var=False)
    assert found.interval == pytest.approx(tuple(reference.confidence_interval()))
    assert found.p_dropped.contradict == pytest.approx(stats.ttest_ind(ours, base, equal_var=False, alternative="less").pvalue)


def test_repeats_without_a_seed_are_unpaired() -> None:
    net, small = [31.111, 31.433, 31.331, 31.195, 31.334], [30.032, 30.310, 30.099, 30.217, 29.842]
    frame = two_arms(net, small, "psnr", seeds=list(range(10)))
    found = judged(frame, metric="psnr", expects="lower", margin=0.1)
    assert found.verdict == "supported"
    assert found.interval == pytest.approx((-1.412, -0.949), abs=1e-3)


TEN_DATASETS = {
    "d00": ([0.6035, 0.6081, 0.6066], [0.6166, 0.6090, 0.6183]),
    "d01": ([0.8045, 0.7903, 0.7971], [0.8099, 0.8020, 0.8203]),
    "d02": ([0.8381, 0.8456, 0.8432], [0.8372, 0.8544, 0.8526]),
    "d03": ([0.8465, 0.8514, 0.8519], [0.8721, 0.8670, 0.8650]),
    "d04": ([0.6204, 0.6214, 0.6128], [0.6451, 0.6415, 0.6412]),
    "d05": ([0.8615, 0.8621, 0.8593], [0.8716, 0.8732, 0.8819]),
    "d06": ([0.7276, 0.7244, 0.7241], [0.7495, 0.7430, 0.7403]),
    "d07": ([0.7626, 0.7688, 0.7745], [0.7789, 0.7798, 0.7799]),
    "d08": ([0.8446, 0.8527, 0.8490], [0.8715, 0.8615, 0.8696]),
    "d09": ([0.9433, 0.9415, 0.9463], [0.9571, 0.9512, 0.9599]),
}


def test_ten_data_sets_with_three_seeds_are_ten_blocks() -> None:
    rows = [
        (dataset, method, seed, value)
        for dataset, arms in TEN_DATASETS.items()
        for method, values in zip(("base", "ours"), arms, strict=True)
        for seed, value in enumerate(values)
    ]
    dataset, method, seed, accuracy = map(list, zip(*rows, strict=True))
    frame = runs(dataset=dataset, method=method, seed=seed, accuracy=accuracy)
    found = judged(frame, blocks="dataset")
    assert (found.verdict, found.n) == ("supported", 10)
    assert found.estimate is not None
    assert found.estimate.wins == 10
    assert (found.estimate.estimate, *found.interval) == pytest.approx((0.0146, 0.0106, 0.0186), abs=1e-4)


RMSE = {
    ("tree", "none"): [13.475, 13.361, 13.419, 13.389, 13.362],
    ("tree", "filter"): [12.698, 12.646, 12.695, 12.703, 12.748],
    ("net", "none"): [13.429, 13.392, 13.430],
    ("net", "filter"): [12.655, 12.698, 12.614],
}


def test_each_stratum_keeps_the_seeds_that_pair_there() -> None:
    """Fewer seeds of the net than of the tree: a row a model has n 5 and n 3."""
    rows = [(m, p, 42 + seed, value) for (m, p), values in RMSE.items() for seed, value in enumerate(values)]
    model, preprocessing, seed, rmse = map(list, zip(*rows, strict=True))
    frame = runs(model=model, preprocessing=preprocessing, seed=seed, rmse=rmse)
    found = by_stratum(outcomes(frame, "rmse"), [Change.of("preprocessing", "none", "filter")])
    numbers = {str(each.where): (each.n, each.estimate, *each.interval()) for each in found}
    assert numbers["model=tree"] == pytest.approx((5, -0.703, -0.777, -0.629), abs=1e-3)
    assert numbers["model=net"] == pytest.approx((3, -0.761, -0.915, -0.607), abs=1e-3)


def test_lost_runs_of_unpaired_results_are_counted_among_the_runs_of_their_arm() -> None:
    base, ours = [0.70, 0.71, 0.70, 0.69, 0.70, 0.71], [0.72, 0.73, math.nan, 0.72, 0.73, 0.72]
    found = judged(two_arms(base, ours, seeds=list(range(12))))
    assert [str(each) for each in found.losses] == ["0 of 6 in method=base", "1 of 6 in method=ours"]
    assert found.verdict == "inconclusive"
