"""What BN meets: means by hand."""

import numpy as np
import pandas as pd
import pytest

from ablate.stats.shifts import COLUMNS, shifts_table


def frame(**columns: list) -> pd.DataFrame:
    """Three runs of one cell, and one of another."""
    runs = {
        "cell": ["a", "a", "a", "b"], "label": ["x", "x", "x", "y"], "directory": ["0", "1", "2", "3"],
        "status": ["finished"] * 4, "left_out": [None] * 4,
    }  # fmt: skip
    return pd.DataFrame(runs | columns)


def of(ratios: list[float], offsets: list[float]) -> dict[str, np.ndarray]:
    places = [f"norm{at}" for at in range(len(ratios))]
    return {"place": np.array(places), "variance_ratio": np.array(ratios), "mean_offset": np.array(offsets)}


KEPT = {"0": of([0.5, 1.0], [0.1, 0.0]), "1": of([2.0, 1.0], [0.3, 0.6]), "2": of([8.0, 1.0], [0.2, 0.0])}


def test_each_place_has_the_geometric_mean_of_its_ratios_and_the_mean_of_its_offsets() -> None:
    found = shifts_table(frame(), KEPT).set_index("place")
    assert found["n"].tolist() == [3, 3]
    assert found["variance_ratio"].tolist() == pytest.approx([2.0, 1.0])  # the cube root of 0.5 * 2 * 8
    assert found["mean_offset"].tolist() == pytest.approx([0.2, 0.2])
    first = found.loc["norm0"]
    assert (first["variance_ratio_low"], first["variance_ratio_high"]) == (0.5, 8.0)
    assert (first["mean_offset_low"], first["mean_offset_high"]) == (0.1, 0.3)


def test_only_runs_that_count_and_kept_it_are_in_it() -> None:
    diverged = frame(status=["finished", "diverged", "finished", "finished"], left_out=[None, None, "the disk failed", None])
    assert shifts_table(diverged, KEPT)["variance_ratio"].tolist() == [0.5, 1.0]
    foreign = {
        "0": {"place": np.array(["a"]), "variance_ratio": np.ones(2), "mean_offset": np.ones(1)},
        "3": {"other": np.ones(1)},
    }
    empty = shifts_table(frame(), foreign)
    assert empty.empty
    assert list(empty.columns) == COLUMNS


def test_cells_stand_in_the_order_of_the_runs() -> None:
    found = shifts_table(frame(), {"3": of([1.0], [0.0]), **KEPT})
    assert found["label"].tolist() == ["x", "x", "y"]
    assert found["n"].tolist() == [3, 3, 1]
