"""Plots of estimates draw what they are given."""

import math
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from ablate.report.plots import BLUE, GRAY, PAGE_WIDTH, PAPER_WIDTH, Mark, close, forest, style, waterfall

MARKS = [
    Mark("up", 0.3, 0.1, 0.45, [0.2, 0.4], text="+0.3 [0.1, 0.45]"),
    Mark("down", -0.1, -0.3, 0.05, [-0.2, 0.0]),
    Mark("together", 0.2, 0.15, 0.27, [0.2, 0.2]),
]


def lines_of(axes: Any, color: str) -> list[list[float]]:
    """The horizontal lines of a color, from their left to their right ends."""
    lines = [line for line in axes.lines if to_hex(line.get_color()) == color]
    return [list(line.get_xdata()) for line in lines if len(line.get_xdata()) == 2 and len(set(line.get_ydata())) == 1]


def test_a_forest_has_the_whole_interval_the_estimate_and_every_seed() -> None:
    figure = forest([*MARKS, Mark("one seed", 0.1, math.nan, math.nan, [0.1])], "effect", percent=False)
    (axes,) = figure.axes
    assert lines_of(axes, BLUE) == [[0.1, 0.45], [0.15, 0.27]]  # these exclude zero
    assert lines_of(axes, GRAY) == [[-0.3, 0.05]]
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in diamonds] == [(0.3, 0), (-0.1, -1), (0.2, -2), (0.1, -3)]
    dots = [x for each in axes.collections for x in np.asarray(each.get_offsets())[:, 0].tolist()]
    assert dots == [*(value for mark in MARKS for value in mark.by_seed), 0.1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["up", "down", "together", "one seed"]
    assert "+0.3 [0.1, 0.45]" in [text.get_text() for text in axes.texts]
    close(figure)


@pytest.mark.parametrize(("scale", "label"), [(1e-6, "Δ loss × 10⁻⁷"), (1e6, "Δ loss × 10⁵"), (1.0, "Δ loss")])
def test_a_power_of_ten_is_in_the_label_and_not_printed_over_it(scale: float, label: str) -> None:
    marks = [Mark("up", 0.3 * scale, 0.1 * scale, 0.45 * scale, []), Mark("down", 0.1 * scale, 0.05 * scale, 0.2 * scale, [])]
    figure = forest(marks, "Δ loss", percent=False)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert axes.get_xlabel() == label
    assert axes.xaxis.get_offset_text().get_text() == ""
    ticks = {float(text.get_text().replace("−", "-")) for text in axes.get_xticklabels() if text.get_text()}
    assert {0.0} < ticks
    assert max(ticks) < 10
    close(figure)


def test_a_forest_can_be_drawn_into_axes_of_ones_own() -> None:
    figure, axes = plt.subplots()
    assert forest(MARKS, "effect", percent=True, ax=axes) is figure
    assert len(lines_of(axes, BLUE)) == 2
    close(figure)


def test_the_names_of_rows_take_two_lines_at_most() -> None:
    figure = forest([Mark("a very long name of many words, " * 8, 0.1, 0.0, 0.2)], "effect", percent=False)
    (label,) = figure.axes[0].get_yticklabels()
    assert label.get_text().count("\n") == 1
    assert "…" in label.get_text()
    close(figure)


def test_a_figure_for_a_paper_has_the_width_of_a_column_and_small_type() -> None:
    sizes = {}
    for paper in (False, True):
        with style(paper):
            figure = forest(MARKS, "effect", percent=False)
            sizes[paper] = (figure.get_size_inches()[0], figure.axes[0].get_yticklabels()[0].get_fontsize())
            close(figure)
    assert sizes == {False: (PAGE_WIDTH, pytest.approx(8.46)), True: (PAPER_WIDTH, pytest.approx(6.58))}


def test_each_bar_of_a_waterfall_begins_where_the_one_before_ends_and_the_last_at_zero() -> None:
    figure = waterfall(MARKS, "share", percent=False)
    (axes,) = figure.axes
    bars = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert np.allclose(bars, [(0, 0.3), (0.3, 0.2), (0, 0.2)])
    assert np.allclose(lines_of(axes, "#000000"), [(0.1, 0.45), (0.0, 0.35), (0.15, 0.27)])
    joined = [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == ":"]
    assert np.allclose(joined, [(0.3, 0.3), (0.2, 0.2)])
    close(figure)


def test_tick_labels_do_not_overlap_beside_long_names_and_numbers() -> None:
    marks = [
        Mark("backbone=a_long_name", 0.06, 0.01, 0.11, [0.0, 0.11], "+0.06000 [+0.01000, +0.11000]"),
        Mark("b", 0.0, -0.01, 0.01),
    ]
    with style(paper=True):
        figure = forest(marks, "x", percent=False)
        figure.canvas.draw()
        (axes,) = figure.axes
        shown = [each for each in axes.get_xticklabels() if axes.get_xlim()[0] <= each.get_position()[0] <= axes.get_xlim()[1]]
        boxes = [each.get_window_extent() for each in shown]
        close(figure)
    assert len(boxes) > 1
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
