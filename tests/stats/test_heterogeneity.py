"""Heterogeneity: Hotelling's test against statsmodels and the paired t, and its fallback for few seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multivariate import test_mvmean as hotelling

from ablate.stats.estimates import Estimate, student
from ablate.stats.heterogeneity import heterogeneity


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
