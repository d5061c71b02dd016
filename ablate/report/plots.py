"""Figures, made with seaborn. They compute nothing: what they draw is what they are given.

They are narrow, with names above the rows instead of beside them, so that a telephone shows them as well as paper does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import pandas as pd

matplotlib.use("Agg")  # files, on machines without a screen
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from ablate.report.formatting import TESTED

TITLES = {
    "test_accuracy": "standard protocol",
    **{f"{name}_test_accuracy": protocol.title for name, protocol in TESTED.items()},
}
WIDTH = 6.0  # inches
THICK = 2.0  # points
ONE_RUN = "each line is one run"
COLOURED = 10  # more cells than that cannot be told apart by their colours
DRAWN_ALONE = 300  # more lines than that are drawn as one picture
BLUE, GREEN, ORANGE, GREY = "#0173b2", "#029e73", "#d55e00", "#949494"  # of seaborn's palette for the colour-blind
NAMES_IN_JAPANESE = ("Noto Sans CJK JP", "IPAexGothic", "Hiragino Sans", "Yu Gothic")


@dataclass
class Mark:
    """A row of a forest plot or a waterfall: an estimate, its interval, and the value of each seed."""

    label: str
    estimate: float
    low: float
    high: float
    by_seed: Sequence[float] = field(default_factory=list)


@contextmanager
def style() -> Iterator[None]:
    """How every figure looks. Text in an SVG stays text; a `$` in a name is no formula."""
    there = {font.name for font in font_manager.fontManager.ttflist}
    fonts: dict[Any, Any] = {
        "font.family": ["DejaVu Sans", *(name for name in NAMES_IN_JAPANESE if name in there)],
        "svg.fonttype": "none",
        "svg.hashsalt": "ablate",
        "text.parse_math": False,
    }
    with sns.axes_style("whitegrid"), sns.plotting_context("notebook", font_scale=0.9), plt.rc_context(fonts):
        yield


def learning_curves(
    history: pd.DataFrame, columns: Sequence[str], labels: Sequence[str], means: pd.DataFrame | None = None
) -> Figure:
    """One panel for each of `columns`; a line for each run, in the colour of its cell, thin where there are `means` to draw.

    `history` is long, with `directory` (the run), `label` (its cell) and `epoch`; `means` has `label` and `epoch`, a row a
    point of a thick line; `labels` gives the order of the cells.
    """
    long = _by_panel(history, columns)
    single = bool((history.groupby("directory").size() == 1).all())
    dashed = len(labels) <= 6  # dashes too, for print and for the colour-blind
    cells: dict[str, Any] = {
        "x": "epoch", "y": "value",
        "hue": "label", "hue_order": list(labels), "palette": sns.color_palette("colorblind", len(labels)),
        "style": "label" if dashed else None, "style_order": list(labels) if dashed else None,
        "marker": "o" if single else None,
    }  # fmt: skip
    grid = sns.relplot(
        long,
        kind="line",
        **cells,
        units="directory",
        estimator=None,
        col="panel",
        col_order=list(dict.fromkeys(long["panel"])),
        col_wrap=1,
        linewidth=THICK if means is None else 0.7,
        alpha=1.0 if means is None else 0.5,
        height=WIDTH / 2,
        aspect=2,
        facet_kws={"sharey": all("accuracy" in column for column in columns), "legend_out": False},
    )
    grid.set_titles("{col_name}")
    for axes, column in zip(grid.axes.flat, columns, strict=True):
        if means is not None:
            line = {**cells, "y": column}
            sns.lineplot(means, **line, estimator=None, linewidth=THICK, legend=False, ax=axes)
        _name_axes(axes, columns)
    if grid.legend is not None:
        handles = [handle for handle in grid.legend.legend_handles if handle is not None]
        for handle in handles:
            handle.set(linewidth=THICK, alpha=1)
        grid.legend.remove()
        _legend(grid.figure, handles, labels, ONE_RUN if means is None else "thin: each line is one run; thick: their mean")
    figure: Figure = grid.figure
    return figure


def _title(column: str, columns: Sequence[str]) -> str:
    """Of one test accuracy alone nobody asks by which protocol."""
    return TITLES.get(column, column) if len(columns) > 1 else column.replace("_", " ")


def _by_panel(history: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    long = history.melt(id_vars=["directory", "label", "epoch"], value_vars=list(columns), var_name="column")
    return long.assign(panel=long["column"].map(lambda name: _title(name, columns)))


def many_learning_curves(history: pd.DataFrame, columns: Sequence[str], highlighted: Sequence[str]) -> Figure:
    """As `learning_curves`, all in grey but the runs of a few cells."""
    figure, panels = plt.subplots(
        len(columns), squeeze=False, sharex=True, figsize=(WIDTH, WIDTH / 2 * len(columns)), layout="constrained"
    )
    colours = dict(zip(highlighted, sns.color_palette("colorblind"), strict=False))
    handles = []
    for axes, column in zip(panels.flat, columns, strict=True):
        lines: dict[str, list[list[tuple[float, float]]]] = {label: [] for label in ("", *highlighted)}
        for (label, _), run in history[["label", "directory", "epoch", column]].groupby(["label", "directory"], sort=False):
            points = list(zip(run["epoch"].tolist(), run[column].tolist(), strict=True))
            lines[label if label in colours else ""].append(points)
        alone = sum(map(len, lines.values())) <= DRAWN_ALONE
        handles = [
            axes.add_collection(
                LineCollection(
                    found,
                    colors=[colours.get(label, GREY)],
                    linewidths=1.4 if label else 0.5,
                    alpha=None if label else 0.5,
                    rasterized=not label and not alone,
                )
            )
            for label, found in lines.items()
        ]
        axes.autoscale()
        axes.set_title(_title(column, columns))
        _name_axes(axes, columns)
    _legend(figure, handles, ["every other run", *highlighted], ONE_RUN)
    return figure


def forest(marks: Sequence[Mark], title: str, percent: bool) -> Figure:
    """Each estimate with its interval, its seeds as dots, and the line of no difference."""
    figure, axes = _rows(marks, title, percent)
    dots = pd.DataFrame(
        [(value, -at - 0.17) for at, mark in enumerate(marks) for value in mark.by_seed], columns=["value", "row"], dtype=float
    )
    sns.scatterplot(dots, x="value", y="row", color=GREY, s=16, alpha=0.8, linewidth=0, ax=axes, zorder=2)
    for at, mark in enumerate(marks):
        axes.plot([mark.low, mark.high], [-at, -at], color=BLUE, linewidth=2.2, solid_capstyle="butt", zorder=3)
        axes.plot([mark.estimate], [-at], "D", color=BLUE, markersize=6, zorder=4)
    axes.set(xlabel=title, ylabel="")
    return figure


def waterfall(marks: Sequence[Mark], title: str, percent: bool) -> Figure:
    """Each share beginning where the one before it ends; the last mark is the whole, from zero."""
    figure, axes = _rows(marks, title, percent)
    reached = 0.0
    for at, mark in enumerate(marks):
        whole = at == len(marks) - 1
        start = 0.0 if whole else reached
        colour = GREY if whole else GREEN if mark.estimate >= 0 else ORANGE
        axes.barh(-at, mark.estimate, left=start, height=0.34, color=colour, hatch="//" * (mark.estimate < 0), zorder=2)
        axes.plot([start + mark.low, start + mark.high], [-at, -at], color="black", linewidth=1.4, zorder=3)
        if not whole:
            reached = start + mark.estimate
            axes.plot([reached, reached], [-at, -at - 1], color="black", linewidth=0.7, linestyle=":", zorder=1)
    return figure


def cut(text: str, length: int) -> str:
    """Both ends of a long text."""
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 :]}"


def close(figure: Figure) -> None:
    """Free the memory of a figure that has been written."""
    plt.close(figure)


def _rows(marks: Sequence[Mark], title: str, percent: bool) -> tuple[Figure, Axes]:
    """Axes with a row for each mark, its label above it."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.48 * len(marks)), layout="constrained")
    axes.axvline(0, color="black", linewidth=0.9, zorder=1)
    for at, mark in enumerate(marks):
        axes.text(
            0.01, -at + 0.24, cut(mark.label, 68), fontsize="small", va="bottom",
            transform=axes.get_yaxis_transform(), zorder=5, bbox={"color": "white", "pad": 1},
        )  # fmt: skip
    axes.set(xlabel=title, yticks=[], ylim=(-len(marks) + 0.5, 0.85))
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.06)
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{100 * value if percent else value:+.4g}" if value else "0")
    )
    axes.xaxis.set_major_locator(MaxNLocator(7))
    return figure, axes


def _name_axes(axes: Axes, columns: Sequence[str]) -> None:
    accuracy = all(column.endswith("accuracy") for column in columns)
    axes.set(xlabel="epoch", ylabel="test accuracy" if accuracy else "")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if accuracy and axes.dataLim.ymax <= 1:  # else another program wrote them in per cent
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str], title: str) -> None:
    """Below the panels, a row a cell. matplotlib leaves out what begins with an underscore."""
    shown = [cut(label, 68) for label in labels]
    shown = [f" {label}" if label.startswith("_") else label for label in shown]
    figure.legend(
        list(handles), shown, loc="upper center", bbox_to_anchor=(0.5, 0.01), frameon=False, fontsize="small",
        title=title,
    )  # fmt: skip
