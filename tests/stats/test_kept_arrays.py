"""Summaries of kept arrays: means by hand."""

import numpy as np
import pandas as pd
import pytest

from ablate.core.descriptions import Column, ExtraTable
from ablate.stats.kept_arrays import summarize_arrays
from tests.stats.conftest import results_of

TABLE = ExtraTable(
    name="layers",
    title="Layers",
    source="layers",
    by="layer",
    by_title="layer",
    columns=(Column("ratio", "ratio", mean="geometric"), Column("offset", "offset")),
)


def frame(**columns: list) -> pd.DataFrame:
    """Three runs of one cell, and one of another."""
    rows = {
        "cell": ["a", "a", "a", "b"], "label": ["x", "x", "x", "y"], "directory": ["0", "1", "2", "3"],
        "seed": [0, 1, 2, 0], "status": ["finished"] * 4, "left_out": [None] * 4,
    }  # fmt: skip
    return pd.DataFrame(rows | columns)


def of(ratios: list[float], offsets: list[float]) -> dict[str, np.ndarray]:
    layers = [f"norm{at}" for at in range(len(ratios))]
    return {"layer": np.array(layers), "ratio": np.array(ratios), "offset": np.array(offsets)}


KEPT = {"0": of([0.5, 1.0], [0.1, 0.0]), "1": of([2.0, 1.0], [0.3, 0.6]), "2": of([8.0, 1.0], [0.2, 0.0])}


def test_each_layer_has_the_geometric_mean_of_its_ratios_and_the_mean_of_its_offsets() -> None:
    found = summarize_arrays(TABLE, results_of(frame()), KEPT).set_index("layer")
    assert found["n"].tolist() == [3, 3]
    assert found["ratio"].tolist() == pytest.approx([2.0, 1.0])  # the cube root of 0.5 * 2 * 8
    assert found["offset"].tolist() == pytest.approx([0.2, 0.2])
    first = found.loc["norm0"]
    assert (first["ratio_low"], first["ratio_high"]) == (0.5, 8.0)
    assert (first["offset_low"], first["offset_high"]) == (0.1, 0.3)


def test_only_runs_that_count_and_kept_it_are_in_it() -> None:
    diverged = frame(status=["finished", "diverged", "finished", "finished"], left_out=[None, None, "the disk failed", None])
    assert summarize_arrays(TABLE, results_of(diverged), KEPT)["ratio"].tolist() == [0.5, 1.0]
    foreign = {
        "0": {"layer": np.array(["a"]), "ratio": np.ones(2), "offset": np.ones(1)},
        "3": {"other": np.ones(1)},
    }
    empty = summarize_arrays(TABLE, results_of(frame()), foreign)
    assert empty.empty
    columns = ["cell", "label", "layer", "n", "ratio", "ratio_low", "ratio_high", "offset", "offset_low", "offset_high"]
    assert list(empty.columns) == columns


def test_cells_stand_in_the_order_of_the_runs() -> None:
    found = summarize_arrays(TABLE, results_of(frame()), {"3": of([1.0], [0.0]), **KEPT})
    assert found["label"].tolist() == ["x", "x", "y"]
    assert found["n"].tolist() == [3, 3, 1]
