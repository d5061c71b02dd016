"""Plots of factors draw what the statistics found."""

import numpy as np
import pandas as pd
import pytest

from ablate.core.metrics import MetricSpec
from ablate.report.factor_plots import importance, interaction, parallel
from ablate.report.plots import close, style
from ablate.stats.marginal_means import InteractionMeans

TERMS = {"model.a": 0.5, "b": 0.2, "c": -0.1, "model.a × b": 0.1, "model.a × c": 0.02, "b × c": 0.0}
ANOVA = pd.DataFrame({"term": list(TERMS), "order": [1, 1, 1, 2, 2, 2], "omega_squared": list(TERMS.values())})


def test_factors_are_bars_in_the_order_of_their_importance_and_pairs_a_heat_map() -> None:
    figure = importance(ANOVA)
    bars, heat_map = figure.axes
    assert [label.get_text() for label in bars.get_yticklabels()] == ["a", "b", "c"]
    assert [bar.get_width() for bar in bars.patches] == [0.5, 0.2, 0.0]  # a negative value is noise
    assert [text.get_text() for text in heat_map.texts] == ["0.10", "0.02", "0.00"]
    close(figure)


def test_without_an_interaction_there_is_no_heat_map() -> None:
    figure = importance(ANOVA[ANOVA["order"] == 1])
    assert len(figure.axes) == 1
    close(figure)


def test_an_interaction_has_a_line_for_each_level_with_its_intervals() -> None:
    means = pd.DataFrame(
        [("x", "l", 5, 0.1, 0.0, 0.2), ("y", "l", 5, 0.3, 0.2, 0.4), ("x", "m", 5, 0.5, 0.4, 0.6)],
        columns=["x", "line", "n", "mean", "low", "high"],
    )
    figure = interaction([InteractionMeans("stem", "norm", means, balanced=True)], "accuracy (%)", percent=True)
    (axes,) = figure.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0.1, 0.3], [0.5]]
    ends = [segment[:, 1].tolist() for each in axes.collections for segment in each.get_segments()]
    assert ends == [[0.0, 0.2], [0.2, 0.4], [0.4, 0.6]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("stem", "accuracy (%)")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["l", "m"]
    close(figure)


def test_parallel_coordinates_have_a_line_through_the_levels_of_each_configuration() -> None:
    rows = pd.DataFrame({"a": ["x", "y"], "b": ["1", "3"], "value": [0.2, 0.6]})
    figure = parallel({"a": ["x", "y"], "b": ["1", "2", "3"]}, rows, MetricSpec("accuracy", unit="%", digits=1))
    (lines,) = figure.axes[0].collections
    assert [path[:, 1].tolist() for path in map(np.asarray, lines.get_segments())] == [[0, 0, 0], [1, 1, 1]]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["x", "y", "1", "2", "3", "20.0", "40.0", "60.0"]
    close(figure)


@pytest.mark.parametrize("value", [0.5, 0.0])
def test_parallel_coordinates_of_equal_values_can_be_drawn(value: float) -> None:
    figure = parallel({"a": ["x"]}, pd.DataFrame({"a": ["x", "x"], "value": [value, value]}), MetricSpec("accuracy"))
    close(figure)


@pytest.mark.parametrize("count", [4, 8, 14])
def test_levels_in_parallel_coordinates_end_before_the_next_axis(count: int) -> None:
    factors = {f"factor{at}": ["randaugment_m9_mstd0.5", "cosine_with_warmup"] for at in range(count)}
    rows = pd.DataFrame({**factors, "value": [0.2, 0.6]})
    with style():
        figure = parallel(factors, rows, MetricSpec("accuracy"))
        figure.canvas.draw()
        (axes,) = figure.axes
        for text in axes.texts[: 2 * count]:
            end = axes.transData.inverted().transform(text.get_window_extent().get_points())[1][0]
            assert end < text.get_position()[0] + 1
            assert len(text.get_text()) > 2
    close(figure)
