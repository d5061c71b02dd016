"""The content of a report before it is written: finished frames and tables, in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ablate.core.claims import Claim
from ablate.core.metrics import Metrics
from ablate.report.configurations import Configurations
from ablate.report.curves import Curves
from ablate.report.table import Table
from ablate.stats.estimates import Estimate
from ablate.stats.judge import Judgement
from ablate.stats.summary import Summary
from ablate.storage.audit import Audit
from ablate.storage.results import StudyResults


@dataclass(frozen=True)
class JudgedClaims:
    """The claims of a study with what its runs say about them.

    Attributes:
        claims: as study.yaml has them.
        judgements: one for each claim.
        verdicts: the same as a frame, as verdicts.json has it.
        scores: a row for each published figure.
    """

    claims: Sequence[Claim]
    judgements: Sequence[Judgement]
    verdicts: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """The configurations compared by one metric.

    Attributes:
        metric: its name.
        differences: of each configuration to the baseline.
        pairs: the same, seed by seed.
        contrasts: every level against its factor's baseline, and the interactions of two factors.
        contrasts_frame: the same as a frame, with the intervals over test examples if they are known.
        examples: what those intervals are over, such as `test images`; empty if they are not known.
        anova: sums of squares; empty without factors.
        precision: how the pairs of each contrast vary, and the minimum detectable effect.
    """

    metric: str
    differences: pd.DataFrame
    pairs: pd.DataFrame
    contrasts: Sequence[Estimate] = ()
    contrasts_frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    examples: str = ""
    anova: pd.DataFrame = field(default_factory=pd.DataFrame)
    precision: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class AttributionResult:
    """The Shapley attribution of one path of the claims, by one metric.

    Attributes:
        name: of its files.
        title: the metric and the levels that the path holds fixed.
        metric: its name.
        shares: a row for each change, the whole difference last.
    """

    name: str
    title: str
    metric: str
    shares: pd.DataFrame


@dataclass(frozen=True)
class Tables:
    """The tables of a report; None for those that the study has no use for. Iterates over those that there are."""

    verdicts: Table | None = None
    scorecard: Table | None = None
    results: Table | None = None
    further_results: Table | None = None
    costs: Table | None = None
    extra: Sequence[Table] = ()
    contrasts: Table | None = None
    anova: Table | None = None
    precision: Table | None = None
    attributions: Sequence[Table] = ()

    def __iter__(self) -> Iterator[Table]:
        single = (self.verdicts, self.scorecard, self.results, self.further_results, self.costs)
        several = (*single, *self.extra, self.contrasts, self.anova, self.precision, *self.attributions)
        return (table for table in several if table is not None)


@dataclass(frozen=True)
class Report:
    """Everything that a report says.

    Attributes:
        name: of the study.
        folder: where the report goes.
        results: the runs.
        metric: the main one; None if the runs have none.
        metrics: their descriptions, as the report writes them.
        configurations: their names.
        summary: means of all metrics.
        audit: which runs are missing, and what made the others.
        claims: with their verdicts.
        comparison: by the main metric; None if no run has it.
        attributions: of the paths that claims are about.
        curves: what the figure of learning curves shows; None without a history.
        sources: the digests of the configurations that a contrast or a claim is computed from, by the names that rows use.
        problems: runs that did not finish, runs that are missing, files that were set aside.
        tables: all of them.
    """

    name: str
    folder: Path
    results: StudyResults
    metric: str | None
    metrics: Metrics
    configurations: Configurations
    summary: Summary
    audit: Audit
    claims: JudgedClaims
    comparison: Comparison | None = None
    attributions: Sequence[AttributionResult] = ()
    curves: Curves | None = None
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Sequence[str] = ()
    tables: Tables = field(default_factory=Tables)
