"""The seed-blocked model against statsmodels."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from ablate.stats.blocked_model import seed_blocked_model


def test_the_closed_form_is_the_least_squares_fit() -> None:
    values = pd.DataFrame(np.random.default_rng(0).normal([0.0, 1.0, 3.0], size=(4, 3)))
    found = seed_blocked_model(values)
    of_cells, of_seeds = np.tile(np.eye(3), (4, 1)), np.repeat(np.eye(4), 3, axis=0)[:, 1:]
    reference = OLS(values.to_numpy().ravel(), np.hstack([of_cells, of_seeds])).fit()
    assert (found.ssr, found.mse_resid, found.df_resid) == pytest.approx((reference.ssr, reference.mse_resid, 6))
    contrasts = np.array([[-1.0, 1.0, 0.0], [-0.5, -0.5, 1.0]])
    padded = np.hstack([contrasts, np.zeros((2, 3))])
    assert contrasts @ found.means == pytest.approx(padded @ reference.params)
    assert found.spread(contrasts) == pytest.approx(padded @ reference.normalized_cov_params @ padded.T)
