"""Three aligned frames, and what is read off them."""

from collections.abc import Sequence

import pandas as pd

from ablate.core.cells import Cell
from ablate.core.levels import Factor, Level
from ablate.storage.results import RUN_COLUMNS, StudyResults


def results(key: str, metric: str, levels: Sequence[object], left_out: Sequence[str | None]) -> StudyResults:
    """One run of each level under seed 0."""
    cells = [f"c{level}" for level in levels]
    runs = pd.DataFrame(
        {
            "cell": cells,
            "label": cells,
            "seed": 0,
            "status": "finished",
            "error": None,
            "directory": cells,
            "left_out": left_out,
        },
        columns=list(RUN_COLUMNS),
    )
    frame = pd.DataFrame({key: pd.Series([Level.of(level) for level in levels], dtype=object)})
    values = pd.DataFrame({metric: [float(at) for at in range(len(levels))]})
    return StudyResults(runs, frame, values, {key: Factor.of(key, levels)})


def test_runs_that_were_left_out_do_not_count() -> None:
    study = results("x", "y", [1, 2, 3], [None, "the disk", None])
    assert len(study) == 3
    assert len(study.counted) == 2
    assert study.counted.values["y"].tolist() == [0.0, 2.0]
    assert [level.value for level in study.counted.levels["x"]] == [1, 3]
    assert study.counted.factors is study.factors


def test_the_levels_of_each_cell_by_its_digest() -> None:
    assert results("x", "y", [1, None], [None, None]).cells() == {"c1": Cell.of({"x": 1}), "cNone": Cell.of({"x": None})}


def test_a_frame_has_plain_levels_and_prefixes_a_name_that_occurs_twice() -> None:
    frame = results("x", "y", [500, None, True, "a"], [None] * 4).to_frame()
    assert list(frame) == [*RUN_COLUMNS, "x", "y"]
    assert frame["x"].tolist() == [500, None, True, "a"]
    frame = results("cell", "cell", [1, 2], [None] * 2).to_frame()
    assert list(frame) == [*RUN_COLUMNS, "factor.cell", "metric.cell"]
    assert frame["factor.cell"].tolist() == [1, 2]
    frame = results("acc", "acc", [1, 2], [None] * 2).to_frame()
    assert list(frame) == [*RUN_COLUMNS, "acc", "metric.acc"]
    assert frame["metric.acc"].tolist() == [0.0, 1.0]
