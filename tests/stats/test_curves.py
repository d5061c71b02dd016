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
    """The fourth run of a diverged, the fifth was left out; of b, one run stopped an epoch early; c has two runs only."""
    points = [
        *(("a", f"a{run}", epoch, 0.1 * run + 0.2 * epoch) for run in (1, 2, 3) for epoch in (1, 2)),
        ("a", "a4", 1, 9.0), ("a", "a5", 1, 9.0),
        ("b", "b1", 1, 0.5), ("b", "b1", 2, 0.9), ("b", "b2", 1, 0.7), ("b", "b3", 1, 0.9), ("b", "b3", 2, 0.9),
        ("c", "c1", 1, 0.5), ("c", "c2", 1, 0.5),
    ]  # fmt: skip
    history = pd.DataFrame(points, columns=["label", "directory", "epoch", "test_accuracy"])
    names = ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3", "c1", "c2"]
    runs = results(
        directory=names,
        left_out=["r" if name == "a5" else None for name in names],
        status=["diverged" if name == "a4" else "finished" for name in names],
    )
    found = mean_curves(history, ["test_accuracy"], runs)
    mean, sd = (frame.set_index(["label", "epoch"])["test_accuracy"].round(9).to_dict() for frame in (found.mean, found.sd))
    assert mean == {("a", 1): 0.4, ("a", 2): 0.6, ("b", 1): 0.7}
    assert sd == {("a", 1): 0.1, ("a", 2): 0.1, ("b", 1): 0.2}
    assert found.labels == {"a", "b"}


def test_without_enough_runs_there_is_no_mean_curve() -> None:
    history = pd.DataFrame({"label": ["a"], "directory": ["a1"], "epoch": [1], "test_accuracy": [0.5]})
    found = mean_curves(history, ["test_accuracy"], results(directory=["a1"], left_out=[None], status=["finished"]))
    assert (len(found.mean), len(found.sd), found.labels) == (0, 0, set())
