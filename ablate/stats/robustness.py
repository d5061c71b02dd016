"""Robustness of a verdict: the sign-flip test, and what remains without any one seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ablate.core.claims import Unit
from ablate.stats.estimates import Estimate, error_of_steps, student

EXACT_UP_TO = 14  # seeds: 16,384 sign patterns
DRAWS = 20_000
NAMED = 5  # seeds that are listed by name


@dataclass(frozen=True)
class Robustness:
    """How a decided verdict depends on the assumptions and on single seeds.

    Attributes:
        sign_flip: the p value of the sign-flip test of the same hypothesis, with n seeds at least 2^-n; NaN without one.
        p_without: by seed, the p value of the t test without it.
        level: what such a p value has to reach, as that of all seeds had to.
    """

    sign_flip: float
    p_without: Mapping[Any, float]
    level: float

    @property
    def largest_p(self) -> float:
        """The largest p value of the t test without one seed."""
        return max(self.p_without.values())

    @property
    def pivotal(self) -> list[Any]:
        """The seeds without any one of which the verdict would not have been reached."""
        return [seed for seed, p in self.p_without.items() if not p <= self.level]

    @property
    def holds(self) -> bool:
        """Whether the verdict would be the same without any one seed."""
        return not self.pivotal

    def __str__(self) -> str:
        return self.in_words()

    def in_words(self, unit: Unit = "seed") -> str:
        """A sentence; `unit` is what was left out in turn."""
        n, pivotal = len(self.p_without), self.pivotal
        flips = "" if math.isnan(self.sign_flip) else f"sign-flip p = {self.sign_flip:.2g}"
        if flips and math.isclose(self.sign_flip, 2.0**-n):
            flips += f", the smallest that {n} {unit}s can give"
        if not pivotal:
            kept = f"the same whichever {unit} is left out"
        elif len(pivotal) == n:
            kept = f"undecided whichever {unit} is left out"
        elif len(pivotal) > NAMED:
            kept = f"undecided if any one of {len(pivotal)} of the {n} {unit}s is left out"
        elif len(pivotal) > 1:
            kept = f"undecided if any one of the {unit}s {', '.join(map(str, pivotal))} is left out"
        else:
            kept = f"undecided if {unit} {pivotal[0]} is left out"
        limits = f"largest unadjusted p with one {unit} left out: {self.largest_p:.2g}; at most {self.level:.2g} is needed"
        return f"Robustness: {'; '.join(filter(None, [flips, kept]))} ({limits})"


def sign_flip_p(values: ArrayLike) -> float:
    """The one-sided p value of the sign-flip test that the center of symmetric values is above zero.

    The share of sign patterns whose mean is at least the observed one (Fisher 1935, section 21), of all 2^n patterns up to 14
    values, else of 20,000 random ones and the observed one.

    >>> sign_flip_p([1.0, 2.0, 3.0])
    0.125
    """
    known = np.asarray(values, float)
    n = len(known)
    if n <= EXACT_UP_TO:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=n)))
    else:
        drawn = np.random.default_rng(0).choice((1.0, -1.0), size=(DRAWS, n))
        signs = np.vstack([np.ones(n), drawn])
    sums = signs @ known
    return float((sums >= known.sum() - 1e-12 * np.abs(known).sum()).mean())


def without_seed(estimate: Estimate, seed: object) -> Estimate:
    """The same estimate without one of its seeds."""
    rest = estimate.by_seed.drop(seed, errors="ignore")
    se, df = student(rest)
    least = error_of_steps(rest, estimate.by_steps) if estimate.by_steps else estimate.least_se
    return replace(estimate, by_seed=rest, se=max(se, least), df=df)


def robustness(
    estimates: Sequence[Estimate], p_of: Callable[[Sequence[Estimate]], float], level: float, sign_flip: float = math.nan
) -> Robustness | None:
    """Repeat a test without each seed in turn; None for an unpaired estimate, or fewer than three seeds.

    Args:
        estimates: those that the test is about.
        p_of: the p value of what was shown, from such estimates.
        level: at which it was tested.
        sign_flip: the p value of the sign-flip test.
    """
    seeds = estimates[0].by_seed.index
    if estimates[0].unpaired or len(seeds) < 3:
        return None
    return Robustness(sign_flip, {seed: p_of([without_seed(each, seed) for each in estimates]) for seed in seeds}, level)
