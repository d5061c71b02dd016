"""Result files as people have them: what each once got wrong, with its data, judged from the rows to the verdict."""

import math
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import parse_all
from ablate.core.metrics import MetricSpec
from ablate.stats.judge import Judgement, judge, judgements_frame
from tests.stats.conftest import results_of


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
    (found,) = judge(parse_all([claim | keys]), results_of(frame, metrics=metrics))
    assert judgements_frame([found])["verdict"].tolist() == [found.verdict]
    return found


def test_a_gain_that_is_real_and_below_the_margin_is_not_contradicted_and_all_fifty_seeds_count() -> None:
    """A gain of 0.0033 +- 0.0018 on a margin of 0.01, like fifty_seeds.csv."""
    base = [0.7 + 0.004 * float(stats.norm.ppf((seed + 0.5) / 50)) for seed in range(50)]
    ours = [value + 0.00328 + 0.0063 * float(stats.norm.ppf(((seed * 7) % 50 + 0.5) / 50)) for seed, value in enumerate(base)]
    found = judged(two_arms(base, ours))
    assert (found.verdict, found.n, found.look.seeds) == ("smaller than the margin", 50, 50)
    assert found.interval[0] > 0
    assert found.interval[1] < 0.01
    assert "a difference in the claimed direction is shown, and it is smaller than the margin" in found.reason
    assert found.confidence == pytest.approx(0.95)


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
    assert found.estimate.se == pytest.approx(0.1 / math.sqrt(6))
    assert found.interval[0] < 0 < found.interval[1]
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
