"""Simultaneous intervals: against Student, Sidak, Dunnett, and simulated studies."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import Change
from ablate.stats.contrasts import every_contrast
from ablate.stats.estimates import Estimate, student, table
from ablate.stats.simultaneous import critical_value, simultaneous, with_simultaneous
from tests.stats.conftest import noise, outcomes, study


def estimate(by_seed: pd.Series) -> Estimate:
    se, df = student(by_seed)
    return Estimate("simple", (Change.of("x", 0, 1),), by_seed, se, df)


def test_one_contrast_has_students_interval() -> None:
    values = pd.Series([1.0, 2.0, 4.0, 3.0])
    assert simultaneous([estimate(values)])[0] == pytest.approx(estimate(values).interval())


def test_without_correlation_it_is_sidaks() -> None:
    """Four orthogonal contrasts over five seeds."""
    values = pd.DataFrame(np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0][:, :4])
    values -= values.mean()
    orthogonal = pd.DataFrame(np.linalg.qr(values.to_numpy())[0])
    sidak = stats.t.ppf((1 + 0.95 ** (1 / 4)) / 2, 7)
    assert critical_value(orthogonal - orthogonal.mean()) == pytest.approx(sidak, rel=0.03)


def test_against_one_control_it_is_dunnetts_in_large_samples() -> None:
    draw = np.random.default_rng(1)
    control, arms = draw.normal(size=300), draw.normal(size=(3, 300))
    mine = critical_value(pd.DataFrame({at: arm - control for at, arm in enumerate(arms)}))
    reference = stats.dunnett(*arms, control=control, rng=np.random.default_rng(0))
    interval = reference.confidence_interval(0.95)
    pooled = math.sqrt(np.concatenate([[control], arms]).var(axis=1, ddof=1).mean() * 2 / 300)
    theirs = float((interval.high - interval.low)[0]) / 2 / pooled
    assert mine == pytest.approx(theirs, rel=0.02)


def test_all_intervals_hold_at_once_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 studies of five changes against one baseline, 6 seeds: single 95 % intervals all hold in about 83 %."""
    monkeypatch.setattr("ablate.stats.simultaneous.DRAWS", 2000)
    draw = np.random.default_rng(2)
    all_hold, each_alone = [], []
    for _ in range(300):
        baseline = draw.normal(size=6)
        found = [estimate(pd.Series(draw.normal(size=6) - baseline)) for _ in range(5)]
        all_hold.append(all(low <= 0 <= high for low, high in simultaneous(found)))
        each_alone.append(all(low <= 0 <= high for low, high in map(Estimate.interval, found)))
    assert 0.92 <= np.mean(all_hold) <= 0.985
    assert np.mean(each_alone) < 0.9


@pytest.mark.parametrize(("seeds", "contrasts"), [(3, 8), (5, 20)])
def test_with_many_contrasts_for_few_seeds_all_intervals_hold_at_once(seeds: int, contrasts: int) -> None:
    """By the correlations that three seeds show, those of eight changes held in 91 % of cases."""
    draw = np.random.default_rng(3)
    held = []
    for _ in range(600):
        values = pd.DataFrame(draw.normal(size=(seeds, contrasts)) - draw.normal(size=(seeds, 1)))
        held.append((values.mean() / values.std() * math.sqrt(seeds)).abs().max() <= critical_value(values))
    assert np.mean(held) >= 0.93


def test_unequal_seeds_have_bonferronis_and_the_table_keeps_its_rows() -> None:
    first, second = estimate(pd.Series([1.0, 2.0, 4.0])), estimate(pd.Series([1.0, 2.0, 3.0, 5.0]))
    low, high = simultaneous([first, second])[1]
    assert high - low == pytest.approx(2 * second.se * stats.t.ppf(1 - 0.0125, 3))
    found = every_contrast(outcomes(study({"stem": ["a", "b", "c"], "norm": ["x", "y"]}, noise(1.0), 5)))
    frame = with_simultaneous(table(found), found)
    assert (frame["simultaneous_low"] < frame["low"]).all()
    assert (frame["simultaneous_high"] > frame["high"]).all()


def test_without_a_standard_error_there_is_no_interval() -> None:
    ((low, high),) = simultaneous([estimate(pd.Series([1.0]))])
    assert math.isnan(low)
    assert math.isnan(high)


def test_the_simulation_is_not_longer_for_many_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 2,000 seeds, the t of six independent contrasts are normal, and the critical value is Sidak's."""
    values = pd.DataFrame(np.linalg.qr(np.random.default_rng(0).normal(size=(2000, 7)))[0][:, :6])
    sizes = []
    default_rng = np.random.default_rng

    class Counted:
        def __init__(self, seed: int) -> None:
            self.drawn = default_rng(seed)

        def normal(self, size: tuple[int, ...]) -> np.ndarray:
            sizes.append(math.prod(size))
            return self.drawn.normal(size=size)

        def chisquare(self, df: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
            return self.drawn.chisquare(df, size)

    monkeypatch.setattr(np.random, "default_rng", Counted)
    assert critical_value(values) == pytest.approx(stats.norm.ppf((1 + 0.95 ** (1 / 6)) / 2), abs=0.02)
    assert sum(sizes) == 20_000 * (6 + 6 * 6)


@pytest.mark.parametrize("n", [4, 5, 9])
def test_the_drawn_variances_are_those_of_n_seeds(n: int) -> None:
    """Against t statistics of whole simulated samples with the correlations of the contrasts."""
    draw = np.random.default_rng(1)
    by_seed = pd.DataFrame(draw.normal(size=(n, 3)) - draw.normal(size=(n, 1)))
    centered = (by_seed - by_seed.mean()).to_numpy()
    root = centered / np.linalg.norm(centered, axis=0)
    samples = draw.normal(size=(100_000, n, n)) @ root
    t = np.abs(samples.mean(1) / samples.std(1, ddof=1) * math.sqrt(n)).max(axis=1)
    assert critical_value(by_seed) == pytest.approx(np.quantile(t, 0.95), rel=0.03)
