"""Contrasts of means without common seeds: against scipy's Welch test, and hand arithmetic where cells share seeds."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import Change, parse_all
from ablate.stats.contrasts import contrast
from ablate.stats.independent_means import contrast_of_means
from ablate.stats.judge import judge
from tests.stats.conftest import noise, outcomes, results_of, study

CHANGE = Change.of("method", "a", "b")


def cell(seeds: range, number: int = 0) -> pd.Series:
    return pd.Series(np.random.default_rng([number, seeds.start]).normal(size=len(seeds)), index=seeds)


def tasks(correlation: float, seeds: tuple[range, range] = (range(5), range(5, 10))) -> pd.DataFrame:
    """Two methods on four tasks, each with its own seeds; runs of a seed are correlated across the tasks."""
    alone, shared = noise(math.sqrt(1 - correlation)), np.random.default_rng(3).normal(0, math.sqrt(correlation), 20)
    rows = study({"method": ["a", "b"], "task": list("wxyz")}, lambda of, seed: alone(of, seed) + shared[seed], seeds=20)
    return rows[[row.seed in seeds[row.method == "b"] for row in rows.itertuples()]]


def test_two_cells_are_welchs() -> None:
    first, second = cell(range(5)), 2 * cell(range(5, 12))
    reference = stats.ttest_ind(second, first, equal_var=False)
    estimate, se, df = contrast_of_means([first, second], [-1, 1])
    assert (estimate / se, df) == pytest.approx((reference.statistic, reference.df))


def test_cells_without_a_common_seed_add_up_their_variances() -> None:
    cells = [cell(range(start, start + 4 + start // 10)) for start in (0, 10, 20, 30)]
    weights = np.array([-0.5, -0.5, 0.5, 0.5])
    parts = [0.25 * each.var() / len(each) for each in cells]
    _, se, df = contrast_of_means(cells, weights)
    assert se == pytest.approx(math.sqrt(sum(parts)))
    assert df == pytest.approx(
        sum(parts) ** 2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, cells, strict=True))
    )


def test_cells_of_an_arm_that_share_their_seeds_are_welchs_t_of_the_averages_of_seeds() -> None:
    frame = tasks(0.8)
    found = contrast(outcomes(frame), CHANGE)
    averages = frame.groupby(["method", "seed"])["accuracy"].mean()
    reference = stats.ttest_ind(averages["b"], averages["a"], equal_var=False)
    assert found.interval() == pytest.approx(tuple(reference.confidence_interval()))
    assert found.df == pytest.approx(reference.df)
    assert found.note == "unpaired: no seeds in common, Welch's t of 20 and 20 runs of 5 and 5 seeds"


def test_seeds_that_are_in_one_arm_of_each_stratum_keep_their_covariance() -> None:
    """a on x and b on y under seeds 0 to 4, the others under 5 to 9: half the difference b - a of each seed, n = 5 twice."""
    frame = tasks(0.8, (range(20), range(20)))
    first = frame["seed"] < 5
    crossed = frame[
        frame["task"].isin(["x", "y"]) & (frame["seed"] < 10) & (((frame["method"] == "a") == (frame["task"] == "x")) == first)
    ]
    halves = [rows.pivot(index="seed", columns="method", values="accuracy") for _, rows in crossed.groupby(crossed["seed"] < 5)]
    differences = [(half["b"] - half["a"]) / 2 for half in halves]
    found = contrast(outcomes(crossed), CHANGE)
    assert found.estimate == pytest.approx(sum(each.mean() for each in differences))
    assert found.se == pytest.approx(math.sqrt(sum(each.var() / 5 for each in differences)))
    assert 4 <= found.df <= 8


def test_cells_that_share_some_seeds_by_hand() -> None:
    """Residuals -1, 0, 1 of seeds 0 to 2 and of seeds 1 to 3, each over sqrt(6): (-1)^2 + (0 - 1)^2 + (1 + 0)^2 + 1^2 of 6."""
    cells = [pd.Series([4.0, 5.0, 6.0], index=[0, 1, 2]), pd.Series([7.0, 8.0, 9.0], index=[1, 2, 3])]
    assert contrast_of_means(cells, [1, 1]) == pytest.approx((13, math.sqrt(4 / 6), 2))


@pytest.mark.parametrize("correlation", [0.2, 0.8])
def test_a_difference_of_zero_is_rejected_as_often_as_promised(correlation: float) -> None:
    """1,000 studies of four tasks, a on five seeds and b on five others; taken for independent, it was 11 and 29 %."""
    draw = np.random.default_rng(0)
    rejected = 0
    for _ in range(1000):
        shared, alone = draw.normal(0, math.sqrt(correlation), (2, 5)), draw.normal(0, math.sqrt(1 - correlation), (4, 2, 5))
        cells = [
            pd.Series(shared[arm] + alone[task, arm], index=range(5 * arm, 5 * arm + 5)) for arm in (0, 1) for task in range(4)
        ]
        estimate, se, df = contrast_of_means(cells, [-0.25] * 4 + [0.25] * 4)
        rejected += abs(estimate) > stats.t.ppf(0.975, df) * se
    assert rejected / 1000 == pytest.approx(0.05, abs=0.02)


def test_a_verdict_without_pairs_is_about_the_seeds_of_each_arm() -> None:
    claim = {"id": "A", "says": "a", "kind": "contrast", "metric": "accuracy", "expects": "higher", "margin": 1.0,
             "contrast": {"factor": "method", "from": "a", "to": "b"}}  # fmt: skip
    (found,) = judge(parse_all([claim]), results_of(tasks(0.8)))
    assert found.estimate is not None
    assert (found.n, found.estimate.df <= 8) == (5, True)
    assert found.reason.startswith("NOT PAIRED: no seeds in common, Welch's t of 20 and 20 runs of 5 and 5 seeds; ")


def test_a_single_run_has_no_scatter() -> None:
    estimate, se, df = contrast_of_means([cell(range(1)), cell(range(5, 9))], [-1, 1])
    assert estimate == pytest.approx(cell(range(5, 9)).mean() - cell(range(1)).iloc[0])
    assert (math.isnan(se), df) == (True, 0.0)
