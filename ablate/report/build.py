"""Build a report: load a study, compute its statistics, and make the tables. Does not write files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from ablate.core.cells import Condition
from ablate.core.claims import Change, Claim, Unit
from ablate.core.errors import UsageError
from ablate.core.metrics import Metrics, metrics_of
from ablate.report import inventory
from ablate.report.arrangement import with_tables
from ablate.report.configurations import Configurations
from ablate.report.curves import choose_curves
from ablate.report.formatting import as_reported, precise_enough
from ablate.report.model import AttributionResult, Comparison, JudgedClaims, Report
from ablate.report.values import errors_of
from ablate.stats import bootstrap, contrasts, estimates
from ablate.stats.anova import anova
from ablate.stats.attribution import attribution, drawn_orders, orders_averaged, outcomes_by_coalition
from ablate.stats.blocks import BlockAnalysis, analyze, by_block
from ablate.stats.claim_tests import losses_in_words
from ablate.stats.comparisons import compare_with_baseline
from ablate.stats.contributing_cells import cells_of_claim, cells_of_contrast, digest_by_column
from ablate.stats.controls import against_controls, no_change
from ablate.stats.heterogeneity import strata_of
from ablate.stats.judge import design_of, judge, judgements_frame
from ablate.stats.marginal_means import strongest_interactions
from ablate.stats.outcomes import Outcomes
from ablate.stats.power import noise_table
from ablate.stats.scorecard import scorecard
from ablate.stats.simultaneous import with_simultaneous
from ablate.stats.summary import summarize
from ablate.stats.verdict_changes import note_changes, wider_average
from ablate.storage import audit
from ablate.storage.audit import Audit
from ablate.storage.dataframe import load_history, load_kept, load_results
from ablate.storage.results import StudyResults

KEPT = 2000  # with more runs, kept arrays are not loaded
MISSING = 12  # configurations with missing runs that are listed

Arrays = Mapping[str, Mapping[str, NDArray[Any]]]  # the arrays saved under one name, by the directory of the run


def build(study: str | Path, metrics: Mapping[str, Mapping[str, Any]] | None = None) -> Report:
    """Load the study in a folder and build its report.

    Args:
        study: its folder.
        metrics: changes of metric descriptions; the first of these metrics is the main one.

    Raises:
        UsageError: if there are no runs, study.yaml cannot be read, or a metric is unknown, its description invalid, or
            changes what the verdicts of claims rest on.
    """
    study, metrics = Path(study), metrics or {}
    results = described(load_results(study), metrics, study)
    warnings: list[str] = []
    history = load_history(results, warnings)
    kept = kept_arrays(results, warnings)
    return compose(
        replace(results, warnings=(*results.warnings, *warnings)),
        name=study.resolve().name,
        folder=study / "report",
        metric=next(iter(metrics), None),
        history=history,
        kept=kept,
    )


def described(results: StudyResults, metrics: Mapping[str, Mapping[str, Any]], study: Path) -> StudyResults:
    """The results of a study with changed descriptions of some metrics.

    Raises:
        UsageError: if a metric is unknown, its description invalid, or changes what the verdicts of claims rest on.
    """
    if unknown := [name for name in metrics if name not in results.values]:
        raise UsageError(f"unknown metric '{unknown[0]}'; available: {', '.join(map(str, results.values)) or 'none'}.")
    if results.manifest.claims:
        results.metrics.check_settled(metrics, metrics_of(claim.metric for claim in results.claims()), study)
    return replace(results, metrics=results.metrics.updated(metrics))


def kept_arrays(results: StudyResults, warnings: list[str] | None = None) -> dict[str, Arrays]:
    """Load the arrays that the tables and the intervals of a report are made from, for `compose`; none of more than KEPT runs.

    Args:
        results: results of a study in a folder; those of other tools have no arrays.
        warnings: a list to append messages about unreadable files to; if None, they become Python warnings.
    """
    sources = [*(each.source for each in results.description.tables), *(each.source for each in results.description.examples)]
    return {source: load_kept(results, source, warnings) for source in dict.fromkeys(sources)} if len(results) <= KEPT else {}


def compose(
    results: StudyResults,
    *,
    name: str,
    folder: Path,
    metric: str | None = None,
    history: pd.DataFrame | None = None,
    kept: Mapping[str, Arrays] | None = None,
) -> Report:
    """Build a report from results of any origin.

    Args:
        results: all runs; `results.manifest` may contain claims.
        name: the title of the report.
        folder: the folder that the report will be written to.
        metric: the metric to compare; by default `results.main_metric`, the metric of claims that name none.
        history: the histories of the runs, with a column `directory`.
        kept: by the name given to `Run.keep`, the arrays of each run.

    Raises:
        UsageError: for invalid claims.
    """
    history = pd.DataFrame({"directory": []}) if history is None else history
    counted = results.counted
    metric = metric or results.main_metric or None
    summary = summarize(counted)
    cells = results.cells()
    configurations = Configurations.of(
        {digest: cells[digest] for digest in dict.fromkeys([*summary.cells, *cells])}, results.factors, results.manifest.blocks
    )
    summary = summary.in_order([digest for digest in configurations if digest in set(summary.cells)])
    metrics = as_reported(results.metrics, counted.values)
    claims = _judge(results, folder)
    found = audit.examine(results)
    report = Report(
        name=name,
        folder=folder,
        results=results,
        metric=metric,
        metrics=metrics,
        configurations=configurations,
        summary=summary,
        audit=found,
        claims=claims,
        attributions=_attributions(claims.claims, counted, metrics),
        curves=choose_curves(results, history, summary, configurations, metric),
        problems=[*results.warnings, *_unfinished(results), *_missing(found)],
    )
    if metric is not None and summary.cells:
        report = _with_comparison(report, counted, metric, kept or {})
    return with_tables(report, history, kept or {})


def _judge(results: StudyResults, folder: Path) -> JudgedClaims:
    try:
        claims = results.claims()
    except UsageError as error:
        raise UsageError(f"study.yaml: {error}") from None
    judgements = judge(claims, results)
    earlier = inventory.configurations_of_earlier_report(folder) if claims else set()
    cells, block = results.cells(), results.manifest.blocks
    wider = {claim.id: wider_average(claim, earlier, cells, results.factors, block) for claim in claims}
    frame = note_changes(inventory.verdicts_of_earlier_report(folder), judgements_frame(judgements), wider)
    unit: Unit = "block" if block in results.factors else "seed"
    return JudgedClaims(claims, judgements, frame, scorecard(claims, results), unit)


def _with_comparison(report: Report, counted: StudyResults, metric: str, kept: Mapping[str, Arrays]) -> Report:
    """Add the comparison by the main metric, and the sources of its numbers."""
    comparison = Comparison(metric)
    try:
        outcomes = Outcomes.of(counted, metric)
    except UsageError as error:  # for example two runs with the same seed and levels
        return replace(report, comparison=comparison, problems=[*report.problems, f"No contrasts: {error}"])
    block = counted.manifest.blocks if counted.manifest.blocks in outcomes.factors else None
    of_runs, outcomes = outcomes, by_block(outcomes, block) if block else outcomes
    found = contrasts.every_contrast(outcomes, further=against_controls(counted.manifest.controls))
    frame = with_simultaneous(estimates.table(found), found) if found else estimates.table(found)
    nouns = ""
    for examples in () if block else counted.description.examples:
        if examples.metric == metric and (right := bootstrap.unpacked(kept.get(examples.source, {}), examples)):
            frame = bootstrap.with_examples(frame, found, counted, right)
            nouns = examples.noun if frame["examples_low"].notna().any() else ""
    single = [each.changes[0] for each in found if len(each.changes) == 1]
    explained = anova(outcomes) if outcomes.factors else pd.DataFrame()
    cells = {digest: report.configurations.cells[digest] for digest in report.summary.cells}
    comparison = replace(
        comparison,
        against=compare_with_baseline(of_runs, cells, counted.manifest.blocks),
        contrasts=found,
        contrasts_frame=frame,
        examples=nouns,
        anova=explained,
        precision=noise_table(outcomes, single, design=design_of(counted)),
        interactions=strongest_interactions(outcomes, explained),
        strata=[strata_of(outcomes, each) for each in found],
        losses=[losses_in_words(of_runs, each.changes) for each in found],
        no_change=no_change(counted, metric),
        block=block,
        blocks=_blocks(of_runs, block, single, counted) if block else (),
    )
    names = digest_by_column(counted, of_runs)
    sources = {
        f"contrast-{at}": cells_of_contrast(counted, of_runs, each.changes, names=names) for at, each in enumerate(found)
    }
    report, comparison = _with_digits(report, comparison)
    sources["no-change"] = [report.summary.baseline]
    sources |= {f"claim-{claim.id}": cells_of_claim(counted, of_runs, claim) for claim in report.claims.claims}
    return replace(report, comparison=comparison, sources=sources)


def _with_digits(report: Report, comparison: Comparison) -> tuple[Report, Comparison]:
    """Choose the digits of the metric from the errors of its differences; without any of its own, for each block by itself."""
    spec, means = report.metrics[comparison.metric], report.summary.mean[comparison.metric]
    if comparison.block is None or spec.digits is not None:
        errors = errors_of([*comparison.contrasts, *(each.estimate for each in comparison.against)])
        spec = precise_enough(spec, errors, means)
        return replace(report, metrics=Metrics({**report.metrics, comparison.metric: spec})), comparison
    level_of = {digest: report.configurations.level(digest, comparison.block) for digest in means.index}
    in_blocks = {}
    for level in dict.fromkeys(level_of.values()):
        errors = errors_of(each.estimate for each in comparison.against if level_of[each.cell] == level)
        in_blocks[level] = precise_enough(spec, errors, [means[digest] for digest in level_of if level_of[digest] == level])
    return report, replace(comparison, in_blocks=in_blocks)


def _blocks(outcomes: Outcomes, block: str, changes: Sequence[Change], results: StudyResults) -> list[BlockAnalysis]:
    """Each change in every block, as far as some block has all its runs."""
    found = []
    for change in changes:
        try:
            scale, bounds = results.manifest.block_scale, results.manifest.block_bounds or None
            found.append(analyze(outcomes, block, change, scale=scale, bounds=bounds))
        except UsageError:  # no block is complete: the contrasts show what there is
            continue
    return found


def _attributions(claims: Sequence[Claim], results: StudyResults, metrics: Metrics) -> list[AttributionResult]:
    """The attributions for all paths in claims, without duplicates."""
    paths: dict[tuple[str, str, str], Claim] = {}
    for claim in claims:
        if claim.kind == "path":
            paths.setdefault((repr(claim.path), claim.metric, str(claim.where)), claim)
    found: list[AttributionResult] = []
    for claim in paths.values():
        where = claim.within(results.factors)
        try:
            outcomes, drawn = Outcomes.of(results, claim.metric), drawn_orders(claim.path, results.manifest.orders)
            shares = attribution(outcomes, claim.path, where, drawn)
            orders = orders_averaged(outcomes_by_coalition(outcomes, claim.path, where), list(claim.path), drawn)
        except UsageError:
            continue  # the verdict gives the reason
        name = f"attribution_{len(found) + 1}" if found else "attribution"
        found.append(AttributionResult(name, _attribution_title(claim, where, metrics), claim.metric, shares, orders))
    return found


def _attribution_title(claim: Claim, where: Condition, metrics: Metrics) -> str:
    title = f"Attribution: {metrics[claim.metric].title}"
    return f"{title}, where {where}" if where else title


def _unfinished(results: StudyResults) -> list[str]:
    """A sentence for each run that was left out or did not finish."""
    runs = results.runs.drop_duplicates("directory")
    left_out, others = [], []
    for directory, status, error, reason in runs[["directory", "status", "error", "left_out"]].itertuples(
        index=False, name=None
    ):
        if reason:
            left_out.append(f"{directory} left out: {reason}")
        elif status != "finished":
            others.append(f"{directory} {status}: {error}" if pd.notna(error) else f"{directory} {status}")
    return left_out + others


def _missing(found: Audit) -> list[str]:
    """A sentence for each configuration with missing runs."""
    seeds: dict[str, list[str]] = {}
    for run in found.missing:
        seeds.setdefault(run.label, []).append(run.seed)
    lines = [f"{label}: no run of seed {', '.join(each)}" for label, each in seeds.items()]
    more = len(lines) - MISSING
    return [*lines[:MISSING], f"{more} more configurations have missing runs"] if more > 0 else lines
