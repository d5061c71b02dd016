"""Uncertainty that seeds do not show: that of the test examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ablate.core.cells import Condition
from ablate.core.claims import Change
from ablate.core.descriptions import Examples
from ablate.stats.contrasts import weights
from ablate.stats.estimates import Estimate
from ablate.stats.outcomes import Outcomes
from ablate.storage.results import StudyResults


def over_examples(
    first: ArrayLike, second: ArrayLike, generator: np.random.Generator, draws: int = 2000, confidence: float = 0.95
) -> dict[str, float]:
    """Estimate the difference in accuracy between two arms, averaged over seeds, with its interval over test examples.

    Examples are drawn with replacement, the same for all seeds and both arms; the interval holds the percentiles of the mean
    difference (Efron and Tibshirani 1993, chapter 13). It says how much the difference depends on which examples were tested;
    the uncertainty over seeds is no part of it.

    Args:
        first: (seeds, examples): which examples each run had right, or the share of an arm's runs that had.
        second: the same of the other arm, the seeds in the same order.
        generator: of the draws.
        draws: their number.
        confidence: of the interval.

    Returns:
        `estimate`, `low`, `high` in [0, 1] and `seeds`, `examples`.

    Raises:
        ValueError: if the arrays do not match, or are empty.
    """
    one, other = (np.asarray(arm, float) for arm in (first, second))
    if one.ndim != 2 or one.shape != other.shape:
        raise ValueError(f"the arms have the shapes {one.shape} and {other.shape}: both have to be (seeds, examples).")
    seeds, examples = one.shape
    if not seeds or not examples:
        raise ValueError("there are no examples, or no seeds.")
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
    return {"estimate": estimate, "low": float(low), "high": float(high), "seeds": seeds, "examples": examples}


def change_over_examples(
    results: StudyResults,
    changes: Sequence[Change],
    right: Mapping[str, ArrayLike],
    generator: np.random.Generator,
    where: Condition | None = None,
) -> dict[str, float] | None:
    """`over_examples` for a contrast (one change) or an interaction (two), averaged over its alive strata as `contrast` is.

    `right` maps the `directory` of a run to which examples (N,) it had right. Only seeds whose runs are all there count.
    None if there are none, or if the runs were tested on different numbers of examples.
    """
    numbers = pd.DataFrame({"row": np.arange(len(results), dtype=float)}, index=results.runs.index)
    outcomes = Outcomes.of(replace(results, values=numbers), "row")
    weight = weights(outcomes, changes, where).by_column
    weight = weight[weight != 0]
    rows = outcomes.outcomes[weight.index].dropna().astype(int)
    directories = results.runs["directory"].tolist()
    runs = [[directories[number] for number in row] for row in rows.to_numpy()]
    of_seeds = [[right[run] for run in row] for row in runs if all(run in right for run in row)]
    if not of_seeds or weight.empty or len({np.size(each) for row in of_seeds for each in row}) > 1:
        return None
    values = np.asarray(of_seeds, float)  # (seeds, cells, examples)
    first, second = (np.einsum("c,sci->si", (sign * weight).clip(lower=0), values) for sign in (-1, 1))
    return over_examples(first, second, generator)


def with_examples(
    table: pd.DataFrame, estimates: Sequence[Estimate], results: StudyResults, right: Mapping[str, ArrayLike]
) -> pd.DataFrame:
    """Add the columns `examples_low` and `examples_high` to the table of these contrasts: the interval over test examples.

    A single seed has none, as it would be taken for the interval over seeds that is missing.
    """
    generator = np.random.default_rng(0)  # the same report each time
    rows = [
        change_over_examples(results, each.changes, right, generator, each.where) if each.n > 1 else None for each in estimates
    ]
    return table.assign(**{f"examples_{end}": [row[end] if row else math.nan for row in rows] for end in ("low", "high")})


def unpacked(kept: Mapping[str, Mapping[str, NDArray[Any]]], examples: Examples) -> dict[str, NDArray[np.bool_]]:
    """Which examples each run had right, from the packed bits that it kept beside their `count`; other runs are left out."""
    name = examples.array
    return {
        run: np.unpackbits(arrays[name])[: int(arrays["count"])].astype(bool)
        for run, arrays in kept.items()
        if name in arrays
        and "count" in arrays
        and arrays[name].dtype == np.uint8
        and arrays[name].ndim == arrays["count"].size == 1
    }
