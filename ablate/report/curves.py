"""Select the learning curves of a report: the columns and the highlighted configurations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ablate.core.metrics import MetricSpec
from ablate.report.configurations import Configurations
from ablate.stats.curves import mean_curves
from ablate.stats.summary import Summary
from ablate.storage.results import StudyResults

COLORED = 10  # more configurations cannot be distinguished by color
LINES = 300  # with more runs, most are drawn in gray
UNDESCRIBED = 2  # columns to plot if the program does not select any


@dataclass(frozen=True, slots=True)
class Curve:
    """A column of the history, its title, and whether to show it as a percentage."""

    column: str
    title: str
    percent: bool = False


@dataclass(frozen=True)
class Curves:
    """The data for the figure of learning curves.

    Attributes:
        shown: the columns to plot.
        history: `directory` (the run), `label` (its configuration), `epoch` and the columns; no infinite values.
        labels: the configurations in the order of the tables.
        means: the mean curves: `label`, `epoch` and the columns; None if every configuration has one run.
        highlighted: if not empty, the only configurations in color.
    """

    shown: Sequence[Curve]
    history: pd.DataFrame
    labels: Sequence[str]
    means: pd.DataFrame | None = None
    highlighted: Sequence[str] = ()


def choose_curves(
    results: StudyResults, history: pd.DataFrame, summary: Summary, configurations: Configurations, metric: str | None
) -> Curves | None:
    """Select the learning curves of a study; None without a suitable history.

    Args:
        results: all runs.
        history: the histories of the runs, with `directory` and `epoch`.
        summary: the means of the configurations, to find those with the highest and the lowest mean of `metric`.
        configurations: the names of the configurations.
        metric: the main metric.
    """
    columns = columns_of(history, results.description.curves)
    if not columns or "epoch" not in history:
        return None
    history = history.replace([math.inf, -math.inf], math.nan)  # diverged runs
    cell_of = results.runs.drop_duplicates("directory").set_index("directory")["cell"]
    history = history.assign(label=history["directory"].map(cell_of).map(configurations.names))
    shown = [_curve(column, title, history) for column, title in columns.items()]
    there = set(history["label"])
    labels = [name for name in dict.fromkeys(configurations.names.values()) if name in there]
    if len(labels) <= COLORED and history["directory"].nunique() <= LINES:
        return Curves(shown, history, labels, mean_curves(history, list(columns), results))
    return Curves(shown, history, labels, highlighted=_extremes(labels, summary, configurations, metric))


def columns_of(history: pd.DataFrame, described: Mapping[str, str]) -> dict[str, str]:
    """The columns to plot with their titles: those selected by the program, otherwise typical outcomes."""
    numbers = [str(name) for name in history.dropna(axis="columns", how="all").select_dtypes("number") if name != "epoch"]
    if chosen := {name: title for name, title in described.items() if name in numbers}:
        return chosen
    outcomes = [name for name in numbers if _is_outcome(MetricSpec.guess(name)) and not name.startswith("train")]
    return {name: name.replace("_", " ") for name in (outcomes or numbers)[:UNDESCRIBED]}


def _curve(column: str, title: str, history: pd.DataFrame) -> Curve:
    percent = MetricSpec.guess(column).percent and not bool(
        (history[column] > 1).any()
    )  # otherwise the values are percentages already
    return Curve(column, title, percent)


def _is_outcome(spec: MetricSpec) -> bool:
    return spec.role == "outcome" and spec.better is not None


def _extremes(labels: Sequence[str], summary: Summary, configurations: Configurations, metric: str | None) -> list[str]:
    """The baseline and the configurations with the highest and the lowest mean."""
    chosen = list(labels[:1])
    if metric is not None and metric in summary.mean:
        ranked = summary.mean[metric].dropna().sort_values().index.map(configurations.names).tolist()
        chosen += [*ranked[-1:], *ranked[:1]]
    return list(dict.fromkeys(chosen))
