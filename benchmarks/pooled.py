"""Contrasts with the pooled error variance of a factorial: why the product gives each contrast the error of its own seeds."""

import math
from dataclasses import replace

import numpy as np

from ablate.stats.blocked_model import seed_blocked_model
from ablate.stats.contrasts import weights
from ablate.stats.estimates import Estimate, weighed_sum
from ablate.stats.outcomes import Outcomes


def with_pooled_error(outcomes: Outcomes, found: Estimate) -> Estimate:
    """A contrast or an interaction with the residual variance of the seed-blocked model of all selected cells.

    In y(cell, seed) = cell + seed + error, fitted to the seeds that are complete in all cells, the contrast sum(w y)
    has the variance s2 sum(w^2) / n, s2 being the mean square of the residual, df = (n - 1)(cells - 1) (Montgomery,
    Design and Analysis of Experiments, 4.1). It presumes equal variances and equal correlations between cells.
    """
    columns = outcomes.columns(found.where)
    values = outcomes.complete(columns)
    weight = weights(outcomes, found.changes, found.where).by_column[columns]
    by_seed = weighed_sum(values, weight)
    if len(values) < 2:
        return replace(found, by_seed=by_seed, se=np.nan, df=0.0)
    model = seed_blocked_model(values)
    se = math.sqrt(model.mse_resid * float(model.spread(weight.to_numpy()[None, :])[0, 0]))
    return replace(found, by_seed=by_seed, se=se, df=float(model.df_resid))
