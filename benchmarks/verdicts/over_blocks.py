"""Verdicts and intervals over blocks such as data sets."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from ablate.stats.blocks import bootstrap
from ablate.stats.decision_rules import ALPHA, LOOKS, p_values
from benchmarks.verdicts.noise import percent


def blocks(studies: int) -> pd.DataFrame:
    """Coverage of the two intervals of B data sets with 3 seeds each, in %; `sd between`: of the effects, in units of noise."""
    rows = []
    for count in (5, 10, 20):
        for between in (0.0, 1.0):
            generator = np.random.default_rng([10, count])
            effects = between * generator.normal(size=(studies, count))
            drawn = effects[..., None] + generator.normal(size=(studies, count, 3))
            means, variances = drawn.mean(2), drawn.var(2, ddof=1) / 3
            total = variances.sum(1) / count**2
            df = variances.sum(1) ** 2 / (variances**2 / 2).sum(1)
            these = np.abs(means.mean(1) - effects.mean(1)) <= stats.t.ppf(0.975, df) * np.sqrt(total)
            like = np.abs(means.mean(1)) <= stats.t.ppf(0.975, count - 1) * means.std(1, ddof=1) / math.sqrt(count)
            population = np.abs(means.mean(1)) <= stats.t.ppf(0.975, df) * np.sqrt(total)
            rows.append(
                {
                    "blocks": str(count),
                    "sd between": f"{between:g}",
                    "these blocks": percent(these),
                    "blocks like these": percent(like),
                    "the first, taken for the second": percent(population),
                }
            )
    return pd.DataFrame(rows)


def block_verdicts(studies: int) -> pd.DataFrame:
    """ "higher" over ten data sets in one look, in %; the effects of data sets vary by `sd between`, in units of the noise
    of a run, around a mean of 0 (support is false) or of 1. Before: data sets were a factor, and the average over them
    was tested over seeds, from five on.
    """
    rows = []
    for seeds in (3, 5):
        for between in (0.0, 1.0):
            row = {"seeds": str(seeds), "sd between": f"{between:g}"}
            for title, mean in (("", 0.0), (", mean 1", 1.0)):
                generator = np.random.default_rng([17, seeds])
                effects = mean + between * generator.normal(size=(studies, 10, 1))
                drawn = effects + math.sqrt(2) * generator.normal(size=(studies, 10, seeds))
                before, now = drawn.mean(1), drawn.mean(2)
                for name, seen in (("before", before), ("now", now)):
                    n = seen.shape[1]
                    p = p_values(seen.mean(1), seen.std(1, ddof=1) / math.sqrt(n), n - 1, "higher")[0]
                    row[f"{name}{title}"] = percent(p <= ALPHA) if n >= LOOKS[0] else "no verdict"
            rows.append(row)
    return pd.DataFrame(rows)


def bootstraps(studies: int) -> pd.DataFrame:
    """Coverage of the 95 % intervals of the stratified bootstrap over ten data sets, in % (300 studies, ± 2.5): of the
    interquartile mean of one arm, and of the probability of improvement, 0.76.
    """
    rows, studies = [], min(studies, 300)
    for runs in (3, 5, 10, 20):
        generator, iqms, improved = np.random.default_rng([18, runs]), [], []
        truth = float(stats.norm.cdf(1 / math.sqrt(2)))
        for _ in range(studies):
            first, second = (list(generator.normal(size=(10, runs)) + at) for at in (0.0, 1.0))
            one, both = bootstrap(first, None, 1000, 0.95, generator), bootstrap(first, second, 1000, 0.95, generator)
            iqms.append(one.low <= 0 <= one.high)
            improved.append(both.low <= truth <= both.high)
        rows.append(
            {
                "runs of each": str(runs),
                "IQM": percent(np.array(iqms)),
                "probability of improvement": percent(np.array(improved)),
            }
        )
    return pd.DataFrame(rows)
