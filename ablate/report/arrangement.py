"""Make all tables of a report from its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from ablate.core.levels import short_names
from ablate.report import block_tables, cell_tables, claim_tables, effect_tables, strata_table
from ablate.report.ablation import Ablation
from ablate.report.ablation_table import ablation_table
from ablate.report.extra_tables import extra_table
from ablate.report.model import Comparison, Report, Tables
from ablate.stats.blocks import BlockAnalysis
from ablate.stats.estimates import Estimate
from ablate.stats.flags import flags
from ablate.stats.kept_arrays import summarize_arrays


def with_tables(report: Report, history: pd.DataFrame, kept: Mapping[str, Mapping[str, Mapping[str, NDArray[Any]]]]) -> Report:
    """Add the tables to a report.

    Args:
        report: the report without tables.
        history: the histories of the runs, for the flags.
        kept: the arrays that runs saved, by the name given to `Run.keep`.
    """
    claims, metrics = report.claims, report.metrics
    tables = Tables(
        verdicts=claim_tables.verdicts(claims.judgements, claims.verdicts, metrics, claims.unit) if claims.judgements else None,
        scorecard=None if claims.scorecard.empty else claim_tables.scorecard(claims.scorecard, metrics),
    )
    if report.comparison is not None:
        tables = _with_configurations(tables, report, report.comparison, history, kept)
        tables = _with_effects(tables, report, report.comparison)
    return replace(report, tables=tables)


def _with_configurations(
    tables: Tables,
    report: Report,
    comparison: Comparison,
    history: pd.DataFrame,
    kept: Mapping[str, Mapping[str, Mapping[str, NDArray[Any]]]],
) -> Tables:
    counted, summary = report.results.counted, report.summary
    found = flags(
        counted,
        summary,
        comparison.metric,
        history,
        missing=Counter(run.cell for run in report.audit.missing),
        other_code=report.audit.stale,
        timings_comparable=report.audit.timed_alike,
    )
    extra = []
    for description in report.results.description.tables:
        frame = summarize_arrays(description, report.results, kept.get(description.source, {}))
        extra += [] if frame.empty else [extra_table(description, frame, report.configurations)]
    ablation = ablation_table(
        Ablation(
            report.name,
            summary,
            comparison.against,
            comparison.metric,
            report.metrics[comparison.metric],
            report.configurations,
            found,
            report.results.manifest.blocks,
            list(_identical(report)),
            report.specs(comparison),
            {digest: stand_in.runner for digest, stand_in in report.results.manifest.same.items()},
            comparison.metric == report.results.main_metric,
        )
    )
    return replace(
        tables,
        ablation=ablation,
        results=cell_tables.results(
            summary,
            comparison.against,
            comparison.metric,
            report.metrics,
            report.configurations,
            found,
            list(_identical(report)),
            main=ablation is None,
            specs=report.specs(comparison),
        ),
        further_results=cell_tables.further_results(summary, comparison.metric, report.metrics, report.configurations),
        costs=cell_tables.costs(summary, report.metrics, report.configurations),
        extra=extra,
    )


def _with_effects(tables: Tables, report: Report, comparison: Comparison) -> Tables:
    spec = report.metrics[comparison.metric]
    found = comparison.contrasts
    shares = [
        each for each in report.attributions if each.shares["estimate"].notna().any()
    ]  # otherwise the verdict gives the reason
    # if each seed runs only some orders of a path, no contrast has complete seeds; the attribution replaces it
    shown = found and (not report.attributions or any(each.n for each in found))
    single = [each for each in found if len(each.changes) == 1]
    names = short_names(list(report.results.factors))
    return replace(
        tables,
        blocks=[
            block_tables.blocks(
                each, spec, f"blocks_{at}" if at > 1 else "blocks", _source(each, found), names, comparison.in_blocks
            )
            for at, each in enumerate(comparison.blocks, 1)
        ],
        contrasts=effect_tables.contrasts(comparison, spec, main=tables.verdicts is None, names=names) if shown else None,
        strata=strata_table.strata(comparison, spec, names) if shown else None,
        anova=effect_tables.anova(comparison.anova, spec, names, comparison.unit, report.configurations.one_at_a_time)
        if _known(comparison.anova, "ss")
        else None,
        precision=effect_tables.precision(comparison.precision, single, spec, names, comparison.unit)
        if _known(comparison.precision, "sd")
        else None,
        attributions=[effect_tables.attribution(each, report.metrics[each.metric]) for each in shares],
    )


def _source(analysis: BlockAnalysis, found: Sequence[Estimate]) -> str:
    """The source of a table of blocks: that of the contrast of the same change."""
    at = next(at for at, each in enumerate(found) if each.changes == (analysis.change,))
    return f"contrast-{at}"


def _identical(report: Report) -> Iterator[str]:
    """A note for each configuration that shares the runs of another one."""
    names = report.configurations.names
    for digest, stand_in in report.results.manifest.same.items():
        if stand_in.runner in names:
            yield f"{names.get(digest, stand_in.label)}: identical configuration to {names[stand_in.runner]}, run once."


def _known(frame: pd.DataFrame, column: str) -> bool:
    return column in frame and bool(frame[column].notna().any())
