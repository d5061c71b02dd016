"""Plots of estimates: forest and waterfall; style and layout of all figures. Nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, ScalarFormatter

from ablate.report.fonts import DEFAULT
from ablate.report.formatting import MINUS
from ablate.report.row_names import in_room

PAGE_WIDTH, PAPER_WIDTH = 5.2, 3.25  # inches; the columns of two-column papers are 3.25 to 3.5 wide
PAGE_FONT, PAPER_FONT = 9.0, 7.0  # points
BLUE, GREEN, ORANGE, GRAY = "#0173b2", "#029e73", "#d55e00", "#949494"  # seaborn's color-blind palette
DARK_GRAY = "#5f5f5f"
NAMES = 0.37  # share of the width of a figure that the names of rows take
TICKS = 3  # steps of the axis of estimates
TICK = 7  # characters that a tick label takes with the space beside it
CHARACTER = 0.56  # width of a character, relative to the size of the font


@dataclass
class Mark:
    """A row of a forest plot or waterfall.

    Attributes:
        label: the name.
        estimate: the estimate.
        low, high: the ends of its interval; NaN without one.
        by_seed: the value of each seed.
        text: the estimate and its interval in figures, for the right edge.
    """

    label: str
    estimate: float
    low: float
    high: float
    by_seed: Sequence[float] = field(default_factory=list)
    text: str = ""

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@contextmanager
def style(paper: bool = False, fonts: Sequence[str] = (DEFAULT,)) -> Iterator[None]:
    """The style of all figures: for the page, or at the width of a column and with the fonts of a paper.

    Text in an SVG or PDF remains text; a `$` in a name does not start a formula.

    Args:
        paper: whether the figure is for a paper.
        fonts: their names; a character is from the first that has it.
    """
    width, font = (PAPER_WIDTH, PAPER_FONT) if paper else (PAGE_WIDTH, PAGE_FONT)
    settings: dict[Any, Any] = {
        "font.family": list(fonts),
        "font.size": font, "axes.titlesize": font, "axes.labelsize": font, "xtick.labelsize": 0.94 * font,
        "ytick.labelsize": 0.94 * font, "legend.fontsize": 0.94 * font, "figure.titlesize": font,
        "figure.figsize": (width, width / 2), "lines.linewidth": 1.2 if paper else 1.8, "axes.linewidth": 0.6,
        "grid.linewidth": 0.5, "svg.fonttype": "none", "svg.hashsalt": "ablate", "pdf.fonttype": 42,
        "text.parse_math": False,
    }  # fmt: skip
    with sns.axes_style("whitegrid"), plt.rc_context(settings):
        yield


def new_axes(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Make a figure of the current width and panels in a grid.

    Args:
        height: the height in inches at the width of the page.
        rows, columns: the panels.
        options: further arguments of `plt.subplots`.

    Returns:
        The figure, and its axes as an array of shape (rows, columns).
    """
    width = plt.rcParams["figure.figsize"][0]
    scale = max(width / PAGE_WIDTH, plt.rcParams["font.size"] / PAGE_FONT)
    return plt.subplots(rows, columns, figsize=(width, height * scale), layout="constrained", squeeze=False, **options)


def forest(
    marks: Sequence[Mark],
    title: str,
    percent: bool,
    ax: Axes | None = None,
    colors: Mapping[int, Any] | None = None,
) -> Figure:
    """Plot each estimate with its interval and a dot for each seed: names on the left, numbers on the right.

    Args:
        marks: the rows, from top to bottom.
        title: the label of the horizontal axis.
        percent: whether the values are fractions that are shown in percent.
        ax: the axes to draw into; by default those of a new figure.
        colors: of single rows, by their position; otherwise intervals that exclude zero are blue, and the others gray.
    """
    axes = _rows(marks, title, percent, ax)
    values = [value for mark in marks for value in mark.by_seed]
    rows = [-at - 0.26 for at, mark in enumerate(marks) for _ in mark.by_seed]
    if values:  # one collection for all rows: each takes as long to draw as many dots
        axes.scatter(values, rows, s=9, color=DARK_GRAY, alpha=0.6, linewidth=0, zorder=2)
    for at, mark in enumerate(marks):
        shade = (colors or {}).get(at, BLUE if mark.clear else GRAY)
        if not math.isnan(mark.low):
            axes.plot([mark.low, mark.high], [-at, -at], color=shade, linewidth=2.2, solid_capstyle="butt", zorder=3)
        axes.plot([mark.estimate], [-at], "D", color=shade, markersize=4.5, zorder=4, clip_on=False)
    if not percent:
        power_in_label(axes)
    return figure_of(axes)


def waterfall(marks: Sequence[Mark], title: str, percent: bool, ax: Axes | None = None) -> Figure:
    """Plot shares as a waterfall; the last mark is the whole difference. See `forest` for the arguments."""
    axes = _rows(marks, title, percent, ax)
    reached = 0.0
    for at, mark in enumerate(marks):
        whole = at == len(marks) - 1
        start = 0.0 if whole else reached
        shade = GRAY if whole else GREEN if mark.estimate >= 0 else ORANGE
        axes.barh(-at, mark.estimate, left=start, height=0.5, color=shade, hatch="//" * (mark.estimate < 0), zorder=2)
        axes.plot([start + mark.low, start + mark.high], [-at, -at], color="black", linewidth=1.2, zorder=3)
        if not whole:
            reached = start + mark.estimate
            axes.plot([reached, reached], [-at, -at - 1], color="black", linewidth=0.7, linestyle=":", zorder=1)
    if not percent:
        power_in_label(axes)
    return figure_of(axes)


def characters(share: float, size: float | None = None) -> int:
    """The number of characters of this size in points (by default small type) in a share of the width of a figure."""
    return int(share * 72 * plt.rcParams["figure.figsize"][0] / (CHARACTER * (size or small_font())))


def close(figure: Figure) -> None:
    """Free the memory of a figure."""
    plt.close(figure)


def small_font() -> float:
    """The size of small type in points, in proportion to that of the figure."""
    return 0.94 * float(plt.rcParams["font.size"])


def percent_axis(axis: Any, signed: bool = False) -> None:
    """Show the fractions of an axis in percent."""
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: format(100 * value, "+.4g" if signed and value else ".4g").replace("-", MINUS))
    )


def power_in_label(axes: Axes) -> None:
    """Put the power of ten of very small or large values into the label of the horizontal axis, of which it is drawn on top."""
    largest = max(map(abs, axes.get_xlim()))
    exponent = math.floor(math.log10(largest)) if 0 < largest < math.inf else 0
    if -4 < exponent < 5:
        axes.xaxis.set_major_formatter(ScalarFormatter())
        return
    power = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format(value / 10.0**exponent, "+.4g" if value else ".4g").replace("-", MINUS))
    )
    axes.set_xlabel(f"{axes.get_xlabel()} × 10{power}")


def _rows(marks: Sequence[Mark], title: str, percent: bool, ax: Axes | None) -> Axes:
    """Prepare axes with a row for each mark."""
    names, ticks = in_room([mark.label for mark in marks], characters(NAMES)), TICKS
    if ax is None:
        lines = [1 + name.count("\n") for name in names]
        of_all, of_longest = sum(0.2 + 0.1 * each for each in lines), 0.15 * max(lines) * len(lines)
        _, grid = new_axes(0.75 + max(of_all, of_longest))
        ax = grid[0, 0]
        beside = max(len(line) for name in names for line in name.split("\n")) + max(len(mark.text) for mark in marks)
        ticks = min(max((characters(1.0) - beside) // TICK - 1, 1), TICKS)
    ax.axvline(0, color="black", linewidth=0.9, zorder=1)
    ax.set(xlabel=title, ylabel="", ylim=(-len(marks) + 0.4, 0.6))
    ax.set_yticks([-at for at in range(len(marks))], names)
    ax.tick_params(axis="y", length=0)
    for at, mark in enumerate(marks):
        ax.text(1.02, -at, mark.text, transform=ax.get_yaxis_transform(), va="center", fontsize=small_font())
    ax.grid(axis="y", visible=False)
    sns.despine(ax=ax, left=True)
    ax.margins(x=0.04)
    if percent:
        percent_axis(ax.xaxis, signed=True)
    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    return ax


def figure_of(axes: Axes) -> Figure:
    """The figure that axes are in, also in a subfigure."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
