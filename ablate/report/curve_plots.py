"""Plots of learning curves: mean and standard deviation over runs, with a name at the end of each line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import MaxNLocator

from ablate.report.curves import Curve, Curves
from ablate.report.plots import DARK_GRAY, GRAY, characters, figure_of, new_axes, percent_axis, small_font
from ablate.report.row_names import in_room

PALETTE = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#56b4e9")  # color-blind safe; the baseline is gray
NAME = 0.36  # share of the width for the names beside the lines
LINE = 0.16  # inches of height for each line of such a name
THIN = 300  # thin lines in a panel; of more runs, evenly chosen ones are drawn
RASTERIZED = 100  # more lines become one image in the SVG
COLUMNS = 3  # panels beside each other
TITLE_LINES = 4  # of the name above one of them


def learning_curves(curves: Curves, axes: Sequence[Axes] | None = None, palette: Sequence[str] = PALETTE) -> Figure:
    """Plot a panel for each curve, with the configurations in `curves.lines`; thin gray lines for runs of the others.

    A configuration with several finished runs has its mean as a line and the standard deviation as a band; otherwise it has a
    line for each run. The baseline is dark gray.

    Args:
        curves: the data.
        axes: a panel for each curve; by default those of a new figure.
        palette: the colors of the configurations after the baseline.
    """
    if axes is None:
        lines = sum(1 + name.count("\n") for name in _names(curves.lines).values())
        height = max(2.7 if len(curves.shown) < 3 else 2.1, 0.5 + LINE * lines)
        _, grid = new_axes(height * len(curves.shown), len(curves.shown), sharex=True)
        axes = [row[0] for row in grid]
    colors = _colors(curves.lines, palette)
    for panel, curve in zip(axes, curves.shown, strict=True):
        _draw_others(panel, curves, curve)
        ends = {name: _draw(panel, curves, curve, curves.label(name, curve), color) for name, color in colors.items()}
        _format(panel, curve)
        panel.set_title(f"{curve.title}, {curve.block}" if curve.block else curve.title, loc="left")
        _name_lines(panel, {label: end for label, end in ends.items() if math.isfinite(end)}, colors)
    axes[-1].set_xlabel("epoch")
    return figure_of(axes[0])


def small_multiples(curves: Curves) -> Figure:
    """Plot the first curve of every configuration in a panel of its own, with its baseline in gray."""
    curve, others = curves.shown[0], curves.references
    rows, size = -(-len(others) // COLUMNS), small_font() - 1
    names = dict(zip(others, in_room(list(others), characters(0.8 / COLUMNS, size), TITLE_LINES), strict=True))
    lines = 1 + max(name.count("\n") for name in names.values())
    figure, grid = new_axes(0.6 + (1.2 + 0.12 * lines) * rows, rows, COLUMNS, sharex=True, sharey=True)
    for panel in grid.flat[len(others) :]:
        panel.set_visible(False)
    for panel, (label, first) in zip(grid.flat, others.items(), strict=False):
        _draw(panel, curves, curve, first, GRAY)
        _draw(panel, curves, curve, label, PALETTE[0])
        _format(panel, curve)
        panel.set_ylabel("")
        panel.set_title(names[label], loc="left", fontsize=size)
    figure.supxlabel("epoch", fontsize=plt.rcParams["font.size"])
    figure.supylabel(curve.title + (" (%)" if curve.percent else ""), fontsize=plt.rcParams["font.size"])
    return figure


def _colors(labels: Sequence[str], palette: Sequence[str]) -> dict[str, str]:
    if len(labels) == 1:
        return {labels[0]: palette[0]}
    return {label: DARK_GRAY if at == 0 else palette[(at - 1) % len(palette)] for at, label in enumerate(labels)}


def _draw(axes: Axes, curves: Curves, curve: Curve, label: str, color: str) -> float:
    """Draw one configuration and return the height at which its line ends."""
    if label in curves.means.labels:
        mean, sd = (_line(frame, label, curve.column) for frame in (curves.means.mean, curves.means.sd))
        axes.fill_between(mean.index, mean - sd, mean + sd, color=color, alpha=0.15, linewidth=0)
        axes.plot(mean.index, mean, color=color)
        return float(mean.iloc[-1]) if len(mean) else math.nan
    ends = []
    runs = curves.history[curves.history["label"] == label]
    for _, run in runs.groupby("directory", sort=False):
        line = run.set_index("epoch")[curve.column].dropna()
        axes.plot(line.index, line, color=color, marker="o" if len(line) == 1 else None, markersize=4)
        ends += [float(line.iloc[-1])] if len(line) else []
    return float(np.mean(ends)) if ends else math.nan


def _line(frame: pd.DataFrame, label: str, column: str) -> pd.Series[float]:
    return frame[frame["label"] == label].set_index("epoch")[column]


def _draw_others(axes: Axes, curves: Curves, curve: Curve) -> None:
    """Draw a thin line for each run of the configurations that have no line of their own, or for `THIN` of these runs."""
    rest = curves.rest(curve)
    if rest.empty:
        return
    runs = rest["directory"].unique()
    chosen = runs[[at * len(runs) // THIN for at in range(THIN)]] if len(runs) > THIN else runs
    lines = [
        run[["epoch", curve.column]].to_numpy(float)
        for _, run in rest[rest["directory"].isin(chosen)].groupby("directory", sort=False)
    ]
    axes.add_collection(LineCollection(lines, colors=[GRAY], linewidths=0.4, alpha=0.35, rasterized=len(lines) > RASTERIZED))
    axes.autoscale()


def _format(axes: Axes, curve: Curve) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if curve.percent:
        percent_axis(axes.yaxis)
        axes.set_ylabel("%")
    sns.despine(ax=axes)


def _names(labels: Sequence[str]) -> dict[str, str]:
    """The names beside the lines, as far as there is room."""
    return dict(zip(labels, in_room(labels, characters(NAME)), strict=True))


def _name_lines(axes: Axes, ends: Mapping[str, float], colors: Mapping[str, str]) -> None:
    """Write the name of each line at its end, moving names apart that would overlap."""
    if not any(ends):  # a single configuration without factors needs no name
        return
    low, high = axes.get_ylim()
    figure = figure_of(axes)
    height = figure.get_size_inches()[1] / max(len(figure.axes), 1) * 72 * 0.75  # points that a panel is high, roughly
    gap = 1.15 * small_font() / height * (high - low)
    texts = _names(list(ends))
    placed: dict[str, float] = {}
    top = -math.inf
    for label, end in sorted(ends.items(), key=lambda each: each[1]):
        half = gap * (texts[label].count("\n") + 1) / 2
        placed[label] = max(end, top + half)
        top = placed[label] + half
    shift = max(0.0, max(placed.values()) - high)
    across = axes.get_yaxis_transform()
    for label, y in placed.items():
        color = colors[label]
        ends_of_leader = (0.97, ends[label]), (1.05, y - shift)
        leader = ConnectionPatch(*ends_of_leader, across, across, color=color, linewidth=0.5, clip_on=False)
        axes.add_artist(leader)
        axes.text(1.06, y - shift, texts[label], transform=across, color=color, va="center", fontsize=small_font())
