"""Select the learning curves of a report: the columns and the highlighted configurations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ablate.core.metrics import MetricSpec
from ablate.report.configurations import Configurations
from ablate.stats.curves import MeanCurves, mean_curves
from ablate.stats.summary import Summary
from ablate.storage.results import StudyResults

LINES = 7  # configurations that one panel can show
PANELS = 48  # configurations that small multiples can show
UNDESCRIBED = 2  # columns to plot if the program does not select any


@dataclass(frozen=True, slots=True)
class Curve:
    """A column of the history, its title, and whether to show it as a percentage."""

    column: str
    title: str
    percent: bool = False


@dataclass(frozen=True)
class Curves:
    """The data for the figures of learning curves.

    Attributes:
        shown: the columns to plot.
        history: `directory` (the run), `label` (its configuration), `epoch` and the columns; no infinite values.
        labels: the configurations in the order of the tables, the baseline first.
        means: the mean curves of configurations with several runs.
        lines: the configurations in the main figure, at most `LINES`: the baseline, and those that differ most from it.
        baseline: the levels of the baseline.
    """

    shown: Sequence[Curve]
    history: pd.DataFrame
    labels: Sequence[str]
    means: MeanCurves
    lines: Sequence[str]
    baseline: str = ""

    @property
    def others(self) -> int:
        """The number of configurations that the main figure leaves out."""
        return len(self.labels) - len(self.lines)

    @property
    def has_panel_each(self) -> bool:
        """Whether each configuration can have a panel of its own."""
        return self.others > 0 and len(self.labels) <= PANELS


def choose_curves(
    results: StudyResults, history: pd.DataFrame, summary: Summary, configurations: Configurations, metric: str | None
) -> Curves | None:
    """Select the learning curves of a study; None without a suitable history.

    Args:
        results: all runs.
        history: the histories of the runs, with `directory` and `epoch`.
        summary: the means of the configurations, to find those that differ most from the baseline.
        configurations: the names of the configurations.
        metric: the main metric.
    """
    columns = columns_of(history, results.description.curves)
    if not columns or "epoch" not in history:
        return None
    history = history.replace([math.inf, -math.inf], math.nan)  # diverged runs
    cell_of = results.runs.drop_duplicates("directory").set_index("directory")["cell"]
    history = history.assign(label=history["directory"].map(cell_of).map(configurations.changes))
    shown = [_curve(column, title, history) for column, title in columns.items()]
    there = set(history["label"])
    labels = [name for name in dict.fromkeys(configurations.changes.values()) if name in there]
    return Curves(
        shown,
        history,
        labels,
        mean_curves(history, list(columns), results),
        _extremes(labels, summary, configurations, metric),
        configurations.labels[next(iter(configurations))] if len(configurations) > 1 else "",
    )


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
    """The baseline and, if there are too many others, those whose means differ most from it; in the order of `labels`."""
    if len(labels) <= LINES:
        return list(labels)
    differ: list[str] = []
    if metric is not None and metric in summary.mean:
        means = summary.mean[metric].dropna()
        gap = (means - means.get(summary.baseline, means.mean())).abs().sort_values(ascending=False, kind="stable")
        differ = [name for name in gap.index.map(configurations.changes) if name in labels]
    chosen = set([*labels[:1], *dict.fromkeys([*differ, *labels])][:LINES]) | set(labels[:1])
    return [label for label in labels if label in chosen][:LINES]
