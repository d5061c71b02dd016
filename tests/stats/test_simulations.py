"""Small simulations: the intervals hold the truth as often as they say. The large ones are in benchmarks/verdicts."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ablate.core.claims import Change
from ablate.core.designs import factorial
from ablate.core.levels import Factor
from ablate.stats.contrasts import contrast, interaction
from ablate.stats.decision_rules import ALPHA, LOOKS, SequentialDesign, p_values
from ablate.stats.estimates import Estimate
from ablate.stats.outcomes import Outcomes
from benchmarks.pooled import with_pooled_error

STEM, NORM = Change.of("stem", "a", "b"), Change.of("norm", "x", "y")
FACTORS = {"stem": Factor.of("stem", ["a", "b"]), "norm": Factor.of("norm", ["x", "y"])}
STUDIES = 250
ENOUGH, TOO_MUCH = 0.95 - 3 * 0.0138, 0.95 + 3 * 0.0138  # three standard errors of 250 studies


def normal(draw: np.random.Generator, n: int) -> np.ndarray:
    return draw.normal(size=(n, 4))


def skewed(draw: np.random.Generator, n: int) -> np.ndarray:
    return draw.lognormal(size=(n, 4))


def unequal(draw: np.random.Generator, n: int) -> np.ndarray:
    return draw.normal(size=(n, 4)) * [1, 1, 3, 3]


def unequally_paired(draw: np.random.Generator, n: int) -> np.ndarray:
    """Under one seed, both norms share most of their noise, the stems nothing."""
    return draw.normal(size=(n, 2)).repeat(2, axis=1) + 0.5 * draw.normal(size=(n, 4))


def coverage(noise: Callable[..., np.ndarray], n: int, estimate: Callable[[Outcomes], Estimate]) -> float:
    draw = np.random.default_rng([n, len(noise.__name__)])
    nothing = pd.DataFrame(np.zeros((n, 4), bool))
    cells = {cell: column for column, cell in enumerate(factorial([*FACTORS.values()]))}
    held = 0
    for _ in range(STUDIES):
        seeds = draw.normal(0, 5, size=(n, 1))  # what a seed does to all cells drops out of every contrast
        runs = Outcomes(pd.DataFrame(seeds + noise(draw, n)), nothing, nothing, cells, FACTORS)
        low, high = estimate(runs).interval()
        held += low <= 0 <= high
    return held / STUDIES


@pytest.mark.parametrize("n", [5, 12])
@pytest.mark.parametrize("noise", [normal, skewed, unequal, unequally_paired])
def test_the_interval_of_a_simple_contrast_covers(noise: Callable[..., np.ndarray], n: int) -> None:
    """Skewed noise may only make it wider: the differences of equally skewed arms are symmetric, with long tails."""
    found = coverage(noise, n, lambda runs: contrast(runs, STEM))
    assert ENOUGH <= found <= (1.0 if noise is skewed else TOO_MUCH)


@pytest.mark.parametrize("noise", [normal, skewed, unequal])
def test_the_pooled_intervals_of_a_complete_factorial_cover(noise: Callable[..., np.ndarray]) -> None:
    upper = 1.0 if noise is skewed else TOO_MUCH
    assert ENOUGH <= coverage(noise, 8, lambda runs: with_pooled_error(runs, contrast(runs, STEM))) <= upper
    assert ENOUGH <= coverage(noise, 8, lambda runs: with_pooled_error(runs, interaction(runs, STEM, NORM))) <= upper


def test_a_pooled_variance_does_not_survive_unequal_pairing_and_the_error_of_its_own_seeds_does() -> None:
    """Why verdicts never pool: nearly 80 % instead of 95 %, however many seeds there are."""
    assert coverage(unequally_paired, 12, lambda runs: with_pooled_error(runs, contrast(runs, STEM))) < 0.85
    assert coverage(unequally_paired, 12, lambda runs: with_pooled_error(runs, interaction(runs, STEM, NORM))) > 0.98
    assert ENOUGH <= coverage(unequally_paired, 12, lambda runs: interaction(runs, STEM, NORM)) <= TOO_MUCH


@pytest.mark.parametrize("d", [0.5, 0.66, 0.8, 1.0])
def test_looks_cost_less_than_ten_points_of_power(d: float) -> None:
    """A gain of d standard deviations: shown by the last of the looks, and by 20 seeds in one look."""
    draws, design = np.random.default_rng(3).normal(d, 1, (4000, LOOKS[-1])), SequentialDesign()
    found = np.zeros(4000, bool)
    for look, n in enumerate(LOOKS, 1):
        p = p_values(draws[:, :n].mean(1), draws[:, :n].std(1, ddof=1) / n**0.5, n - 1, "higher")[0]
        found |= p <= ALPHA * design.share(look)
    assert found.mean() > (p <= ALPHA).mean() - 0.1


def test_looks_cost_less_than_ten_points_of_power_in_an_equivalence_too() -> None:
    """A margin of 0.76 standard deviations, for one claim and at the first step of Holm for six."""
    draws, design = np.random.default_rng(5).normal(0, 1, (4000, LOOKS[-1])), SequentialDesign().of_claim("equivalent")
    for alpha in (ALPHA, ALPHA / 6):
        found = np.zeros(4000, bool)
        for look, n in enumerate(LOOKS, 1):
            p = p_values(draws[:, :n].mean(1), draws[:, :n].std(1, ddof=1) / n**0.5, n - 1, "equivalent", 0.76)[0]
            found |= p <= alpha * design.share(look)
        assert found.mean() > (p <= alpha).mean() - 0.1


@pytest.mark.parametrize("q", [0.1, 0.2])
def test_collapses_are_missed_as_often_as_the_bound_says(q: float) -> None:
    """A share q of one arm falls by 50 standard deviations, the means being equal: false support is as likely as no collapse."""
    draw = np.random.default_rng(4)
    fallen = draw.random((4000, 8)) < q
    d = draw.normal(size=(4000, 8)) - draw.normal(size=(4000, 8)) + 50 * (q - fallen)
    p = p_values(d.mean(1), d.std(1, ddof=1) / 8**0.5, 7, "higher")[0]
    assert float((p <= ALPHA).mean()) == pytest.approx((1 - q) ** 8, abs=0.03)
