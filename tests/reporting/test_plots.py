"""Figures show every run, and compute nothing."""

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from ablate.reporting.plots import close, learning_curves


def test_every_run_is_a_line_with_its_own_numbers() -> None:
    history = pd.DataFrame(
        {
            "directory": run,
            "label": run[0],
            "epoch": epoch,
            "test_accuracy": 0.1 * index + epoch / 100,
            "article_test_accuracy": 0.5,
        }
        for index, run in enumerate(["a1", "a2", "b1"])
        for epoch in (1, 2, 3)
    )
    figure = learning_curves(history, ["test_accuracy", "article_test_accuracy"], ["a", "b"])
    standard, article = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["standard protocol", "article's protocol"]
    drawn = [line for line in standard.lines if len(line.get_xdata())]
    assert len(drawn) == 3
    expected = [0.1 * index + np.array([1, 2, 3]) / 100 for index in range(3)]
    assert all(np.allclose(line.get_ydata(), values) for line, values in zip(drawn, expected, strict=True))
    assert len({to_hex(line.get_color()) for line in drawn}) == 2
    assert len([line for line in article.lines if len(line.get_xdata())]) == 3
    close(figure)


def test_a_run_of_one_epoch_is_a_point() -> None:
    history = pd.DataFrame({"directory": ["a"], "label": ["a"], "epoch": [1], "loss": [0.5]})
    figure = learning_curves(history, ["loss"], ["a"])
    assert figure.axes[0].lines[0].get_marker() == "o"
    close(figure)
