"""The pooled error of a factorial, against statsmodels."""

import pandas as pd
import pytest
import statsmodels.formula.api as smf

from ablate.core.claims import Change
from ablate.stats.contrasts import contrast, interaction
from ablate.stats.estimates import Estimate
from benchmarks.pooled import with_pooled_error
from tests.stats.conftest import noise, outcomes, study

STEM, DROPOUT = Change.of("stem", "pyramid", "direct"), Change.of("dropout", True, False)


def test_the_pooled_error_is_that_of_the_seed_blocked_model() -> None:
    """The factorial model with seeds as blocks, in treatment-free coding, by statsmodels' formulas."""
    frame = study({"stem": ["pyramid", "direct"], "dropout": [True, False]}, noise(1.0), seeds=5)
    data = pd.DataFrame({"y": frame["accuracy"], "seed": frame["seed"]})
    data["a"] = [0.5 if level == "direct" else -0.5 for level in frame["stem"]]
    data["b"] = [0.5 if level is False else -0.5 for level in frame["dropout"]]
    model = smf.ols("y ~ a * b + C(seed)", data).fit()
    runs = outcomes(frame, "accuracy")
    found: dict[str, Estimate] = {
        "a": contrast(runs, STEM), "b": contrast(runs, DROPOUT), "a:b": interaction(runs, STEM, DROPOUT)
    }  # fmt: skip
    for term, estimate in found.items():
        pooled = with_pooled_error(runs, estimate)
        assert pooled.estimate == pytest.approx(model.params[term])
        assert pooled.se == pytest.approx(model.bse[term])
        assert pooled.df == model.df_resid == 4 * 3
        assert pooled.interval() == pytest.approx(tuple(model.conf_int().loc[term]))
        assert estimate.df == 4
