"""Figures show every run, and draw what they are given."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.ticker import PercentFormatter

from ablate.report.curves import Curve, Curves
from ablate.report.plots import Mark, close, forest, learning_curves, many_learning_curves, waterfall


def test_every_run_is_a_line_with_its_own_numbers() -> None:
    history = pd.DataFrame(
        {"directory": run, "label": run[0], "epoch": epoch, "accuracy": 0.1 * index + epoch / 100, "loss": 0.5}
        for index, run in enumerate(["a1", "a2", "b1"])
        for epoch in (1, 2, 3)
    )
    means = pd.DataFrame({"label": ["a", "a"], "epoch": [1, 2], "accuracy": [0.3, 0.4], "loss": 0.5})
    shown = [Curve("accuracy", "one title", percent=True), Curve("loss", "one title")]
    figure = learning_curves(Curves(shown, history, ["a", "b"], means))
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["one title", "one title"]
    drawn = [line for line in first.lines if len(line.get_xdata())]
    expected = [*(offset + np.array([1, 2, 3]) / 100 for offset in (0, 0.1, 0.2)), np.array([0.3, 0.4])]
    assert len(drawn) == len(expected)
    assert all(np.allclose(line.get_ydata(), values) for line, values in zip(drawn, expected, strict=True))
    assert len({to_hex(line.get_color()) for line in drawn}) == 2
    assert min(line.get_linewidth() for line in drawn[3:]) > max(line.get_linewidth() for line in drawn[:3])
    assert len([line for line in second.lines if len(line.get_xdata())]) == 4
    assert [isinstance(axes.yaxis.get_major_formatter(), PercentFormatter) for axes in figure.axes] == [True, False]
    close(figure)


def test_a_run_of_one_epoch_is_a_point() -> None:
    history = pd.DataFrame({"directory": ["a"], "label": ["a"], "epoch": [1], "loss": [0.5]})
    figure = learning_curves(Curves([Curve("loss", "loss")], history, ["a"]))
    assert figure.axes[0].lines[0].get_marker() == "o"
    assert len([line for line in figure.axes[0].lines if len(line.get_xdata())]) == 1
    close(figure)


def test_in_a_crowd_only_the_highlighted_runs_have_a_color() -> None:
    history = pd.DataFrame(
        {"directory": list("aabbcc"), "label": list("aabbcc"), "epoch": [1, 2] * 3, "loss": np.arange(6) / 6}
    )
    figure = many_learning_curves(Curves([Curve("loss", "loss")], history, list("abc"), highlighted=["b"]))
    gray, colored = figure.axes[0].collections
    assert [len(lines.get_paths()) for lines in (gray, colored)] == [2, 1]
    assert [to_hex(lines.get_color()[0]) for lines in (gray, colored)] == ["#949494", "#0173b2"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["all other runs", "b"]
    close(figure)


MARKS = [
    Mark("up", 0.3, 0.1, 0.45, [0.2, 0.4]),
    Mark("down", -0.1, -0.3, 0.05, [-0.2, 0.0]),
    Mark("together", 0.2, 0.15, 0.27, [0.2, 0.2]),
]


def lines_of(axes: Any, color: str) -> list[list[float]]:
    """The horizontal lines of a color, from their left to their right ends."""
    lines = [line for line in axes.lines if to_hex(line.get_color()) == color]
    return [list(line.get_xdata()) for line in lines if len(line.get_xdata()) == 2 and len(set(line.get_ydata())) == 1]


def test_a_forest_has_the_whole_interval_the_estimate_and_every_seed() -> None:
    figure = forest(MARKS, "effect", percent=False)
    (axes,) = figure.axes
    assert lines_of(axes, "#0173b2") == [[mark.low, mark.high] for mark in MARKS]
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in diamonds] == [(0.3, 0), (-0.1, -1), (0.2, -2)]
    (dots,) = axes.collections
    assert np.asarray(dots.get_offsets())[:, 0].tolist() == [value for mark in MARKS for value in mark.by_seed]
    close(figure)


def test_each_bar_of_a_waterfall_begins_where_the_one_before_ends_and_the_last_at_zero() -> None:
    figure = waterfall(MARKS, "share", percent=False)
    (axes,) = figure.axes
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert np.allclose(bars, [(0, 0.3), (0.3, 0.2), (0, 0.2)])
    assert np.allclose(lines_of(axes, "#000000"), [(0.1, 0.45), (0.0, 0.35), (0.15, 0.27)])
    joined = [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == ":"]
    assert np.allclose(joined, [(0.3, 0.3), (0.2, 0.2)])
    close(figure)
