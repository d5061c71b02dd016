"""The seed-blocked model of a study in closed form, of which every seed has a value in every cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class SeedBlockedModel:
    """The least-squares fit of y(cell, seed) = cell + seed + error to seeds that are complete in all cells.

    Attributes:
        means: of the cells.
        n: the seeds.
        ssr: the sum of squares of the residual.
        df_resid: its degrees of freedom, (n - 1)(cells - 1).
    """

    means: NDArray[np.float64]
    n: int
    ssr: float
    df_resid: int

    @property
    def mse_resid(self) -> float:
        """The mean square of the residual."""
        return self.ssr / self.df_resid

    def spread(self, contrasts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The covariance of contrasts (contrasts, cells), in units of the residual variance: W W' / n."""
        return contrasts @ contrasts.T / self.n


def seed_blocked_model(values: pd.DataFrame) -> SeedBlockedModel:
    """Fit y(cell, seed) = cell + seed + error to values (complete seeds, cells).

    As every seed is complete, the fit is cell mean + seed mean - grand mean (Montgomery, Design and Analysis of Experiments,
    4.1): no matrix of cells and seeds is needed.
    """
    y = values.to_numpy(float)
    n, cells = y.shape
    residual = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    return SeedBlockedModel(y.mean(axis=0), n, float((residual**2).sum()), (n - 1) * (cells - 1))
