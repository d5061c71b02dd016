"""Figures, made with seaborn. They compute nothing: what they draw is what they are given."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import pandas as pd

matplotlib.use("Agg")  # files, on machines without a screen
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

TITLES = {
    "test_accuracy": "standard protocol",
    "article_test_accuracy": "article's protocol",
    "flipped_test_accuracy": "standard, on flipped images",
    "batch_test_accuracy": "standard, with batch statistics",
}


def learning_curves(history: pd.DataFrame, columns: Sequence[str], labels: Sequence[str]) -> Figure:
    """One panel for each of `columns`; a line for each run, in the colour of its cell.

    `history` is long, with `directory` (the run), `label` (its cell) and `epoch`; `labels` gives the order of the cells.
    """
    long = history.melt(id_vars=["directory", "label", "epoch"], value_vars=list(columns), var_name="column")
    long["panel"] = long["column"].map(lambda name: TITLES.get(name, name))
    palette = sns.color_palette("colorblind" if len(labels) <= 10 else "husl", len(labels))
    single = bool((history.groupby("directory").size() == 1).all())
    with sns.axes_style("whitegrid"), sns.plotting_context("notebook"):
        grid = sns.relplot(
            long,
            kind="line",
            x="epoch",
            y="value",
            hue="label",
            hue_order=list(labels),
            style="label" if len(labels) <= 6 else None,  # dashes too, for print and for the colour-blind
            style_order=list(labels) if len(labels) <= 6 else None,
            palette=palette,
            units="directory",
            estimator=None,
            col="panel",
            col_order=list(dict.fromkeys(long["panel"])),
            marker="o" if single else None,
            linewidth=1.6,
            height=4,
            aspect=1.2,
            facet_kws={"sharey": all("accuracy" in column for column in columns)},
        )
        grid.set_titles("{col_name}")
        accuracy = all(column.endswith("accuracy") for column in columns)
        grid.set_axis_labels("epoch", "test accuracy" if accuracy else "")
        for axes in grid.axes.flat:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            if accuracy:
                axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        if grid.legend is not None:
            grid.legend.set_title("each line is one run")
    figure: Figure = grid.figure
    return figure


def close(figure: Figure) -> None:
    """Free the memory of a figure that has been written."""
    plt.close(figure)
