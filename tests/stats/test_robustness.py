"""Robustness: the sign-flip test against scipy, and verdicts without each seed."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.stats.estimates import Estimate, student
from ablate.stats.robustness import robustness, sign_flip_p


def test_the_sign_flip_test_is_scipys_permutation_test_of_one_sample() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 8)
    reference = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert sign_flip_p(values) == pytest.approx(reference.pvalue)
    assert sign_flip_p(np.full(5, 1.0)) == 1 / 32
    many = np.random.default_rng(1).normal(0.5, 1, 30)
    assert sign_flip_p(many) == pytest.approx(stats.ttest_1samp(many, 0, alternative="greater").pvalue, rel=0.5)


def test_the_worst_seed_to_leave_out_is_named() -> None:
    by_seed = pd.Series([1.0, 1.1, 0.9, 1.0, 1.05, 3.0], index=list("abcdef"))
    estimate = Estimate("simple", (), by_seed, *student(by_seed))

    def p_of(estimates: list[Estimate]) -> float:
        return float(stats.t.sf(estimates[0].estimate / estimates[0].se, estimates[0].df))

    found = robustness([estimate], p_of, 0.025, 0.0156)  # type: ignore[arg-type]
    assert found is not None
    assert found.without in list("abcde")
    assert found.largest_p == pytest.approx(
        max(stats.ttest_1samp(by_seed.drop(seed), 0, alternative="greater").pvalue for seed in by_seed.index)
    )
    assert found.holds == (found.largest_p <= 0.025)
    assert str(found).startswith("Robustness: sign-flip p = 0.016; ")
    short = Estimate("simple", (), by_seed.iloc[:2], *student(by_seed.iloc[:2]))
    assert robustness([short], p_of, 0.025) is None  # type: ignore[arg-type]
