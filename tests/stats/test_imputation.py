"""Values of lost runs: every pattern of ends, and the bad end of a percentage."""

import math

import pandas as pd
import pytest

from ablate.core.metrics import MetricSpec
from ablate.stats.imputation import imputed, value_of_lost
from tests.stats.conftest import outcomes, study


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (MetricSpec("accuracy", unit="%", better="higher"), 0.0),
        (MetricSpec("error", unit="%", better="lower"), 1.0),
        (MetricSpec("accuracy", unit="%", better="higher", chance=0.1), 0.1),
        (MetricSpec("accuracy", unit="%"), math.nan),
        (MetricSpec("loss", better="lower"), math.nan),
        (MetricSpec("one - other", unit="%", better="higher"), math.nan),
    ],
)
def test_a_lost_run_is_at_chance_or_at_the_bad_end_of_a_percentage(spec: MetricSpec, value: float) -> None:
    assert value_of_lost(spec, pd.DataFrame({0: [0.2, 1.0]})) == pytest.approx(value, nan_ok=True)


def test_one_percent_is_not_the_bad_end_of_percentages_that_are_no_fractions() -> None:
    assert math.isnan(value_of_lost(MetricSpec("error", unit="%", better="lower"), pd.DataFrame({0: [20.0, 0.5]})))


def test_each_arm_with_losses_is_at_either_end() -> None:
    """Values 1 to 6 and chance at 0.5: arms a and b are at 0.5 or 6 in all four ways, and c, which lost none, stays."""
    rows = study({"arm": ["a", "b", "c"]}, lambda levels, seed: 1.0 + seed + 3 * (levels["arm"] == "c"), seeds=3)
    rows.loc[rows["seed"].eq(1) & rows["arm"].ne("c"), "status"] = "diverged"
    runs = outcomes(rows)
    seen = [tuple(version.outcomes.loc[1]) for version in imputed(runs, [0, 1, 2], [[0], [1], [2]], 0.5)]
    assert seen == [(0.5, 0.5, 5.0), (0.5, 6.0, 5.0), (6.0, 0.5, 5.0), (6.0, 6.0, 5.0)]
