"""Plots of factors: explained variance, interactions, and parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from ablate.core.levels import short_names
from ablate.core.metrics import MetricSpec
from ablate.report.curve_plots import PALETTE, RASTERIZED
from ablate.report.formatting import heading, number
from ablate.report.plots import BLUE, GRAY, characters, figure_of, new_axes, percent_axis, small_font
from ablate.report.row_names import SHORTEST, cut
from ablate.report.values import SHOWN_FROM
from ablate.stats.marginal_means import InteractionMeans

AXES = 0.75  # share of the width of a figure that the axes take
NAME = 16  # characters of a level or factor on an axis
DARKEST = 0.1  # ω² of an interaction from which it has the darkest color at least
VISIBLE = 0.01  # ω² of the strongest interaction below which there is no heat map
JITTER = 0.05  # distance between the intervals of two lines, in units of the horizontal axis


def importance(anova: pd.DataFrame) -> Figure:
    """Plot ω² of each factor as a bar, and of each pair of factors as a heat map.

    Args:
        anova: see `ablate.stats.anova.anova`. Negative values, which are noise, are drawn as zero.
    """
    known = anova[anova["omega_squared"].notna()]
    main = known[known["order"] == 1].set_index("term")["omega_squared"].sort_values(ascending=False)
    pairs = known[known["order"] == 2].set_index("term")["omega_squared"]
    names = short_names(list(main.index))
    with_map = has_matrix(anova)
    figure, grid = new_axes(0.9 + 0.32 * max(len(main), 3), 1, 2 if with_map else 1)
    _bars(grid[0, 0], main, names)
    if with_map:
        _heat_map(grid[0, 1], list(main.index), pairs, names)
    return figure


def has_matrix(anova: pd.DataFrame) -> bool:
    """Whether `importance` draws the pairs of factors."""
    pairs = anova.loc[anova["order"] == 2, "omega_squared"].dropna()
    return len(pairs) > 2 and bool(pairs.max() >= VISIBLE)


def interaction(shown: Sequence[InteractionMeans], title: str, percent: bool, axes: Sequence[Axes] | None = None) -> Figure:
    """Plot the mean at each level of one factor, with a line for each level of the other. Parallel lines: no interaction."""
    if axes is None:
        _, grid = new_axes(2.6, 1, len(shown), sharey=True)
        axes = list(grid[0])
    for panel, each in zip(axes, shown, strict=True):
        levels = list(dict.fromkeys(each.means["x"]))
        for at, (level, line) in enumerate(each.means.groupby("line", sort=False)):
            x = np.array([levels.index(name) for name in line["x"]]) + JITTER * at
            color = PALETTE[at % len(PALETTE)]
            panel.plot(x, line["mean"], "o-", color=color, markersize=4, label=cut(str(level), NAME))
            ends = line[["low", "high"]].where(line["n"] >= SHOWN_FROM)
            panel.vlines(x, ends["low"], ends["high"], color=color, linewidth=1.2)
        panel.set_xticks(range(len(levels)), [cut(level, NAME) for level in levels])
        panel.set_xlabel(each.x)
        panel.margins(x=0.15)
        panel.legend(title=each.line, frameon=False, title_fontsize=small_font())
        if percent:
            percent_axis(panel.yaxis)
        sns.despine(ax=panel)
    axes[0].set_ylabel(title)
    return figure_of(axes[0])


def parallel(factors: Mapping[str, Sequence[str]], rows: pd.DataFrame, spec: MetricSpec) -> Figure:
    """Plot each configuration as a line through its levels to its mean.

    Args:
        factors: by factor, its levels as text.
        rows: a row for each configuration: a column for each factor (levels as text), and `value`.
        spec: the metric, for the last axis.
    """
    figure, grid = new_axes(3.2)
    axes: Axes = grid[0, 0]
    values = rows["value"].to_numpy(dtype=float)
    low, span = float(np.min(values)), float(np.ptp(values)) or 1.0
    heights = [[_height(levels.index(level), len(levels)) for level in rows[key]] for key, levels in factors.items()]
    lines = np.array([*heights, ((values - low) / span).tolist()]).T
    order = np.argsort(values)
    points = [list(enumerate(lines[at])) for at in order]
    colors = plt.get_cmap("viridis_r")((values[order] - low) / span)
    many = len(points) > RASTERIZED
    lines_of_all = LineCollection(points, colors=list(map(tuple, colors)), linewidths=0.9, alpha=0.75, rasterized=many)
    axes.add_collection(lines_of_all)
    names = short_names(list(factors))
    room = min(NAME, characters(AXES / (len(factors) + 0.6)))  # up to the next axis
    axes.set(xlim=(-0.3, len(factors) + 0.3), ylim=(-0.06, 1.06), yticks=[])
    axes.set_xticks(
        range(len(factors) + 1), [*(cut(names[key], NAME) for key in factors), heading(spec)], rotation=20, ha="right"
    )
    for at, levels in enumerate(factors.values()):
        axes.axvline(at, color=GRAY, linewidth=0.6)
        for place, level in enumerate(levels):
            axes.text(
                at + 0.03, _height(place, len(levels)), _in_room(level, room), fontsize=small_font() - 1,
                bbox={"color": "white", "pad": 0.5, "alpha": 0.7},
            )  # fmt: skip
    axes.axvline(len(factors), color=GRAY, linewidth=0.6)
    for share in (0.0, 0.5, 1.0):
        axes.text(len(factors) + 0.04, share, number(low + share * span, spec), fontsize=small_font(), va="center")
    axes.grid(visible=False)
    sns.despine(ax=axes, left=True, bottom=True)
    return figure


def _in_room(level: str, room: int) -> str:
    """A level in little room: its beginning and its end, or only its beginning."""
    return cut(level, room, "…") if room >= 2 * SHORTEST or len(level) <= room else f"{level[: room - 1]}…"


def _height(number: int, count: int) -> float:
    return 0.5 if count == 1 else number / (count - 1)


def _bars(axes: Axes, main: pd.Series, names: Mapping[str, str]) -> None:
    axes.barh(range(len(main)), main.clip(lower=0), color=BLUE, height=0.6)
    axes.set_yticks(range(len(main)), [cut(names[term], max(characters(0.2), NAME)) for term in main.index])
    axes.invert_yaxis()
    axes.set_xlabel("ω² (share of the variance between runs)")
    for at, value in enumerate(main):
        axes.annotate(
            _share(value), (max(value, 0), at), (3, 0), textcoords="offset points", va="center", fontsize=small_font()
        )
    axes.margins(x=0.15)
    axes.grid(axis="y", visible=False)
    sns.despine(ax=axes, left=True)


def _share(value: float) -> str:
    """Two digits, or, of a share that would be 0.00, one significant digit; negative shares are noise."""
    return f"{value:.1g}" if 0.0005 <= value < 0.005 else f"{max(value, 0.0):.2f}"


def _heat_map(axes: Axes, factors: Sequence[str], pairs: pd.Series, names: Mapping[str, str]) -> None:
    matrix = np.full((len(factors), len(factors)), np.nan)
    for row, first in enumerate(factors):
        for column, second in enumerate(factors[:row]):
            for term in (f"{first} × {second}", f"{second} × {first}"):
                if term in pairs.index:
                    matrix[row, column] = max(float(pairs[term]), 0.0)
    highest = max(float(np.nanmax(matrix, initial=0.0)), DARKEST)
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=highest, aspect="auto")
    for (row, column), value in np.ndenumerate(matrix):
        if not np.isnan(value):
            bright = value > 0.6 * highest
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", color="white" if bright else "black",
                fontsize=small_font(),
            )  # fmt: skip
    shown = [cut(names[term], NAME) for term in factors]
    axes.set_xticks(range(len(factors) - 1), shown[:-1], rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(1, len(factors)), shown[1:])
    axes.set(title="interactions (ω²)", xlim=(-0.5, len(factors) - 1.5), ylim=(len(factors) - 0.5, 0.5))
    axes.grid(visible=False)
    sns.despine(ax=axes, left=True, bottom=True)
