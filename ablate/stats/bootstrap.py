"""Uncertainty that seeds do not show: of the test images, and of a single figure that somebody published."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ablate.stats.contrasts import weights
from ablate.stats.estimates import Change, Estimate
from ablate.stats.outcomes import blocks


def over_images(
    first: ArrayLike, second: ArrayLike, generator: np.random.Generator, draws: int = 2000, confidence: float = 0.95
) -> dict[str, float]:
    """The difference in accuracy between two arms, averaged over seeds, with its interval over test images.

    `first` and `second` are arrays (seeds, images): which images each run had right, or the share of an arm's runs that
    had; the seeds in the same order. Images are drawn with replacement, the same for all seeds and both arms; the
    interval holds the percentiles of the mean difference (Efron and Tibshirani 1993, chapter 13). It says how much hangs
    on these images being the ones tested; the uncertainty over seeds stands beside it and is not part of it.

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


def change_over_images(
    runs: pd.DataFrame,
    changes: Sequence[Change],
    right: Mapping[str, ArrayLike],
    generator: np.random.Generator,
    where: Mapping[str, Any] | None = None,
) -> dict[str, float] | None:
    """`over_images` for a contrast (one change) or an interaction (two), averaged over its alive strata as `contrast` is.

    `right` maps the `directory` of a run to which images (N,) it had right. Only seeds whose runs are all there count.
    None if there are none, or if the runs were tested on different numbers of images.
    """
    numbered = blocks(runs.assign(number=range(len(runs))), "number")
    weight = weights(numbered, changes, where)[0]
    weight = weight[weight != 0]
    numbers = numbered.outcomes[weight.index].dropna().astype(int)
    of_seeds = [[right.get(runs["directory"].iloc[number]) for number in row] for row in numbers.to_numpy()]
    of_seeds = [row for row in of_seeds if all(each is not None for each in row)]
    if not of_seeds or weight.empty or len({np.size(each) for row in of_seeds for each in row}) > 1:  # type: ignore[arg-type]
        return None
    values = np.asarray(of_seeds, float)  # (seeds, cells, images)
    first, second = (np.einsum("c,sci->si", (sign * weight).clip(lower=0), values) for sign in (-1, 1))
    return over_images(first, second, generator)


def with_images(
    table: pd.DataFrame, found: Sequence[Estimate], runs: pd.DataFrame, right: Mapping[str, ArrayLike]
) -> pd.DataFrame:
    """The table of these contrasts with the columns `images_low`, `images_high`: the interval over test images, if known.

    A single seed has none: beside no interval over seeds it would be taken for one.
    """
    generator = np.random.default_rng(0)  # the same report each time
    rows = [change_over_images(runs, each.changes, right, generator, each.where) if each.n > 1 else None for each in found]
    return table.assign(**{f"images_{end}": [row[end] if row else math.nan for row in rows] for end in ("low", "high")})


def unpacked(kept: Mapping[str, Mapping[str, NDArray[Any]]], name: str) -> dict[str, NDArray[np.bool_]]:
    """The answers that runs kept as packed bits beside their `count`, as arrays of that many; what holds none is left out."""
    return {
        run: np.unpackbits(arrays[name])[: int(arrays["count"])].astype(bool)
        for run, arrays in kept.items()
        if name in arrays
        and "count" in arrays
        and arrays[name].dtype == np.uint8
        and arrays[name].ndim == arrays["count"].size == 1
    }


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
