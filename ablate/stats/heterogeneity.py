"""Heterogeneity of a contrast: whether it is the same in all strata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ablate.stats.contrasts import by_stratum
from ablate.stats.decision_rules import union
from ablate.stats.estimates import Estimate, cleared, student
from ablate.stats.outcomes import Outcomes

MOST = 12  # strata that are listed one by one
SHOWN = 0.05  # two-sided p from which strata are called different, not adjusted: a remark, no verdict


@dataclass(frozen=True)
class Heterogeneity:
    """The test of the interaction of a change with the strata.

    Attributes:
        p: two-sided; NaN below two common seeds, and where the rounding of the metric is the uncertainty of a stratum.
        n: the seeds that are complete in all strata.
        lowest, highest: the strata with the lowest and the highest estimate.
        same_sign: whether all estimates have one sign.
        test: how p was computed.
    """

    p: float
    n: int
    lowest: Estimate
    highest: Estimate
    same_sign: bool
    test: str

    @property
    def shown(self) -> bool:
        """Whether the strata are shown to differ."""
        return self.p <= SHOWN


def strata_of(outcomes: Outcomes, contrast: Estimate) -> list[Estimate]:
    """A contrast of one change in each of its strata; empty for one stratum, and for more than MOST."""
    if len(contrast.changes) != 1 or not 1 < len(contrast.strata) <= MOST:
        return []
    return by_stratum(outcomes, contrast.changes, contrast.where, contrast.scale)


def heterogeneity(strata: Sequence[Estimate]) -> Heterogeneity | None:
    """Test whether a contrast is equal in all strata, over the seeds that are complete in all of them; None for one stratum.

    With S strata and n seeds, Hotelling's T^2 of the S - 1 differences to the first stratum: T^2 (n - S + 1) / ((n - 1)(S -
    1)) has F(S - 1, n - S + 1) (Hotelling 1931). It allows for any covariance between strata; for two strata it is the
    paired t. With fewer than S + 1 seeds, each stratum against the mean of all by paired t, and the smallest p times S
    (Bonferroni).
    """
    if len(strata) < 2:
        return None
    order = sorted(strata, key=lambda each: each.estimate)
    signs = {np.sign(each.estimate) for each in strata}
    values = pd.concat([each.by_seed for each in strata], axis=1, join="inner").to_numpy()
    n, size = values.shape
    largest = float(np.abs(values).max(initial=0.0))
    p, test = math.nan, ""
    # within one step, the scatter of seeds is not the uncertainty
    rounded = any(each.least_se or (each.by_steps and np.ptp(each.by_seed) <= each.by_steps) for each in strata)
    if n > size and not rounded:
        differences = cleared(values[:, 1:] - values[:, :1], largest)
        mean = differences.mean(0)
        covariance = np.atleast_2d(np.cov(differences, rowvar=False))
        if np.linalg.matrix_rank(covariance) == size - 1:
            t2 = n * float(mean @ np.linalg.solve(covariance, mean))
            p = float(stats.f.sf(t2 * (n - size + 1) / ((n - 1) * (size - 1)), size - 1, n - size + 1))
            test = "Hotelling's T²"
    if not test and n > 1 and not rounded:
        centered = cleared(values - values.mean(axis=1, keepdims=True), largest)
        each = []
        for column in centered.T:
            se, df = student(pd.Series(column))
            each.append(float(2 * stats.t.sf(abs(column.mean()) / se, df)) if se > 0 else float(column.mean() == 0))
        p, test = union(each), "paired t of each stratum against the mean, Bonferroni"
    return Heterogeneity(p, n, order[0], order[-1], len(signs) == 1, test)
