"""Prediction intervals: by hand, and as often right as they say for each way in which a figure is made."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import HowPublished
from ablate.stats.prediction import prediction


def test_a_prediction_interval_by_hand() -> None:
    """1, 2, 3, 4, 5: mean 3, s = sqrt(2.5), t(4) = 2.7764, half 2.7764 sqrt(2.5 x 1.2) = 4.809."""
    found = prediction([1, 2, 3, 4, 5], published=7.8)
    assert (found["low"], found["high"]) == (pytest.approx(3 - 4.8089, abs=1e-3), pytest.approx(3 + 4.8089, abs=1e-3))
    assert found["inside"] is True
    assert prediction([1, 2, 3, 4, 5], published=7.9)["inside"] is False
    assert prediction([1, 2, math.nan, 3, 4, 5], published=7.8) == found
    assert prediction([1], published=1)["inside"] is None
    assert prediction([], published=1)["n"] == 0


def test_the_prediction_interval_holds_the_next_run() -> None:
    draws = np.random.default_rng(5).normal(size=(2000, 6))
    inside = [prediction(row[:5].tolist(), row[5])["inside"] for row in draws]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)
    assert stats.t.ppf(0.975, 4) == pytest.approx(2.7764, abs=1e-4)


def test_the_figures_of_two_single_runs_vary_by_both_arms_and_pairing_does_not_help() -> None:
    first = pd.Series([1.0, 2.0, 3.0, 4.0, 5.0])
    second = first + pd.Series([0.1, 0.2, 0.3, 0.2, 0.1])
    differences = second - first
    found = prediction(differences.tolist(), 0.2, arms=[first, second])
    half = stats.t.ppf(0.975, 4) * math.sqrt(first.var() + second.var() + differences.var() / 5)
    assert found["high"] - found["mean"] == pytest.approx(half)
    paired = prediction(differences.tolist(), 0.2, arms=[first, second], how=HowPublished(kind="paired"))
    assert paired["high"] - paired["mean"] == pytest.approx(stats.t.ppf(0.975, 4) * differences.std() * math.sqrt(1.2))
    mean = prediction(differences.tolist(), 0.2, arms=[first, second], how=HowPublished(kind="mean", n_runs=4))
    half = stats.t.ppf(0.975, 4) * math.sqrt((first.var() + second.var()) / 4 + differences.var() / 5)
    assert mean["high"] - mean["mean"] == pytest.approx(half)


@pytest.mark.parametrize("arms", [1, 2])
@pytest.mark.parametrize("how", [HowPublished(), HowPublished(kind="mean", n_runs=5), HowPublished(kind="best", n_runs=10)])
def test_intervals_hold_a_figure_that_was_made_as_they_say(how: HowPublished, arms: int) -> None:
    """400 studies of 6 seeds; for two arms, whose seeds share most of their noise, the interval may be too wide."""
    draw = np.random.default_rng(1)
    inside = []
    for _ in range(400):
        shared = draw.normal(size=6)
        ours = [pd.Series(shared + 0.5 * draw.normal(size=6)) for _ in range(arms)]
        theirs = [math.sqrt(1.25) * draw.normal(size=how.n_runs) for _ in range(arms)]
        figure = [values.max() if how.kind == "best" else values.mean() for values in theirs]
        values = ours[-1] - ours[0] if arms == 2 else ours[0]
        published = figure[-1] - figure[0] if arms == 2 else figure[0]
        inside.append(prediction(values.tolist(), published, how=how, arms=ours, better="higher")["inside"])
    assert 0.92 <= np.mean(inside) <= (0.995 if arms == 2 else 0.98)


def test_the_best_of_a_metric_of_which_less_is_better_is_the_lowest() -> None:
    values, how = [1.0, 2.0, 3.0, 4.0, 5.0], HowPublished(kind="best", n_runs=10)
    high, low = (prediction(values, 3, how=how, better=better) for better in ("higher", "lower"))
    assert low["low"] + low["high"] < 6 < high["low"] + high["high"]
    assert prediction([1], 1, how=how)["inside"] is None
