"""Prediction intervals for published figures, matched to how each figure was made.

A figure of one run varies as one run does, whatever the number of ours; the difference of two single runs without a common
seed varies by the sum of both variances, and pairing does not help it; a mean of k runs varies less, and the best of k is
no draw from the distribution of runs. With our mean m of n seeds, and theirs made of runs like ours (Hahn and Meeker 1991):

| kind | interval |
|---|---|
| run | m ± t(n - 1) sqrt(sum of s^2 over the arms + s_d^2 / n) |
| paired | m ± t(n - 1) s_d sqrt(1 + 1 / n) |
| mean of k | m ± t(n - 1) sqrt(sum of s^2 over the arms / k + s_d^2 / n) |
| best of k | quantiles of m + the signed sum of the best of k draws of each arm, the variances being drawn as well |

s is the standard deviation of an arm over seeds, s_d that of the estimate (of the paired differences). For one arm s = s_d,
and the first, third and fourth are exact for normal runs; for two arms t(n - 1) is on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ablate.core.claims import HowPublished
from ablate.core.metrics import Better

SIGNS: Mapping[int, tuple[int, ...]] = {1: (1,), 2: (-1, 1), 4: (1, -1, -1, 1)}  # a mean, a difference, an interaction
DRAWS = 20_000


def prediction(
    values: Sequence[float],
    published: float,
    confidence: float = 0.95,
    *,
    how: HowPublished | None = None,
    arms: Sequence[pd.Series] = (),
    better: Better | None = None,
    least_se: float = 0.0,
) -> dict[str, Any]:
    """Predict where a figure that was made like the published one would fall, and whether the published one lies there.

    Args:
        values: the estimate of each of our seeds.
        published: the figure.
        confidence: of the interval.
        how: it was made; by default of one run.
        arms: for each arm its value by seed: one of a mean, two of a difference, four of an interaction. Without them `values`
            are those of the only arm.
        better: which end is the best one; by default the highest.
        least_se: what the standard error of our mean cannot fall below, since the metric is rounded.

    Returns:
        `n`, `mean`, `sd`, `low`, `high`, `published`, and `inside`: True or False, None for fewer than two runs.
    """
    known = np.asarray([value for value in values if not math.isnan(value)], float)
    n, how = len(known), how or HowPublished()
    mean = float(known.mean()) if n else math.nan
    sd = float(known.std(ddof=1)) if n > 1 else math.nan
    row = {"n": n, "mean": mean, "sd": sd, "low": math.nan, "high": math.nan, "published": published, "inside": None}
    if n < 2:
        return row
    spread = [sd] if len(arms) < 2 or how.kind == "paired" else [float(arm.dropna().std(ddof=1)) for arm in arms]
    se = max(sd / math.sqrt(n), least_se)
    if how.kind == "best":
        low, high = _best(mean, se, spread, n, how.n_runs, confidence, better)
    else:
        runs = how.n_runs if how.kind == "mean" else 1
        half = math.sqrt(sum(s**2 for s in spread) / runs + se**2)
        half *= float(stats.t.ppf((1 + confidence) / 2, n - 1))
        low, high = mean - half, mean + half
    return row | {"low": low, "high": high, "inside": low <= published <= high}


def _best(
    mean: float, se: float, spread: Sequence[float], n: int, k: int, confidence: float, better: Better | None
) -> tuple[float, float]:
    """The interval of the best of k runs of each arm, by simulation of the predictive distribution."""
    generator = np.random.default_rng(0)  # the same report each time
    sign = -1 if better == "lower" else 1
    scales = [np.sqrt((n - 1) / generator.chisquare(n - 1, DRAWS)) for _ in spread]
    center = mean + se * scales[0] * generator.normal(size=DRAWS)
    for arm, s, scale in zip(SIGNS[len(spread)], spread, scales, strict=True):
        center = center + arm * sign * s * scale * generator.normal(size=(DRAWS, k)).max(axis=1)
    low, high = np.quantile(center, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
