"""`study.plot`: the figures of a report on the axes of a user, with their palette and order.

The backend of matplotlib and its style stay those of the user.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from ablate.core.errors import UsageError
from ablate.core.levels import short_names
from ablate.core.metrics import MetricSpec
from ablate.report import curve_plots, factor_plots, plots
from ablate.report.effect_tables import describe
from ablate.report.formatting import difference_heading, heading
from ablate.report.marks import mark_of, marks_of_shares
from ablate.stats.estimates import Estimate
from ablate.stats.marginal_means import interaction_means

if TYPE_CHECKING:
    from ablate.report.study import Study

Palette = Mapping[str, Any] | Sequence[Any] | None
ROW = 0.35  # inches


class StudyPlots:
    """The figures of a study. Each method draws on `ax`, or on new axes, and returns the axes.

    Example:
        >>> import ablate
        >>> study = ablate.load("outputs/qiita")
        >>> axes = study.plot.forest(kind="contrasts", order=["dropout: true → false", "stem: direct → pyramid"])
        >>> [label.get_text() for label in axes.get_yticklabels()], axes.get_xlabel()
        (['dropout: true → false', 'stem: direct → pyramid'], 'Δ final accuracy (percentage points)')
        >>> axes = study.plot.interaction("model.dropout", "stem")
        >>> axes = study.plot.attribution(study.attribution({"model.dropout": (True, False), "stem": ("direct", "pyramid")}))
        >>> axes.figure.savefig("attribution.pdf", bbox_inches="tight")  # doctest: +SKIP
    """

    def __init__(self, study: Study) -> None:
        self._study = study

    def forest(
        self,
        ax: Axes | None = None,
        *,
        kind: str = "configurations",
        metric: str | None = None,
        palette: Palette = None,
        order: Sequence[str] | None = None,
    ) -> Axes:
        """Differences with their 95 % intervals and one dot for each seed. In color: the interval excludes zero.

        Args:
            ax: the axes to draw on.
            kind: `configurations` (each against the baseline) or `contrasts` (each level against the baseline of its factor).
            metric: another metric than the main one.
            palette: colors by label, or one color for each row, instead of blue and gray.
            order: the labels to show, from top to bottom.

        Raises:
            UsageError: for an unknown kind, label or metric.
        """
        spec, found = self._spec(metric), self._estimates(kind, metric)
        marks = [mark_of(label, found[label], spec) for label in _ordered(list(found), order, kind)]
        axes = _axes(ax, len(marks))
        colors = {at: color for at, mark in enumerate(marks) if (color := _color(palette, mark.label, at)) is not None}
        plots.forest(marks, f"Δ {difference_heading(spec)}", spec.is_fraction, axes, colors=colors)
        return axes

    def curves(
        self,
        column: str | None = None,
        ax: Axes | None = None,
        *,
        block: str | None = None,
        palette: Palette = None,
        order: Sequence[str] | None = None,
    ) -> Axes:
        """Learning curves: the mean of each configuration and its standard deviation, the first one in gray.

        Args:
            column: a column of `study.history`; by default the first curve of the report.
            ax: the axes to draw on.
            block: of a study with blocks, such as `task=pong`; by default the first one.
            palette: colors of the configurations after the first: by name, or in order.
            order: the configurations to show; by default those that the report shows.

        Raises:
            UsageError: without histories, or for an unknown column, block or configuration.
        """
        curves = self._study.report.curves
        if curves is None:
            raise UsageError(f"{self._study.name} has no learning curves: no run has a history.csv with the column epoch.")
        columns = list(dict.fromkeys(curve.column for curve in curves.shown))
        if column not in (None, *columns):
            raise UsageError(f"unknown column '{column}'; available: {', '.join(columns)}.")
        panels = {each.block: each for each in curves.shown if each.column == (column or columns[0])}
        if block not in (None, *panels):
            raise UsageError(f"unknown block '{block}'; available: {', '.join(filter(None, panels)) or 'none'}.")
        curve = panels[block or next(iter(panels))]
        lines = _ordered(curves.names, order, "configurations") if order else list(curves.lines)
        default = curve_plots.PALETTE
        colors = [_color(palette, label, at) or default[at % len(default)] for at, label in enumerate(lines[1:])]
        axes = _axes(ax, 8)
        drawn = replace(curves, shown=[curve], lines=lines)
        curve_plots.learning_curves(drawn, [axes], colors or default)
        return axes

    def interaction(self, first: str, second: str, ax: Axes | None = None, *, metric: str | None = None) -> Axes:
        """Means at the levels of two factors: parallel lines mean no interaction.

        Averaged over the levels of the other factors that were run with all combinations. If there are none, all runs count,
        and a warning says so.

        Args:
            first: a factor.
            second: another factor. The one with more levels is on the horizontal axis.
            ax: the axes to draw on.
            metric: another metric than the main one.

        Raises:
            UsageError: for an unknown factor or metric.
        """
        spec, outcomes = self._spec(metric), self._study.outcomes(metric)
        for key in (first, second):
            outcomes.factor(key)
        means = interaction_means(outcomes, first, second)
        if not means.balanced:
            warnings.warn(
                f"{first} and {second} have no level of the other factors in common for all their combinations: the means are "
                "averages over different configurations, so lines that are not parallel need not show an interaction.",
                stacklevel=2,
            )
        axes = _axes(ax, 8)
        factor_plots.interaction([means], heading(spec), spec.is_fraction, [axes])
        return axes

    def attribution(self, shares: pd.DataFrame | None = None, ax: Axes | None = None, *, metric: str | None = None) -> Axes:
        """The share of each change in the whole difference as a waterfall, with 95 % intervals.

        Args:
            shares: what `study.attribution` returned; by default, what it returns without arguments.
            ax: the axes to draw on.
            metric: the metric of `shares`, if it is not the main one.
        """
        spec = self._spec(metric)
        marks = marks_of_shares(self._study.attribution(metric=metric) if shares is None else shares, spec)
        axes = _axes(ax, len(marks))
        plots.waterfall(marks, f"share of Δ {difference_heading(spec)}", spec.is_fraction, axes)
        return axes

    def _spec(self, metric: str | None) -> MetricSpec:
        return self._study.metrics[metric or self._study.metric]

    def _estimates(self, kind: str, metric: str | None) -> dict[str, Estimate]:
        comparison, report = self._study.comparison(metric), self._study.report_of(metric)
        if kind == "configurations":
            names = report.configurations.changes
            found = {names[each.cell]: each.estimate for each in comparison.against if not each.same_runs}
        elif kind == "contrasts":
            names = short_names(list(report.results.factors))
            found = {describe(each.changes, names): each for each in comparison.contrasts}
        else:
            raise UsageError(f"unknown kind '{kind}'; available: configurations, contrasts.")
        return {label: each for label, each in found.items() if math.isfinite(each.estimate)}

    def __dir__(self) -> list[str]:
        return ["attribution", "curves", "forest", "interaction"]


def _axes(ax: Axes | None, rows: int) -> Axes:
    if ax is not None:
        return ax
    axes: Axes = plt.subplots(figsize=(plots.PAGE_WIDTH, 0.8 + ROW * rows), layout="constrained")[1]
    return axes


def _ordered(known: Sequence[str], order: Sequence[str] | None, what: str) -> list[str]:
    if unknown := [label for label in order or () if label not in known]:
        raise UsageError(f"unknown label '{unknown[0]}' among the {what}; available: {'; '.join(known)}.")
    return list(order or known)


def _color(palette: Palette, label: str, at: int) -> Any:
    if isinstance(palette, Mapping):
        return palette.get(label)
    return palette[at % len(palette)] if palette else None
