"""Select the learning curves of a report: the columns and the highlighted configurations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from ablate.core.cells import BASELINE, Cell
from ablate.core.metrics import MetricSpec
from ablate.report.configurations import Configurations
from ablate.stats.curves import MeanCurves, mean_curves
from ablate.stats.summary import Summary
from ablate.storage.results import StudyResults

LINES = 7  # configurations that one panel can show
PANELS = 48  # configurations that small multiples can show
BLOCKS = 6  # blocks that the main figure can show
UNDESCRIBED = 2  # columns to plot if the program does not select any


@dataclass(frozen=True, slots=True)
class Curve:
    """A column of the history, its title, whether to show it as a percentage, and in which block, such as `task=pong`."""

    column: str
    title: str
    percent: bool = False
    block: str = ""


@dataclass(frozen=True)
class Curves:
    """The data for the figures of learning curves.

    Attributes:
        shown: the panels of the main figure: the columns to plot, or with blocks, the first one in each block.
        history: `directory` (the run), `label` (its configuration), `epoch` and the columns; no infinite values.
        labels: the configurations in the order of the tables, the baseline first.
        means: the mean curves of configurations with several runs.
        lines: the names in the main figure, at most `LINES`: the baseline, and those that differ most from it.
        baseline: the levels of the baseline.
        blocks: with blocks, by block the label of the configuration that has each name; the first one is its baseline.
    """

    shown: Sequence[Curve]
    history: pd.DataFrame
    labels: Sequence[str]
    means: MeanCurves
    lines: Sequence[str]
    baseline: str = ""
    blocks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All configurations, those that differ only in the block as one."""
        return list(dict.fromkeys(name for members in self.blocks.values() for name in members)) or list(self.labels)

    @property
    def others(self) -> int:
        """The number of configurations that the main figure leaves out."""
        return len(self.names) - len(self.lines)

    @property
    def has_panel_each(self) -> bool:
        """Whether each configuration can have a panel of its own."""
        return self.others > 0 and len(self.labels) <= PANELS

    @property
    def references(self) -> dict[str, str]:
        """By the label of each configuration but the baselines, that of its baseline: with blocks, the one of its block."""
        members = [list(each.values()) for each in self.blocks.values()] or [list(self.labels)]
        return {label: first for first, *rest in members for label in rest}

    def label(self, name: str, curve: Curve) -> str:
        """The label of the configuration with this name in the block of a panel."""
        return self.blocks[curve.block].get(name, "") if curve.block else name

    def rest(self, curve: Curve) -> pd.DataFrame:
        """The history of the configurations in the block of a panel that have no line."""
        drawn = {self.label(name, curve) for name in self.lines}
        there = set(self.blocks[curve.block].values()) if curve.block else set(self.labels)
        return self.history[self.history["label"].isin(there - drawn)]


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
    labels = {digest: name for digest, name in configurations.changes.items() if name in there}
    curves = Curves(
        shown,
        history,
        list(labels.values()),
        mean_curves(history, list(columns), results),
        (),
        configurations.labels[next(iter(configurations))] if len(configurations) > 1 else "",
    )
    key = results.manifest.blocks
    names = labels
    if key is not None and key in configurations.factors and len(configurations.factors) > 1:
        names, blocks = _by_block(labels, configurations, key)
        panels = [replace(shown[0], block=block) for block in list(blocks)[:BLOCKS]]
        curves = replace(curves, shown=panels, blocks=blocks, baseline="")
    return replace(curves, lines=_extremes(names, curves, summary, metric))


def columns_of(history: pd.DataFrame, described: Mapping[str, str]) -> dict[str, str]:
    """The columns to plot with their titles: those selected by the program, otherwise typical outcomes."""
    numbers = [str(name) for name in history.dropna(axis="columns", how="all").select_dtypes("number") if name != "epoch"]
    if chosen := {name: title for name, title in described.items() if name in numbers}:
        return chosen
    outcomes = [name for name in numbers if _is_outcome(MetricSpec.guess(name)) and not name.startswith("train")]
    return {name: name.replace("_", " ") for name in (outcomes or numbers)[:UNDESCRIBED]}


def _curve(column: str, title: str, history: pd.DataFrame) -> Curve:
    percent = MetricSpec.guess(column).is_fraction and not bool(
        (history[column] > 1).any()
    )  # otherwise the values are percentages already
    return Curve(column, title, percent)


def _is_outcome(spec: MetricSpec) -> bool:
    return spec.role == "outcome" and spec.better is not None


def _by_block(
    labels: Mapping[str, str], configurations: Configurations, key: str
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """By configuration its name without the block, and by block the label of each name."""
    factors = {name: factor for name, factor in configurations.factors.items() if name != key}
    cells: dict[str, dict[str, Cell]] = {}
    for digest in labels:
        cell = configurations.cells[digest]
        cells.setdefault(f"{key}={cell[key]}", {})[digest] = cell.without([key])
    names: dict[str, str] = {}
    blocks = {}
    for block, members in cells.items():
        found = Configurations.of(members, factors)
        blocks[block] = {found.changes[digest] if len(found) > 1 else BASELINE: labels[digest] for digest in found}
        names |= {digest: name for name, digest in zip(blocks[block], found, strict=True)}
    return names, blocks


def _extremes(names: Mapping[str, str], curves: Curves, summary: Summary, metric: str | None) -> list[str]:
    """The baseline and, if there are too many others, those whose means differ most from it; in the order of the tables."""
    every = curves.names
    if len(every) <= LINES:
        return every
    differ: list[str] = []
    if metric is not None and metric in summary.mean:
        means = summary.mean[metric].dropna()
        digests = {label: digest for digest, label in zip(names, curves.labels, strict=True)}
        against = {digests[label]: digests.get(first) for label, first in curves.references.items() if label in digests}
        known = {digest: first for digest, first in against.items() if digest in means.index}
        gaps = pd.Series({digest: abs(means[digest] - means.get(first, means.mean())) for digest, first in known.items()})
        by_name = gaps.groupby([names[digest] for digest in known]).mean() if known else gaps
        ranked = by_name.sort_values(ascending=False, kind="stable")
        differ = [str(name) for name in ranked.index]
    chosen = set([*every[:1], *dict.fromkeys([*differ, *every])][:LINES])
    return [name for name in every if name in chosen][:LINES]
