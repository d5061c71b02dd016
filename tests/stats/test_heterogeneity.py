"""Heterogeneity: Hotelling's test against statsmodels and the paired t, and its fallback for few seeds."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multivariate import test_mvmean as hotelling

from ablate.core.claims import Change
from ablate.stats import contrasts
from ablate.stats.estimates import Estimate, student
from ablate.stats.heterogeneity import MOST, heterogeneity, strata_of
from tests.stats.conftest import noise, outcomes, study


def strata(values: np.ndarray) -> list[Estimate]:
    found = []
    for column in values.T:
        by_seed = pd.Series(column)
        found.append(Estimate("simple", (), by_seed, *student(by_seed)))
    return found


def test_two_strata_are_compared_by_the_paired_t() -> None:
    values = np.random.default_rng(0).normal(size=(6, 2))
    found = heterogeneity(strata(values))
    assert found is not None
    assert found.p == pytest.approx(stats.ttest_rel(values[:, 0], values[:, 1]).pvalue)


def test_several_strata_are_compared_by_hotellings_test() -> None:
    values = np.random.default_rng(1).normal([0, 1, 2], size=(8, 3))
    found = heterogeneity(strata(values))
    assert found is not None
    assert found.p == pytest.approx(hotelling(values[:, 1:] - values[:, :1], [0, 0]).pvalue)
    assert (found.lowest.estimate, found.test) == (values.mean(0).min(), "Hotelling's T²")


def test_fewer_seeds_than_strata_still_have_a_test_that_keeps_its_level() -> None:
    draw = np.random.default_rng(2)
    p = [heterogeneity(strata(draw.normal(size=(5, 8)))).p for _ in range(300)]  # type: ignore[union-attr]
    assert np.mean(np.array(p) <= 0.05) <= 0.07
    apart = heterogeneity(strata(draw.normal([0] * 7 + [50], size=(5, 8))))
    assert apart is not None
    assert apart.p < 0.001


def test_one_stratum_has_no_heterogeneity() -> None:
    assert heterogeneity(strata(np.ones((5, 1)))) is None


def test_strata_within_one_rounding_step_are_not_compared() -> None:
    rows = study({"method": ["base", "ours"], "data": ["a", "b"]},
                 lambda levels, seed: 93.1 + 0.1 * (levels["method"] == "ours" and levels["data"] == "a"))  # fmt: skip
    runs = outcomes(rows)
    contrast = contrasts.contrast(runs, Change.of("method", "base", "ours"))
    found = strata_of(runs, contrast)
    assert [each.least_se for each in found] == pytest.approx([0.05, 0.0])
    spread = heterogeneity(found)
    assert spread is not None
    assert math.isnan(spread.p)
    assert not spread.shown


def test_many_strata_and_interactions_are_not_listed() -> None:
    runs = outcomes(study({"method": ["base", "ours"], "data": list(range(MOST + 1))}, noise(1.0), 3))
    assert strata_of(runs, contrasts.contrast(runs, Change.of("method", "base", "ours"))) == []
    assert len(strata_of(runs, contrasts.contrast(runs, Change.of("data", 0, 1)))) == 2
    both = contrasts.interaction(runs, Change.of("method", "base", "ours"), Change.of("data", 0, 1))
    assert strata_of(runs, both) == []


def test_equal_effects_are_not_told_apart_by_the_error_of_floating_point() -> None:
    """0.1 more than 0.58… and than 0.09… are two numbers that differ by 1e-17 in every seed."""
    base = {"a": 0.5821620360643678, "b": 0.09412864224039919, "c": 0.4331269402364738}
    of_tasks = study({"method": ["base", "ours"], "task": list(base)},
                     lambda levels, _: base[levels["task"]] + 0.1 * (levels["method"] == "ours"))  # fmt: skip
    found = contrasts.by_stratum(outcomes(of_tasks), [Change.of("method", "base", "ours")])
    assert len({each.estimate for each in found}) > 1
    spread = heterogeneity(found)
    assert spread is not None
    assert spread.p == 1.0
    constant = contrasts.means_by_cell(outcomes(study({"method": ["base", "ours", "x"]}, lambda *_: 0.123456789)))
    spread = heterogeneity(constant)
    assert spread is not None
    assert spread.p == 1.0
