"""Robustness: the sign-flip test against scipy, and verdicts without each seed."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.stats.estimates import Estimate, student
from ablate.stats.robustness import Robustness, robustness, sign_flip_p


def test_the_sign_flip_test_is_scipys_permutation_test_of_one_sample() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 8)
    reference = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert sign_flip_p(values) == pytest.approx(reference.pvalue)
    assert sign_flip_p(np.full(5, 1.0)) == 1 / 32
    many = np.random.default_rng(1).normal(0.5, 1, 30)
    assert sign_flip_p(many) == pytest.approx(stats.ttest_1samp(many, 0, alternative="greater").pvalue, rel=0.5)


def test_what_remains_without_each_seed_is_scipys() -> None:
    by_seed = pd.Series([1.0, 1.1, 0.9, 1.0, 1.05, 3.0], index=list("abcdef"))
    estimate = Estimate("simple", (), by_seed, *student(by_seed))

    def p_of(estimates: list[Estimate]) -> float:
        return float(stats.t.sf(estimates[0].estimate / estimates[0].se, estimates[0].df))

    found = robustness([estimate], p_of, 0.025, 0.0156)  # type: ignore[arg-type]
    assert found is not None
    without = {seed: stats.ttest_1samp(by_seed.drop(seed), 0, alternative="greater").pvalue for seed in by_seed.index}
    assert found.p_without == pytest.approx(without)
    assert found.pivotal == [seed for seed, p in without.items() if p > 0.025]
    assert found.largest_p == pytest.approx(
        max(stats.ttest_1samp(by_seed.drop(seed), 0, alternative="greater").pvalue for seed in by_seed.index)
    )
    assert found.holds == (found.largest_p <= 0.025)
    assert str(found).startswith("Robustness: sign-flip p = 0.016; ")
    short = Estimate("simple", (), by_seed.iloc[:2], *student(by_seed.iloc[:2]))
    assert robustness([short], p_of, 0.025) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("p", "words"),
    [
        ([0.001, 0.002, 0.003], "the same whichever seed is left out"),
        ([0.001, 0.2, 0.003], "undecided if seed 1 is left out"),
        ([0.1, 0.2, 0.003], "undecided if any one of the seeds 0, 1 is left out"),
        ([0.1, 0.2, 0.3], "undecided whichever seed is left out"),
        ([0.1] * 6 + [0.001], "undecided if any one of 6 of the 7 seeds is left out"),
    ],
)
def test_each_seed_that_the_verdict_needs_is_named(p: list[float], words: str) -> None:
    found = Robustness(2.0 ** -len(p), dict(enumerate(p)), 0.025)
    flips = f"sign-flip p = {2.0 ** -len(p):.2g}, the smallest that {len(p)} seeds can give"
    limits = f"largest unadjusted p with one seed left out: {max(p):.2g}; at most 0.025 is needed"
    assert str(found) == f"Robustness: {flips}; {words} ({limits})"
