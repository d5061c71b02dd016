"""The noise of simulated studies."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ablate.stats.decision_rules import LOOKS

Numbers = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Numbers]


def long_tailed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    """Log-normal noise with mean 0 and standard deviation 1."""
    draws = generator.lognormal(0, 1, shape)
    return (draws - math.exp(0.5)) / math.sqrt((math.e - 1) * math.e)


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return generator.normal(size=(*shape, 4))


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return long_tailed(generator, (*shape, 4))


def one_arm_skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    draws = generator.normal(size=(*shape, 4))
    draws[..., 2:] = -long_tailed(generator, (*shape, 2))
    return draws


def one_arm_long_tailed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return one_arm_skewed(generator, shape) * np.array([0.3, 0.3, 1, 1])


def unequal(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return generator.normal(size=(*shape, 4)) * np.array([1, 1, 3, 3])


def unequally_paired(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    shared = generator.normal(size=(*shape, 2, 1)).repeat(2, axis=-1).reshape(*shape, 4)
    return shared + 0.5 * generator.normal(size=(*shape, 4))


NOISES: dict[str, Noise] = {
    "normal": normal,
    "skewed": skewed,
    "unequal": unequal,
    "one arm skewed": one_arm_skewed,
    "one arm long-tailed": one_arm_long_tailed,
    "unequally paired": unequally_paired,
}


def differences(noise: Noise, generator: np.random.Generator, studies: int, claims: int) -> Numbers:
    """Paired differences (studies, claims, seeds) without an effect, of deviation 1. Several claims share one arm."""
    start = noise(generator, (studies, 1, LOOKS[-1]))[..., :1]
    end = noise(generator, (studies, claims, LOOKS[-1]))[..., 2:3]
    drawn: Numbers = (end - start)[..., 0]
    return drawn / drawn.std()


def percent(found: NDArray[np.bool_]) -> str:
    return f"{100 * float(np.mean(found)):.1f}"
