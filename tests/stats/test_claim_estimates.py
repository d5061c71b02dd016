"""Estimates of a claim: the arms it is about, and p values of several estimates."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import Claim
from ablate.stats.claim_estimates import arms, compared, estimates_of, p_values
from ablate.stats.estimates import Estimate, student
from tests.stats.conftest import noise, outcomes, study

FACTORS = {"stem": ["direct", "pyramid"], "norm": ["x", "y"]}
STEM, NORM = ({"factor": key, "from": levels[0], "to": levels[1]} for key, levels in FACTORS.items())
CLAIM = {"id": "A", "says": "a", "metric": "accuracy", "expects": "higher", "margin": 0.01}


def claim(**keys: object) -> Claim:
    return Claim.parse(CLAIM | keys)


def of(*values: float) -> Estimate:
    by_seed = pd.Series(values)
    return Estimate("simple", (), by_seed, *student(by_seed))


def test_the_arms_of_each_kind_by_name() -> None:
    runs = outcomes(study(FACTORS, noise(1.0)))
    contrast = claim(kind="contrast", contrast=STEM)
    assert arms(contrast, runs) == {"stem=direct": [0, 1], "stem=pyramid": [2, 3]}
    assert list(arms(claim(kind="interaction", interaction=[STEM, NORM]), runs)) == [
        "stem=direct norm=x", "stem=direct norm=y", "stem=pyramid norm=x", "stem=pyramid norm=y"
    ]  # fmt: skip
    assert arms(claim(kind="threshold", value=0, where={"norm": "y"}), runs) == {"the selected cells": [1, 3]}
    path = claim(kind="path", path={"of": "s", "changes": {"s": STEM, "n": NORM}})
    assert (len(arms(path, runs)), compared(path, runs)) == (4, [[0], [3]])


def test_equivalence_has_its_strata_behind_the_average() -> None:
    runs = outcomes(study(FACTORS, noise(0.01), 6))
    both = claim(kind="contrast", contrast=STEM, expects="equivalent")
    average, *strata = estimates_of(both, runs)
    assert [str(each.where) for each in strata] == ["norm=x", "norm=y"]
    assert average.estimate == pytest.approx(np.mean([each.estimate for each in strata]))
    each = [p_values(both, [one]) for one in (average, *strata)]
    found = p_values(both, [average, *strata])
    assert found.support == max(p.support for p in each[1:])
    assert found.contradict == pytest.approx(min(1, 3 * min(p.contradict for p in each)))
    cells = estimates_of(claim(kind="threshold", value=0, expects="equivalent"), runs)[1:]
    assert [str(each.where) for each in cells] == [f"stem={s}, norm={n}" for s in FACTORS["stem"] for n in FACTORS["norm"]]


def test_an_excess_over_a_fraction_needs_a_whole_that_is_shown() -> None:
    share = Claim.parse(
        {"id": "A", "says": "a", "metric": "accuracy", "kind": "path", "expects": "higher", "exceeds": 0.5,
         "path": {"of": "s", "changes": {"s": STEM, "n": NORM}}}
    )  # fmt: skip
    excess, whole = of(0.2, 0.3, 0.25, 0.2), of(1.0, -1.0, 2.0, 0.1)
    support, contradict, _ = p_values(share, [excess, whole])
    assert support == pytest.approx(stats.ttest_1samp(whole.by_seed, 0, alternative="greater").pvalue)
    assert contradict == pytest.approx(stats.ttest_1samp(excess.by_seed, 0, alternative="less").pvalue)


def one_sided(estimate: Estimate, border: float, alternative: str) -> float:
    return float(stats.ttest_1samp(estimate.by_seed, border, alternative=alternative).pvalue)


def test_largest_is_refuted_by_any_other_share_and_shown_by_all() -> None:
    path = claim(kind="path", path={"of": "s", "changes": {"s": STEM, "n": NORM}}, expects="largest")
    behind, ahead = of(-0.5, -0.6, -0.4, -0.5), of(0.2, 0.3, 0.2, 0.25)
    found = p_values(path, [behind, ahead])
    assert found.support == pytest.approx(one_sided(behind, 0, "greater"))
    assert found.contradict == pytest.approx(2 * one_sided(behind, 0, "less"))
    assert found.contradict < 0.01


def test_a_fraction_of_the_whole_needs_a_whole_for_both_verdicts() -> None:
    more = claim(kind="path", path={"of": "s", "changes": {"s": STEM, "n": NORM}}, exceeds=0.5, margin=None)
    excess, whole = of(-0.5, -0.6, -0.4, -0.5), of(1.0, 1.3, 0.9, 1.1)
    found = p_values(more, [excess, whole])
    assert found.support == pytest.approx(one_sided(excess, 0, "greater"))
    assert found.contradict == pytest.approx(max(one_sided(excess, 0, "less"), one_sided(whole, 0, "greater")))
    nothing = of(0.1, -0.1, 0.05, -0.04)
    assert p_values(more, [excess, nothing]).contradict == pytest.approx(one_sided(nothing, 0, "greater"))


def test_no_worse_than_the_margin_depends_on_which_direction_is_better() -> None:
    loss = claim(kind="contrast", contrast=STEM, expects="noninferior", margin=0.2)
    change = of(0.05, 0.1, 0.08, 0.06)
    assert p_values(loss, [change], "higher").support == pytest.approx(one_sided(change, -0.2, "greater"))
    assert p_values(loss, [change], "lower").support == pytest.approx(one_sided(change, 0.2, "less"))
