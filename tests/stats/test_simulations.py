"""Small simulations: the intervals hold the truth as often as they say. The large ones are in benchmarks/verdicts.py."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ablate.core.claims import Change
from ablate.core.levels import Factor
from ablate.stats.contrasts import contrast, interaction, main_effect
from ablate.stats.estimates import Estimate
from ablate.stats.outcomes import Outcomes, product

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
    cells = {cell: column for column, cell in enumerate(product(FACTORS))}
    held = 0
    for _ in range(STUDIES):
        seeds = draw.normal(0, 5, size=(n, 1))  # what a seed does to all cells drops out of every contrast
        runs = Outcomes(pd.DataFrame(seeds + noise(draw, n)), nothing, nothing, cells, FACTORS)
        low, high = estimate(runs).interval()
        held += low <= 0 <= high
    return held / STUDIES


@pytest.mark.parametrize("n", [5, 8, 12])
@pytest.mark.parametrize("noise", [normal, skewed, unequal, unequally_paired])
def test_the_interval_of_a_simple_contrast_covers(noise: Callable[..., np.ndarray], n: int) -> None:
    """Skewed noise may only make it wider: the differences of equally skewed arms are symmetric, with long tails."""
    found = coverage(noise, n, lambda runs: contrast(runs, STEM))
    assert ENOUGH <= found <= (1.0 if noise is skewed else TOO_MUCH)


@pytest.mark.parametrize("noise", [normal, skewed, unequal])
def test_the_pooled_intervals_of_a_complete_factorial_cover(noise: Callable[..., np.ndarray]) -> None:
    upper = 1.0 if noise is skewed else TOO_MUCH
    assert ENOUGH <= coverage(noise, 8, lambda runs: main_effect(runs, STEM)) <= upper
    assert ENOUGH <= coverage(noise, 8, lambda runs: interaction(runs, STEM, NORM, pooled=True)) <= upper


def test_a_pooled_variance_does_not_survive_unequal_pairing_and_the_error_of_its_own_seeds_does() -> None:
    """Why verdicts never pool: nearly 80 % instead of 95 %, however many seeds there are."""
    assert coverage(unequally_paired, 12, lambda runs: main_effect(runs, STEM)) < 0.85
    assert coverage(unequally_paired, 12, lambda runs: interaction(runs, STEM, NORM, pooled=True)) > 0.98
    assert ENOUGH <= coverage(unequally_paired, 12, lambda runs: interaction(runs, STEM, NORM)) <= TOO_MUCH
