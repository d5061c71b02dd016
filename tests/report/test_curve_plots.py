"""Plots of learning curves draw every run, or means with their standard deviation."""

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from ablate.report.curve_plots import PALETTE, learning_curves, small_multiples
from ablate.report.curves import Curve, Curves
from ablate.report.plots import DARK_GRAY, close
from ablate.stats.curves import MeanCurves

NONE = MeanCurves(*(pd.DataFrame({"label": [], "epoch": [], "accuracy": [], "loss": []}) for _ in range(2)))


def history_of(runs: list[str]) -> pd.DataFrame:
    """Runs named by their configuration and a number; the k-th has the accuracy 0.1 k + epoch / 100."""
    return pd.DataFrame(
        {"directory": run, "label": run[0], "epoch": epoch, "accuracy": 0.1 * at + epoch / 100, "loss": 0.5}
        for at, run in enumerate(runs)
        for epoch in (1, 2, 3)
    )


def test_every_run_is_a_line_with_its_own_numbers() -> None:
    shown = [Curve("accuracy", "one title", percent=True), Curve("loss", "another")]
    figure = learning_curves(Curves(shown, history_of(["a1", "a2", "b1"]), ["a", "b"], NONE, ["a", "b"]))
    first, second = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["one title", "another"]
    expected = [offset + np.array([1, 2, 3]) / 100 for offset in (0, 0.1, 0.2)]
    assert all(np.allclose(line.get_ydata(), values) for line, values in zip(first.lines, expected, strict=True))
    assert [to_hex(line.get_color()) for line in first.lines] == [DARK_GRAY, DARK_GRAY, PALETTE[0]]
    assert [text.get_text() for text in first.texts] == ["b", "a"] or [text.get_text() for text in first.texts] == ["a", "b"]
    figure.canvas.draw()
    assert [axes.get_ylabel() for axes in (first, second)] == ["%", ""]
    close(figure)


def test_several_runs_are_a_mean_and_a_band_of_one_standard_deviation() -> None:
    mean = pd.DataFrame({"label": "a", "epoch": [1, 2], "accuracy": [0.3, 0.4]})
    sd = pd.DataFrame({"label": "a", "epoch": [1, 2], "accuracy": [0.01, 0.02]})
    figure = learning_curves(
        Curves([Curve("accuracy", "t")], history_of(["a1", "a2", "a3"]), ["a"], MeanCurves(mean, sd), ["a"])
    )
    (axes,) = figure.axes
    (line,), (band,) = axes.lines, axes.collections
    assert line.get_ydata().tolist() == [0.3, 0.4]
    edges = band.get_paths()[0].vertices
    assert np.allclose([edges[:, 1].min(), edges[:, 1].max()], [0.29, 0.42])
    close(figure)


def test_a_run_of_one_epoch_is_a_point() -> None:
    history = pd.DataFrame({"directory": ["a"], "label": ["a"], "epoch": [1], "loss": [0.5]})
    figure = learning_curves(Curves([Curve("loss", "loss")], history, ["a"], NONE, ["a"]))
    assert [line.get_marker() for line in figure.axes[0].lines] == ["o"]
    close(figure)


def test_configurations_without_a_line_of_their_own_are_thin_and_gray() -> None:
    curves = Curves([Curve("loss", "loss")], history_of(["a1", "b1", "c1", "c2"]), list("abc"), NONE, ["a", "b"])
    figure = learning_curves(curves)
    (rest,) = figure.axes[0].collections
    assert len(rest.get_paths()) == 2
    assert [text.get_text() for text in figure.axes[0].texts] == ["a", "b"]
    close(figure)


def test_names_beside_lines_do_not_overlap() -> None:
    history = history_of(["a1"]).assign(accuracy=0.5)
    history = pd.concat([history.assign(label=name, directory=name) for name in "abcdefg"])
    figure = learning_curves(Curves([Curve("accuracy", "t")], history, list("abcdefg"), NONE, list("abcdefg")))
    figure.canvas.draw()
    boxes = sorted((text.get_window_extent().y0, text.get_window_extent().y1) for text in figure.axes[0].texts)
    assert len(boxes) == 7
    assert all(below[1] <= above[0] + 2 for below, above in pairwise(boxes))
    close(figure)


def test_small_multiples_have_a_panel_for_each_configuration_after_the_baseline() -> None:
    curves = Curves([Curve("accuracy", "t")], history_of(["a1", "b1", "c1"]), list("abc"), NONE, ["a", "b"])
    figure = small_multiples(curves)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == ["b", "c"]
    assert all(len(axes.lines) == 2 for axes in shown)
    close(figure)
