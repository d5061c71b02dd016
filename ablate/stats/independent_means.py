"""Contrasts of means of which no seed has all: Welch's t, with the covariance of cells that share seeds.

Runs of one seed are correlated, whatever cells they are in. The variance of a contrast is therefore summed up seed by seed:
that of the sum over seeds s of u_s, u_s = sum over the cells c of s of w_c r_cs / sqrt(n_c (n_c - 1)), r_cs being the
residual from the mean of the cell and n_c its runs. Where no two cells share a seed, that is sum(w_c^2 s_c^2 / n_c), the
variance of Welch (1947).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ablate.stats.estimates import satterthwaite


def contrast_of_means(cells: Sequence[pd.Series], weights: ArrayLike) -> tuple[float, float, float]:
    """The weighted sum of the means of some cells, its standard error (NaN if a cell has one run), and the degrees of freedom.

    Cells that share seeds, directly or by way of others, are one group: a single estimate with the degrees of freedom of its
    smallest cell. Satterthwaite's formula joins the groups. Two arms whose cells have all the same seeds are thus Welch's t of
    the averages of each seed.

    Args:
        cells: the runs of each cell by seed, one or more.
        weights: of the cells.
    """
    weight, count = np.asarray(weights, float), np.array([len(each) for each in cells])
    estimate = float((weight * [each.mean() for each in cells]).sum())
    if count.min() < 2:
        return estimate, np.nan, 0.0
    cell = np.repeat(np.arange(len(cells)), count)
    seed, seeds = pd.factorize(np.concatenate([each.index.to_numpy(object) for each in cells]))
    residual = np.concatenate([(each - each.mean()).to_numpy() for each in cells])
    by_seed = np.bincount(seed, (weight / np.sqrt(count * (count - 1.0)))[cell] * residual)
    size = len(cells) + len(seeds)  # cells and seeds are the nodes of a graph, and runs its edges
    graph = coo_array((np.ones(len(cell)), (cell, len(cells) + seed)), shape=(size, size))
    groups, group = connected_components(graph, directed=False)
    variances = np.bincount(group[len(cells) :], by_seed**2, minlength=groups)
    df = np.full(groups, np.inf)
    np.minimum.at(df, group[: len(cells)], count - 1.0)
    return estimate, float(np.sqrt(variances.sum())), satterthwaite(variances, df)
