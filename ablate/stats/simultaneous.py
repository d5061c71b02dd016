"""Simultaneous intervals: for many changes against one baseline, and for the shares of an attribution.

All intervals of a family hold at once with the confidence. The critical value is the quantile of the largest |t| of
contrasts with the correlations of these, which share a baseline and seeds: Dunnett's idea (1955), for paired differences
that each have their own standard error. It is found by simulating the means and the variances of normal differences with
the estimated correlations; without correlation it is Sidak's. Where not all contrasts have the same seeds, some are
unpaired, or the steps of the metric determine the uncertainty of some, the critical values are Bonferroni's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablate.stats.estimates import Estimate, quantile

DRAWS = 20_000
BATCH = 500
MOST = 100  # contrasts whose correlations are taken into account
PER_SEED = 2  # contrasts for each seed from which on the correlations are not known well enough: 84 to 93 % held instead of 95


def critical_value(by_seed: pd.DataFrame, confidence: float = 0.95) -> float:
    """The quantile of the largest |t| of m contrasts, for values (seeds, contrasts). NaN below two seeds.

    Contrasts that do not vary are left out. Of more than MOST, or of PER_SEED for each seed, the value is Bonferroni's.
    """
    n, m = by_seed.shape
    if n < 2 or not m:
        return math.nan
    centered = by_seed.to_numpy() - by_seed.to_numpy().mean(axis=0)
    norms = np.linalg.norm(centered, axis=0)
    varying = norms > 1e-12 * np.abs(by_seed.to_numpy()).max()
    m = int(varying.sum())
    if m <= 1 or m > MOST or m >= PER_SEED * n:
        return quantile(1 - (1 - confidence) / max(m, 1), n - 1)
    _, scales, rows = np.linalg.svd(centered[:, varying] / norms[varying], full_matrices=False)
    rank = int((scales > 1e-9 * scales[0]).sum())  # at most n - 1, as the values are centered
    root = scales[:rank, None] * rows[:rank]  # (rank, contrasts): its transpose times it is the correlation
    generator = np.random.default_rng(0)  # the same report each time
    largest = []
    for _ in range(DRAWS // BATCH):
        means = generator.normal(size=(BATCH, rank)) @ root
        variances = ((_wishart_roots(generator, n - 1, rank) @ root) ** 2).sum(axis=1) / (n - 1)
        largest.append((np.abs(means) / np.sqrt(variances)).max(axis=1))
    return float(np.quantile(np.concatenate(largest), confidence))


def _wishart_roots(generator: np.random.Generator, df: int, rank: int) -> NDArray[np.float64]:
    """Upper triangular A (BATCH, rank, rank), A' A being the sums of squares of `df` standard normal rows (Bartlett 1933).

    The number of draws does not depend on the number of seeds.
    """
    roots = np.triu(generator.normal(size=(BATCH, rank, rank)), 1)
    diagonal = np.arange(rank)
    roots[:, diagonal, diagonal] = np.sqrt(generator.chisquare(df - diagonal, (BATCH, rank)))
    return roots


def simultaneous(estimates: Sequence[Estimate], confidence: float = 0.95) -> list[tuple[float, float]]:
    """The simultaneous intervals of a family of contrasts, on their scale; NaN where there is no standard error."""
    known = [each for each in estimates if each.df > 0 and not math.isnan(each.se)]
    if not known:
        return [(math.nan, math.nan)] * len(estimates)
    seeds = {tuple(each.by_seed.index) for each in known}
    critical = math.nan
    if len(seeds) == 1 and not any(each.unpaired or each.least_se or each.by_steps for each in known):
        critical = critical_value(pd.concat([each.by_seed for each in known], axis=1), confidence)
    found = []
    for each in estimates:
        bonferroni = quantile(1 - (1 - confidence) / len(known), each.df) if each.df > 0 else math.nan
        half = each.se * (bonferroni if math.isnan(critical) else critical)
        ends = (each.estimate - half, each.estimate + half)
        found.append((math.exp(ends[0]), math.exp(ends[1])) if each.scale == "ratio" else ends)
    return found


def with_simultaneous(table: pd.DataFrame, estimates: Sequence[Estimate], confidence: float = 0.95) -> pd.DataFrame:
    """The table of some estimates with the columns `simultaneous_low` and `simultaneous_high`.

    Contrasts are one family, interactions another.
    """
    ends: dict[int, tuple[float, float]] = {}
    for size in {len(each.changes) for each in estimates}:
        family = [(at, each) for at, each in enumerate(estimates) if len(each.changes) == size]
        found = simultaneous([each for _, each in family], confidence)
        ends |= dict(zip([at for at, _ in family], found, strict=True))
    rows = [ends[at] for at in range(len(estimates))]
    return table.assign(simultaneous_low=[low for low, _ in rows], simultaneous_high=[high for _, high in rows])
