"""Flags: what a reader should know before comparing a cell with the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.stats.comparisons import baselines, differences
from ablate.stats.outcomes import Outcomes
from ablate.stats.rounding import equal_under_all_seeds, resolution
from ablate.stats.summary import Summary
from ablate.storage.results import StudyResults

Status = Literal["diverged", "failed", "interrupted", "running"]
Kind = Literal[
    "diverged",
    "failed",
    "interrupted",
    "running",
    "no value",
    "missing",
    "bigger",
    "slower",
    "at chance",
    "still improving",
    "code",
]
UNFINISHED: tuple[Status, ...] = ("diverged", "failed", "interrupted", "running")


@dataclass(frozen=True)
class Flag:
    """One remark on a cell.

    Attributes:
        kind: runs of another status than `finished`, `no value` for finished ones without a finite value of the metric (lost
            runs, too), or `missing`; a cost that is `bigger` than the baseline's, or a
            throughput that makes the cell `slower`; `at chance`: no run learned anything; `still improving`: the last
            epoch of every run was its best; `code`: runs that other code made than the newest run.
        text: for a reader, such as `2 failed` or `bigger: 3.5 % more parameters`.
    """

    kind: Kind
    text: str

    def __str__(self) -> str:
        return self.text


def flags(
    results: StudyResults,
    summary: Summary,
    metric: str,
    history: pd.DataFrame | None = None,
    *,
    missing: Mapping[str, int] | None = None,
    other_code: Mapping[str, int] | None = None,
    timings_comparable: bool = True,
) -> dict[str, list[Flag]]:
    """Flag the cells of a study.

    Args:
        results: the runs that count.
        summary: of these.
        metric: the one whose chance level tells that a cell learned nothing.
        history: the epochs of the runs, with their `directory`.
        missing: by cell, how many runs were planned and never began.
        other_code: by cell, how many runs were made by other code than the newest.
        timings_comparable: whether all runs were timed under equal conditions; if not, no cell is called slower.

    Returns:
        By cell, its flags; the first cell of the summary is the baseline, or with blocks, that of the first block.
    """
    missing, other_code = missing or {}, other_code or {}
    distinct = results.runs.drop_duplicates(["cell", "directory"])
    ended = distinct.groupby(["cell", "status"]).size().to_dict()
    slower = _slower(results, summary) if timings_comparable else {}
    empty = _without_value(results, metric)
    improving, lost = _improving(results, history), at_chance(results, metric)
    cells = results.cells()
    own = baselines({cell: cells[cell] for cell in summary.cells}, results.manifest.blocks)
    found = {}
    for cell in summary.cells:
        said = [Flag(status, f"{ended[cell, status]} {status}") for status in UNFINISHED if (cell, status) in ended]
        if empty.get(cell):
            said.append(Flag("no value", f"{empty[cell]} finished without a value"))
        if missing.get(cell):
            said.append(Flag("missing", f"{missing[cell]} missing"))
        if grown := _grown(results, summary, cell, own.get(cell, cell)):
            said.append(Flag("bigger", f"bigger: {', '.join(grown)}"))
        if cell in slower:
            said.append(Flag("slower", f"slower: {slower[cell]}"))
        if cell in lost:
            said.append(Flag("at chance", "at chance"))
        if cell in improving:
            said.append(Flag("still improving", "still improving"))
        if other_code.get(cell):
            said.append(Flag("code", f"{other_code[cell]} made by other code"))
        found[cell] = said
    return found


def still_improving(history: pd.DataFrame, column: str, higher_is_better: bool) -> pd.Series:
    """For each `directory` of a history of two epochs or more: whether no epoch before its last was as good."""
    values = history.dropna(subset=column).sort_values("epoch", kind="stable").reset_index(drop=True)
    by_run = values.groupby("directory")[column]
    best = by_run.idxmax() if higher_is_better else by_run.idxmin()  # of equal values the first
    last = pd.Series(values.index, index=values["directory"]).groupby(level=0).max()
    return (best == last)[by_run.size() > 1]


def _without_value(results: StudyResults, metric: str) -> dict[str, int]:
    """By cell, the finished runs without a finite value of a metric that has no limit."""
    if metric not in results.values or results.metrics[metric].limit is not None:
        return {}
    distinct = ~results.runs.duplicated(["cell", "directory"])
    empty = (results.runs["status"] == "finished") & ~np.isfinite(results.values[metric]) & distinct
    return {str(cell): int(count) for cell, count in results.runs["cell"][empty].value_counts().items()}


def _grown(results: StudyResults, summary: Summary, cell: str, own: str) -> list[str]:
    """The costs that do not vary from run to run, such as a number of parameters, and are higher than the baseline's."""
    said = []
    for spec in _costs(results, "lower"):
        of_cell, baseline = summary.mean[spec.name][cell], summary.mean[spec.name][own]
        if spec.limit is None and not (summary.sd[spec.name] > 0).any() and of_cell > baseline > 0:
            times, title = of_cell / baseline, _within_a_sentence(spec.title)
            said.append(f"{100 * (times - 1):.2g} % more {title}" if times < 2 else f"{times:.1f} times the {title}")
    return said


def _slower(results: StudyResults, summary: Summary) -> dict[str, str]:
    """By how much the throughput is below the baseline's, where the interval of the difference excludes zero."""
    spec = next(iter(_costs(results, "higher")), None)
    if spec is None:
        return {}
    mean = summary.mean[spec.name]
    cells, block = results.cells(), results.manifest.blocks
    cells = {cell: cells[cell] for cell in summary.cells}
    try:
        found = differences(Outcomes.of(results, spec.name), cells, block)
    except UsageError:  # two runs of one seed at the same levels
        return {}
    own = baselines(cells, block)
    return {cell: f"{-100 * each.estimate / mean[own[cell]]:.2g} %" for cell, each in found.items() if each.interval()[1] < 0}


def _costs(results: StudyResults, better: str) -> list[MetricSpec]:
    specs = [results.metrics[str(name)] for name in results.values]
    return [spec for spec in specs if spec.role == "cost" and spec.better == better]


def at_chance(results: StudyResults, metric: str) -> set[str]:
    """The cells all of whose finished runs have the very value of a run that learned nothing."""
    chance = results.metrics[metric].chance
    if chance is None or metric not in results.values:
        return set()
    finished = results.runs["status"] == "finished"
    lost = ((results.values[metric][finished] - chance).abs() < 1e-9).groupby(results.runs["cell"][finished]).all()
    return set(lost.index[lost])


def seed_ignored(results: StudyResults, metric: str) -> bool:
    """Whether the finished runs of every configuration have the same value under all seeds, as if they were copies of one."""
    if metric not in results.values:
        return False
    finished = results.runs["status"] == "finished"
    known = results.values[metric][finished].dropna()
    cells = [values.to_numpy() for _, values in known.groupby(results.runs["cell"][known.index])]
    return equal_under_all_seeds(cells, resolution(known.to_frame()))


def _improving(results: StudyResults, history: pd.DataFrame | None) -> set[str]:
    """The cells all of whose finished runs were still improving in their last epoch."""
    spec = _curve(results, history) if history is not None and "epoch" in history else None
    if spec is None or history is None:
        return set()
    improving = still_improving(history, spec.name, higher_is_better=spec.better == "higher")
    finished = results.runs[results.runs["status"] == "finished"]
    by_cell = finished["directory"].map(improving).eq(True).groupby(finished["cell"]).all()
    return set(by_cell.index[by_cell])


def _curve(results: StudyResults, history: pd.DataFrame) -> MetricSpec | None:
    """The column of the history that tells improvement: of the curves that the program names, or else of all columns."""
    logged = history.dropna(axis="columns", how="all").select_dtypes("number").columns
    named = [name for name in results.description.curves if name in logged]
    specs = [results.metrics[str(name)] for name in named or logged]
    outcomes = [spec for spec in specs if spec.role == "outcome" and spec.better is not None]
    return next((spec for spec in outcomes if spec.better == "higher"), next(iter(outcomes), None))


def _within_a_sentence(title: str) -> str:
    """`Parameters` as `parameters`; `MACs` as it is."""
    return title if title[1:2].isupper() else f"{title[:1].lower()}{title[1:]}"
