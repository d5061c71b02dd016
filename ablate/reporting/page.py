"""The report of a study: report.md, cells.csv and the figures, in its folder `report/`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.analysis import contrasts
from ablate.analysis.blocks import blocks
from ablate.analysis.effects import effects_table
from ablate.analysis.estimates import table
from ablate.analysis.judging import judge_study
from ablate.analysis.power import noise_table
from ablate.analysis.scorecard import score_study
from ablate.reporting import plots, tables
from ablate.reporting.tables import TextTable
from ablate.study import design
from ablate.study.errors import UsageError
from ablate.study.loading import load_history, load_runs
from ablate.study.records import read_study, write_atomically


@dataclass
class Report:
    """What a study says, before it is written anywhere. The frames are those that `ablate.analysis` makes."""

    name: str
    folder: Path  # where the report goes
    metric: str | None  # the one that contrasts and effects are about; None if the runs have none
    metrics: list[str]
    runs: pd.DataFrame
    history: pd.DataFrame
    summary: pd.DataFrame  # a row a cell
    differences: pd.DataFrame  # of each cell to the first row of `summary`
    contrasts: pd.DataFrame  # every level against its factor's baseline, and the interactions of two factors
    effects: pd.DataFrame  # sums of squares
    noise: pd.DataFrame  # how the pairs of each contrast scatter, and what they can decide
    verdicts: pd.DataFrame  # a row a claim; empty if the study has none
    scores: pd.DataFrame  # a row for each figure that somebody published
    tables: list[TextTable]
    troubles: list[str]  # what a reader should know before believing: runs that are missing, files set aside
    launched: dict[str, Any]  # study.yaml


def build(study: Path) -> Report:
    """Read a study and sum it up. Raises UsageError if there are no runs."""
    with warnings.catch_warnings(record=True) as set_aside:
        warnings.simplefilter("always")
        runs = load_runs(study)
        history = load_history(study, runs)
    troubles = [str(warning.message) for warning in set_aside]
    return compose(
        runs, name=study.name, folder=study / "report", history=history, launched=read_study(study), troubles=troubles
    )


def compose(
    runs: pd.DataFrame,
    *,
    name: str,
    folder: Path,
    metric: str | None = None,
    history: pd.DataFrame | None = None,
    launched: dict[str, Any] | None = None,
    troubles: Sequence[str] = (),
) -> Report:
    """Sum up runs, from wherever they are: a frame as `load_runs` gives it, with `attrs["factors"]`.

    `metric` is what contrasts and effects are about; None: the accuracy of the last epoch, else the first there is.
    `launched` may have `claims` and what else study.yaml holds. Raises UsageError for claims that cannot be read.
    """
    launched = launched or {}
    history = pd.DataFrame({"directory": []}) if history is None else history
    factors = list(runs.attrs["factors"])
    if factors:
        runs["label"] = _labels(runs, factors)
    counted = runs[runs["left_out"].isna()]
    metrics = contrasts.metrics_of(counted, factors)
    summary = contrasts.summarise(counted, factors, metrics)
    shown: list[TextTable] = []
    if metric is None and metrics:
        metric = "final_test_accuracy" if "final_test_accuracy" in metrics else metrics[0]
    differences = every = noise = effects = pd.DataFrame()
    if metric is not None:
        differences = contrasts.paired_differences(counted, metric, baseline=summary["cell"].iloc[0])
        study = blocks(counted, metric, launched.get("budgets", {}).get(metric))
        found = contrasts.every_contrast(study, pooled=False)
        every, effects = table(found), effects_table(study)
        noise = noise_table(study, [estimate.changes[0] for estimate in found if len(estimate.changes) == 1])
        shown.append(tables.results(summary, differences, metric, metrics, factors))
        if (cost := tables.costs(summary, metrics, factors)) is not None:
            shown.append(cost)
    troubles = [
        *troubles,
        *(
            f"{run['directory']} left out: {run['left_out']}"
            for run in runs.drop_duplicates("directory").to_dict("records")
            if run["left_out"]
        ),
    ]
    for run in counted[counted["status"] != "finished"].drop_duplicates("directory").to_dict("records"):
        troubles.append(f"{run['directory']} {run['status']}" + (f": {run['error']}" if run["error"] else ""))
    verdicts, scores = _judged(launched, runs)
    for stand_in in launched.get("same", {}).values():
        runner = runs.loc[runs["cell"] == stand_in["as"], "label"]
        if shown and not runner.empty:
            shown[0].notes.append(f"{stand_in['label']} is the same experiment as {runner.iloc[0]}, which ran for both.")
    if not verdicts.empty:
        shown.insert(0, tables.verdicts(verdicts))
    return Report(
        name=name,
        folder=folder,
        metric=metric,
        metrics=metrics,
        runs=runs,
        history=history,
        summary=summary,
        differences=differences,
        contrasts=every,
        effects=effects,
        noise=noise,
        verdicts=verdicts,
        scores=scores,
        tables=shown,
        troubles=troubles,
        launched=launched,
    )


def _judged(launched: dict[str, Any], runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    try:
        return judge_study(launched, runs), score_study(launched, runs)
    except ValueError as error:
        raise UsageError(f"study.yaml: {error}") from None


def _labels(runs: pd.DataFrame, factors: list[str]) -> pd.Series:
    """The cells by the levels of the study's factors; with their digest where these do not tell them apart."""
    labels = runs[factors].apply(lambda levels: design.label(dict(levels)), axis="columns")
    ambiguous = runs.groupby(labels)["cell"].transform("nunique") > 1
    return labels.where(~ambiguous, labels + " " + runs["cell"])


def write(report: Report) -> Path:
    """Write the report's files; the path of report.md."""
    folder = report.folder
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "cells.csv", report.summary.to_csv(index=False))
    if not report.verdicts.empty:
        write_atomically(
            folder / "verdicts.json", report.verdicts.to_json(orient="records", indent=1, force_ascii=False) + "\n"
        )
    lines = [f"# {report.name}", ""]
    if command := report.launched.get("command"):
        lines += [f"    {command}", ""]
    if source := report.launched.get("decisions", {}).get("data.source"):
        lines += [f"The images: data={source['asked']} meant data={source['took']}.", ""]
    lines += [table.to_markdown() for table in report.tables]
    if report.troubles:
        lines += ["## Not finished, or set aside", "", *(f"- {_plain(trouble)}" for trouble in report.troubles), ""]
    if figure := _write_curves(report, folder / "figures"):
        lines += [
            "## Learning curves",
            "",
            f"![Learning curves](figures/{figure.name})",
            "",
            "Each line is one run: look first whether lines of one colour lie closer together than the colours do.",
            "",
        ]
    path = folder / "report.md"
    write_atomically(path, "\n".join(lines))
    return path


def _write_curves(report: Report, folder: Path) -> Path | None:
    history = report.history
    columns = _curves(list(history.columns))
    if not columns or "epoch" not in history:
        return None
    labels = report.runs.drop_duplicates("directory").set_index("directory")["label"]  # cells that stand on others add no line
    history["label"] = history["directory"].map(labels)
    order = [label for label in report.summary["label"].drop_duplicates() if label in set(history["label"])]
    figure = plots.learning_curves(history, columns, order)
    path = folder / "learning_curves.png"
    figure.savefig(path, dpi=150)
    plots.close(figure)
    return path


def _curves(columns: Sequence[str]) -> list[str]:
    """The columns of the history that are drawn: the test accuracies, else the first two that an application logs."""
    accuracies = [column for column in plots.TITLES if column in columns]
    return accuracies or [column for column in columns if column not in ("directory", "epoch")][:2]


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("\n", " ")
