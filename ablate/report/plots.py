"""Plot learning curves, forest plots and waterfalls with seaborn. Nothing is computed here.

Figures are narrow, with labels above the rows rather than next to them, so that they also fit a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import pandas as pd

matplotlib.use("Agg")  # works without a display
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from ablate.report.curves import Curve, Curves

WIDTH = 6.0  # inches
THICK = 2.0  # points
ONE_RUN = "one line per run"
RASTERIZED = 300  # more lines are rasterized
BLUE, GREEN, ORANGE, GRAY = "#0173b2", "#029e73", "#d55e00", "#949494"  # seaborn's color-blind palette
JAPANESE_FONTS = ("Noto Sans CJK JP", "IPAexGothic", "Hiragino Sans", "Yu Gothic")


@dataclass
class Mark:
    """A row of a forest plot or waterfall: an estimate, its interval, and the value of each seed."""

    label: str
    estimate: float
    low: float
    high: float
    by_seed: Sequence[float] = field(default_factory=list)


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures. Text in an SVG remains text; a `$` in a name does not start a formula."""
    there = {font.name for font in font_manager.fontManager.ttflist}
    fonts: dict[Any, Any] = {
        "font.family": ["DejaVu Sans", *(name for name in JAPANESE_FONTS if name in there)],
        "svg.fonttype": "none",
        "svg.hashsalt": "ablate",
        "text.parse_math": False,
    }
    with sns.axes_style("whitegrid"), sns.plotting_context("notebook", font_scale=0.9), plt.rc_context(fonts):
        yield


def learning_curves(curves: Curves) -> Figure:
    """Plot a panel for each curve: thin lines for runs and thick lines for means, colored by configuration."""
    columns = [curve.column for curve in curves.shown]
    long = curves.history.melt(id_vars=["directory", "label", "epoch"], value_vars=columns, var_name="column")
    single = bool((curves.history.groupby("directory").size() == 1).all())
    dashed = len(curves.labels) <= 6  # dashes as well, for print and color blindness
    cells: dict[str, Any] = {
        "x": "epoch", "y": "value",
        "hue": "label", "hue_order": list(curves.labels), "palette": sns.color_palette("colorblind", len(curves.labels)),
        "style": "label" if dashed else None, "style_order": list(curves.labels) if dashed else None,
        "marker": "o" if single else None,
    }  # fmt: skip
    grid = sns.relplot(
        long,
        kind="line",
        **cells,
        units="directory",
        estimator=None,
        col="column",
        col_order=columns,
        col_wrap=1,
        linewidth=THICK if curves.means is None else 0.7,
        alpha=1.0 if curves.means is None else 0.5,
        height=WIDTH / 2,
        aspect=2,
        facet_kws={"sharey": all(curve.percent for curve in curves.shown), "legend_out": False},
    )
    for axes, curve in zip(grid.axes.flat, curves.shown, strict=True):
        axes.set_title(curve.title)
        if curves.means is not None:
            line = {**cells, "y": curve.column}
            sns.lineplot(curves.means, **line, estimator=None, linewidth=THICK, legend=False, ax=axes)
        _name_axes(axes, curve)
    if grid.legend is not None:
        handles = [handle for handle in grid.legend.legend_handles if handle is not None]
        for handle in handles:
            handle.set(linewidth=THICK, alpha=1)
        grid.legend.remove()
        title = ONE_RUN if curves.means is None else "thin: one line per run; thick: mean over runs"
        _legend(grid.figure, handles, curves.labels, title)
    figure: Figure = grid.figure
    return figure


def many_learning_curves(curves: Curves) -> Figure:
    """Like `learning_curves`, with only the highlighted configurations in color."""
    figure, panels = plt.subplots(
        len(curves.shown), squeeze=False, sharex=True, figsize=(WIDTH, WIDTH / 2 * len(curves.shown)), layout="constrained"
    )
    colors = dict(zip(curves.highlighted, sns.color_palette("colorblind"), strict=False))
    handles = []
    for axes, curve in zip(panels.flat, curves.shown, strict=True):
        lines: dict[str, list[list[tuple[float, float]]]] = {label: [] for label in ("", *curves.highlighted)}
        frame = curves.history[["label", "directory", "epoch", curve.column]]
        for (label, _), run in frame.groupby(["label", "directory"], sort=False):
            points = list(zip(run["epoch"].tolist(), run[curve.column].tolist(), strict=True))
            lines[label if label in colors else ""].append(points)
        rasterized = sum(map(len, lines.values())) > RASTERIZED
        handles = [
            axes.add_collection(
                LineCollection(
                    found,
                    colors=[colors.get(label, GRAY)],
                    linewidths=1.4 if label else 0.5,
                    alpha=None if label else 0.5,
                    rasterized=not label and rasterized,
                )
            )
            for label, found in lines.items()
        ]
        axes.autoscale()
        axes.set_title(curve.title)
        _name_axes(axes, curve)
    _legend(figure, handles, ["all other runs", *curves.highlighted], ONE_RUN)
    return figure


def forest(marks: Sequence[Mark], title: str, percent: bool) -> Figure:
    """Plot each estimate with its interval, a dot for each seed, and a line at zero."""
    figure, axes = _rows(marks, title, percent)
    dots = pd.DataFrame(
        [(value, -at - 0.17) for at, mark in enumerate(marks) for value in mark.by_seed], columns=["value", "row"], dtype=float
    )
    sns.scatterplot(dots, x="value", y="row", color=GRAY, s=16, alpha=0.8, linewidth=0, ax=axes, zorder=2)
    for at, mark in enumerate(marks):
        axes.plot([mark.low, mark.high], [-at, -at], color=BLUE, linewidth=2.2, solid_capstyle="butt", zorder=3)
        axes.plot([mark.estimate], [-at], "D", color=BLUE, markersize=6, zorder=4)
    axes.set(xlabel=title, ylabel="")
    return figure


def waterfall(marks: Sequence[Mark], title: str, percent: bool) -> Figure:
    """Plot shares as a waterfall; the last mark is the whole difference."""
    figure, axes = _rows(marks, title, percent)
    reached = 0.0
    for at, mark in enumerate(marks):
        whole = at == len(marks) - 1
        start = 0.0 if whole else reached
        color = GRAY if whole else GREEN if mark.estimate >= 0 else ORANGE
        axes.barh(-at, mark.estimate, left=start, height=0.34, color=color, hatch="//" * (mark.estimate < 0), zorder=2)
        axes.plot([start + mark.low, start + mark.high], [-at, -at], color="black", linewidth=1.4, zorder=3)
        if not whole:
            reached = start + mark.estimate
            axes.plot([reached, reached], [-at, -at - 1], color="black", linewidth=0.7, linestyle=":", zorder=1)
    return figure


def cut(text: str, length: int) -> str:
    """Shorten a long text in the middle."""
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 :]}"


def close(figure: Figure) -> None:
    """Free the memory of a figure."""
    plt.close(figure)


def _rows(marks: Sequence[Mark], title: str, percent: bool) -> tuple[Figure, Axes]:
    """Make axes with a row for each mark, labels above the rows."""
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


def _name_axes(axes: Axes, curve: Curve) -> None:
    axes.set(xlabel="epoch", ylabel="")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if curve.percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str], title: str) -> None:
    """Add a legend below the panels. The leading space keeps matplotlib from dropping labels that begin with an underscore."""
    shown = [cut(label, 68) for label in labels]
    shown = [f" {label}" if label.startswith("_") else label for label in shown]
    figure.legend(
        list(handles), shown, loc="upper center", bbox_to_anchor=(0.5, 0.01), frameon=False, fontsize="small",
        title=title,
    )  # fmt: skip
