"""Mean learning curves."""

from typing import Any

import pandas as pd

from ablate.stats.curves import mean_curves
from ablate.storage.results import RUN_COLUMNS, StudyResults


def results(**columns: Any) -> StudyResults:
    runs = pd.DataFrame(columns).reindex(columns=list(RUN_COLUMNS))
    empty = pd.DataFrame(index=runs.index)
    return StudyResults(runs=runs, levels=empty, values=empty, factors={})


def test_a_mean_curve_is_of_the_runs_that_count_up_to_the_last_epoch_that_all_reached() -> None:
    """The third run of a diverged, the fourth was left out; of b, one run stopped an epoch early."""
    points = [("a", "a1", 1, 0.1), ("a", "a1", 2, 0.2), ("a", "a2", 1, 0.3), ("a", "a2", 2, 0.4), ("a", "a3", 1, 9.0),
              ("a", "a4", 1, 9.0), ("b", "b1", 1, 0.5), ("b", "b1", 2, 0.9), ("b", "b2", 1, 0.7)]  # fmt: skip
    history = pd.DataFrame(points, columns=["label", "directory", "epoch", "test_accuracy"])
    runs = results(
        directory=["a1", "a2", "a3", "a4", "b1", "b2"],
        left_out=[None, None, None, "r", None, None],
        status=["finished", "finished", "diverged", "finished", "finished", "finished"],
    )
    means = mean_curves(history, ["test_accuracy"], runs)
    assert means is not None
    found = means.set_index(["label", "epoch"])["test_accuracy"].round(9).to_dict()
    assert found == {("a", 1): 0.2, ("a", 2): 0.3, ("b", 1): 0.6}
    assert mean_curves(history[history["directory"].isin(["a1", "b1"])], ["test_accuracy"], runs) is None
