"""What a study says, before it is written anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.core import designs
from ablate.core.claims import Claim, parse_all
from ablate.core.errors import UsageError
from ablate.report import audit, flags, stats_tables, tables
from ablate.report.audit import Health
from ablate.report.formatting import ACCURACY, Wordings, wordings_for
from ablate.report.text_table import TextTable
from ablate.stats import contrasts, sources
from ablate.stats.anova import effects_table
from ablate.stats.attribution import attribution, orders_drawn
from ablate.stats.bootstrap import with_images
from ablate.stats.estimates import Estimate, table
from ablate.stats.judge import judge_study
from ablate.stats.outcomes import Blocks, blocks, budget_of, factors_of, words
from ablate.stats.power import noise_table
from ablate.stats.scorecard import scorecard
from ablate.stats.shifts import shifts_table

TARGET = "evaluation.target_accuracy"
MISSING = 12  # cells that are named for the runs that they lack


@dataclass
class Shares:
    """The attribution of one path of the claims, under one metric."""

    name: str  # of its files
    title: str
    metric: str
    shares: pd.DataFrame


@dataclass
class Report:
    """The frames are those that `ablate.analysis` makes."""

    name: str
    folder: Path  # where the report goes
    study: Path | None  # where the runs are; None if another program made them
    metric: str | None  # the one that contrasts and effects are about; None if the runs have none
    metrics: list[str]
    runs: pd.DataFrame
    history: pd.DataFrame
    summary: pd.DataFrame  # a row a cell
    differences: pd.DataFrame  # of each cell to the first row of `summary`
    pairs: pd.DataFrame  # the same, seed by seed
    contrasts: pd.DataFrame  # every level against its factor's baseline, and the interactions of two factors
    estimates: list[Estimate]  # the same
    effects: pd.DataFrame  # sums of squares
    noise: pd.DataFrame  # how the pairs of each contrast scatter, and what they can decide
    verdicts: pd.DataFrame  # a row a claim; empty if the study has none
    scores: pd.DataFrame  # a row for each figure that somebody published
    paths: list[Shares]
    shifts: pd.DataFrame  # what layers of batch normalisation meet in evaluation mode; empty if no run kept it
    sources: dict[str, list[str]]  # the cells that a claim or a contrast comes from, by the names that tables use
    tables: list[TextTable]
    health: Health
    troubles: list[str]  # what a reader should know before believing: runs that are missing, files set aside
    launched: dict[str, Any]  # study.yaml
    wordings: Wordings  # how the metrics are written


def compose(
    runs: pd.DataFrame,
    *,
    name: str,
    folder: Path,
    study: Path | None = None,
    metric: str | None = None,
    history: pd.DataFrame | None = None,
    launched: dict[str, Any] | None = None,
    right: Mapping[str, Any] | None = None,
    norms: Mapping[str, Any] | None = None,
    troubles: Sequence[str] = (),
) -> Report:
    """Sum up runs, from wherever they are: a frame as `load_runs` gives it, with `attrs["factors"]`.

    `metric` is what contrasts and effects are about; None: the accuracy of the last epoch, else the first there is.
    `launched` may have `claims` and what else study.yaml holds; `right` which test images each run had right at its last
    epoch, by its directory, for `final_test_accuracy`; `norms` what it kept of its layers of batch normalisation, see
    `shifts_table`. Raises UsageError for claims that cannot be read.
    """
    launched = launched or {}
    factors = list(runs.attrs["factors"])
    if factors:
        runs["label"] = _labels(runs, factors)
    history = pd.DataFrame({"directory": []}) if history is None else history
    # cells that stand on others add no line to a figure
    history["label"] = history["directory"].map(runs.drop_duplicates("directory").set_index("directory")["label"])
    counted = runs[runs["left_out"].isna()]
    metrics = contrasts.metrics_of(counted, factors)
    if metric is None and metrics:
        metric = ACCURACY if ACCURACY in metrics else metrics[0]
    wordings = wordings_for(counted, metrics)
    verdicts, scores, claims = _judged(launched, runs)
    found = audit.examine(runs, study, launched)
    report = Report(
        name=name,
        folder=folder,
        study=study,
        metric=metric,
        metrics=metrics,
        runs=runs,
        history=history,
        summary=contrasts.summarise(counted, factors, metrics),
        differences=pd.DataFrame(),
        pairs=pd.DataFrame(),
        contrasts=pd.DataFrame(),
        estimates=[],
        effects=pd.DataFrame(),
        noise=pd.DataFrame(),
        verdicts=verdicts,
        scores=scores,
        paths=_paths(claims, counted, launched, wordings),
        shifts=shifts_table(runs, norms or {}),
        sources={},
        tables=[],
        health=found,
        troubles=[*troubles, *_not_finished(runs), *_not_begun(found)],
        launched=launched,
        wordings=wordings,
    )
    if metric is not None and not report.summary.empty:
        _compare(report, counted, metric, claims)
        if right and metric == ACCURACY:
            report.contrasts = with_images(report.contrasts, report.estimates, counted, right)
    report.tables = _tables(report, counted, factors)
    return report


def _compare(report: Report, counted: pd.DataFrame, metric: str, claims: Sequence[Claim]) -> None:
    """Fill in what is about the metric, and which cells each number comes from."""
    budgets = report.launched.get("budgets", {})
    baseline = report.summary["cell"].iloc[0]
    report.differences = contrasts.paired_differences(counted, metric, baseline)
    report.pairs = contrasts.pairs_by_seed(counted, metric, baseline)
    try:
        study = blocks(counted, metric, budget_of(metric, budgets))
    except ValueError as error:  # such as two runs that stand at the same levels
        report.troubles.append(f"No contrasts: {error}")
        return
    report.estimates = contrasts.every_contrast(study)
    report.contrasts = table(report.estimates)
    alone = [estimate.changes[0] for estimate in report.estimates if len(estimate.changes) == 1]
    report.noise = noise_table(study, alone)
    if study.factors:
        report.effects = effects_table(study)
    report.sources = {
        f"contrast-{at}": sources.cells_of(counted, study, estimate.changes) for at, estimate in enumerate(report.estimates)
    }
    report.sources |= {f"claim-{claim.id}": sources.cells_of_claim(counted, study, claim) for claim in claims}


def _tables(report: Report, counted: pd.DataFrame, factors: list[str]) -> list[TextTable]:
    shown: list[TextTable] = []
    wordings = report.wordings
    if not report.verdicts.empty:
        shown.append(tables.verdicts(report.verdicts, wordings))
    if not report.scores.empty:
        shown += _in_files(stats_tables.scorecard(report.scores, wordings))
    metric = report.metric
    if metric is None or report.summary.empty:
        return shown
    results = tables.results(
        report.summary, report.differences, metric, report.metrics, factors, flags.flags(report, counted), wordings
    )
    names = dict(zip(report.summary["cell"], tables.names_of(report.summary, factors), strict=True))
    for cell, stand_in in report.launched.get("same", {}).items():
        if stand_in["as"] in names:
            other = names.get(cell, stand_in["label"])
            results.notes.append(f"{other} is the same experiment as {names[stand_in['as']]}: one run stands for both.")
    shown.append(results)
    shown += _in_files(
        tables.further(report.summary, metric, report.metrics, factors, wordings),
        tables.costs(report.summary, report.metrics, factors, wordings, report.runs.attrs.get("facts", {}).get(TARGET)),
        stats_tables.shifts(report.shifts),
    )
    # a path has few seeds that are complete in all strata, and mostly none: there its shares are the answer
    if not report.contrasts.empty and (not report.paths or (report.contrasts["n"] > 0).any()):
        shown.append(stats_tables.contrasts(report.contrasts, metric, wordings))
        shown[-1].at_once = report.verdicts.empty
    if not report.effects.empty and report.effects["ss"].notna().any():
        shown += _in_files(stats_tables.effects(report.effects, metric, wordings))
    if not report.noise.empty and report.noise["sd"].notna().any():
        shown += _in_files(stats_tables.noise(report.noise, metric, wordings))
    known = [path for path in report.paths if path.shares["estimate"].notna().any()]  # of the others the verdict says why
    return shown + [stats_tables.shares(path.name, path.title, path.shares, path.metric, wordings) for path in known]


def _in_files(*several: TextTable | None) -> list[TextTable]:
    """Those that there are, and which are not what a reader looks for first."""
    return [replace(table, at_once=False) for table in several if table is not None]


def _judged(launched: dict[str, Any], runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[Claim]]:
    try:
        claims = parse_all(launched.get("claims", ()))
        orders = launched.get("orders")
        scores = scorecard(claims, runs, runs.attrs.get("facts"), budgets=launched.get("budgets"), orders=orders)
        return judge_study(claims, launched, runs), scores, claims
    except ValueError as error:
        raise UsageError(f"study.yaml: {error}") from None


def _paths(claims: Sequence[Claim], runs: pd.DataFrame, launched: Mapping[str, Any], wordings: Wordings) -> list[Shares]:
    """The attributions that the claims are about, each once."""
    asked: dict[str, Claim] = {}
    for claim in claims:
        if claim.kind == "path":
            asked.setdefault(repr((claim.path, claim.metric, claim.where)), claim)
    found: list[Shares] = []
    for claim in asked.values():
        where = claim.within(factors_of(runs))
        try:
            study: Blocks = blocks(runs, claim.metric, budget_of(claim.metric, launched.get("budgets", {})))
            drawn = orders_drawn(claim.path, launched.get("orders", {}))
            shares = attribution(study, claim.path, where, drawn)
        except ValueError:
            continue  # the verdict says why
        title = f"Attribution: {wordings.axis_title(claim.metric).removesuffix(' (%)')}" + (
            f", where {words(where)}" if where else ""
        )
        found.append(Shares("attribution" + f"_{len(found) + 1}" * bool(found), title, claim.metric, shares))
    return found


def _not_finished(runs: pd.DataFrame) -> list[str]:
    by_run = runs.drop_duplicates("directory")
    unfinished = by_run[by_run["left_out"].notna() | (by_run["status"] != "finished")].to_dict("records")
    left_out = [f"{run['directory']} left out: {run['left_out']}" for run in unfinished if run["left_out"]]
    others = [run for run in unfinished if not run["left_out"]]
    return left_out + [
        f"{run['directory']} {run['status']}" + (f": {run['error']}" if pd.notna(run["error"]) else "") for run in others
    ]


def _not_begun(found: Health) -> list[str]:
    seeds: dict[str, list[str]] = {}
    for run in found.missing:
        seeds.setdefault(run.label, []).append(run.seed)
    lines = [f"{label} has no run of seed {', '.join(each)}" for label, each in seeds.items()]
    return lines[:MISSING] + [f"{len(lines) - MISSING} more cells lack runs"] * (len(lines) > MISSING)


def _labels(runs: pd.DataFrame, factors: list[str]) -> pd.Series:
    """The cells by the levels of the study's factors; with their digest where these do not tell them apart."""
    labels = runs[factors].apply(lambda levels: designs.label(dict(levels)), axis="columns")
    ambiguous = runs.groupby(labels)["cell"].transform("nunique") > 1
    return labels.where(~ambiguous, labels + " " + runs["cell"])
