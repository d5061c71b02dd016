"""Uncertainty that seeds do not show: of the test images, and of a single figure that somebody published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def over_images(
    first: ArrayLike, second: ArrayLike, generator: np.random.Generator, draws: int = 2000, confidence: float = 0.95
) -> dict[str, float]:
    """The difference in accuracy between two arms, averaged over seeds, with its interval over test images.

    `first` and `second` are boolean arrays (seeds, images): which images each run had right, the seeds in the same
    order. Images are drawn with replacement, the same for all seeds and both arms; the interval holds the percentiles
    of the mean difference (Efron and Tibshirani 1993, chapter 13). It says how much hangs on these images being the
    ones tested; the uncertainty over seeds stands beside it and is not part of it.

    Returns `estimate`, `low`, `high` in [0, 1] and `seeds`, `images`. Raises ValueError if the arrays do not match.
    """
    one, other = (np.asarray(arm, float) for arm in (first, second))
    if one.ndim != 2 or one.shape != other.shape:
        raise ValueError(f"the arms have the shapes {one.shape} and {other.shape}: both have to be (seeds, images).")
    seeds, images = one.shape
    if not seeds or not images:
        raise ValueError("there are no images, or no seeds.")
    difference: NDArray[np.float64] = (other - one).mean(axis=0)
    estimate = float(difference.mean())
    low = high = estimate
    if np.ptp(difference) > 0:
        found = stats.bootstrap(
            (difference,),
            np.mean,
            n_resamples=draws,
            batch=100,
            method="percentile",
            confidence_level=confidence,
            rng=generator,
        )
        low, high = found.confidence_interval
    return {"estimate": estimate, "low": float(low), "high": float(high), "seeds": seeds, "images": images}


def prediction(values: Sequence[float], published: float, confidence: float = 0.95) -> dict[str, Any]:
    """Where one more run would fall, and whether a published figure lies there.

    mean ± t(n - 1) s sqrt(1 + 1/n), for n runs of ours that are normal and one of theirs, made alike (Hahn and Meeker
    1991, Statistical Intervals). Returns `n`, `mean`, `sd`, `low`, `high`, `published`, and `inside`: True or False, None
    without two runs.
    """
    known = np.asarray([value for value in values if not math.isnan(value)], float)
    n = len(known)
    mean = float(known.mean()) if n else math.nan
    sd = float(known.std(ddof=1)) if n > 1 else math.nan
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd * math.sqrt(1 + 1 / n) if n > 1 else math.nan
    inside = mean - half <= published <= mean + half if n > 1 else None
    return {"n": n, "mean": mean, "sd": sd, "low": mean - half, "high": mean + half, "published": published, "inside": inside}
