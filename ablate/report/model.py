"""The content of a report: data frames and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ablate.core.claims import Claim, Unit
from ablate.core.levels import Level
from ablate.core.metrics import Metrics, MetricSpec
from ablate.report.configurations import Configurations
from ablate.report.curves import Curves
from ablate.report.table import Table
from ablate.stats.blocks import BlockAnalysis
from ablate.stats.comparisons import AgainstBaseline
from ablate.stats.estimates import Estimate
from ablate.stats.judge import Judgement
from ablate.stats.marginal_means import InteractionMeans
from ablate.stats.summary import Summary
from ablate.storage.audit import Audit
from ablate.storage.results import StudyResults


@dataclass(frozen=True)
class JudgedClaims:
    """The claims of a study with their verdicts.

    Attributes:
        claims: the claims in study.yaml.
        judgements: one for each claim.
        verdicts: the judgements as a frame, the content of verdicts.json.
        scorecard: a row for each published value.
        unit: what n of a verdict counts: `seed` or `block`; see `unit_of`.
    """

    claims: Sequence[Claim]
    judgements: Sequence[Judgement]
    verdicts: pd.DataFrame
    scorecard: pd.DataFrame
    unit: Unit = "seed"

    def unit_of(self, claim: Claim) -> Unit:
        """What n of the verdict on this claim counts."""
        return "seed" if claim.kind == "exact" else self.unit


@dataclass(frozen=True)
class Comparison:
    """The comparison of configurations by one metric.

    Attributes:
        metric: the name of the metric.
        contrasts: each level against the baseline of its factor, and the interactions of two factors.
        contrasts_frame: the contrasts as a frame, with intervals over test examples if available.
        examples: what those intervals are over, such as `test images`; empty if not available.
        anova: sums of squares; empty without factors.
        precision: the variation of the paired differences of each contrast, and the minimum detectable effect.
        interactions: the means at the levels of two factors, of the pairs that interact most.
        against: each configuration against the baseline with p values; empty if no contrasts can be computed.
        strata: for each contrast the same change in each of its strata, see `ablate.stats.heterogeneity.strata_of`.
        losses: for each contrast the runs that each arm lost, in words; empty where none did.
        no_change: the baseline against its second runs (study.control=aa); None without any.
        block: the factor whose levels are the blocks, if the contrasts are over blocks.
        blocks: each change compared in every block of a study with blocks; empty if no block has all its runs.
        in_blocks: by block, the metric with the digits of the differences there; empty if all have the same.
    """

    metric: str
    contrasts: Sequence[Estimate] = ()
    contrasts_frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    examples: str = ""
    anova: pd.DataFrame = field(default_factory=pd.DataFrame)
    precision: pd.DataFrame = field(default_factory=pd.DataFrame)
    interactions: Sequence[InteractionMeans] = ()
    against: Sequence[AgainstBaseline] = ()
    strata: Sequence[Sequence[Estimate]] = ()
    losses: Sequence[str] = ()
    no_change: Estimate | None = None
    block: str | None = None
    blocks: Sequence[BlockAnalysis] = ()
    in_blocks: Mapping[Level, MetricSpec] = field(default_factory=dict)

    @property
    def over_blocks(self) -> bool:
        """Whether the contrasts are over blocks, not over seeds."""
        return self.block is not None

    @property
    def unit(self) -> Unit:
        """What n of a contrast counts: `seed` or `block`."""
        return "block" if self.over_blocks else "seed"


@dataclass(frozen=True)
class AttributionResult:
    """The Shapley attribution of one path in the claims, by one metric.

    Attributes:
        name: the file name without suffix.
        title: the metric, and the fixed levels of other factors.
        metric: its name.
        shares: a row for each change, and the whole difference in the last row.
        orders: of the changes, how many the shares average over; None for all of them.
    """

    name: str
    title: str
    metric: str
    shares: pd.DataFrame
    orders: int | None = None


@dataclass(frozen=True)
class Tables:
    """The tables of a report; None for tables that do not apply. Iterates over existing tables."""

    ablation: Table | None = None
    verdicts: Table | None = None
    scorecard: Table | None = None
    results: Table | None = None
    further_results: Table | None = None
    costs: Table | None = None
    extra: Sequence[Table] = ()
    blocks: Sequence[Table] = ()
    contrasts: Table | None = None
    strata: Table | None = None
    anova: Table | None = None
    precision: Table | None = None
    attributions: Sequence[Table] = ()

    def __iter__(self) -> Iterator[Table]:
        single = (self.ablation, self.verdicts, self.scorecard, self.results, self.further_results, self.costs)
        several = (
            *single,
            *self.extra,
            *self.blocks,
            self.contrasts,
            self.strata,
            self.anova,
            self.precision,
            *self.attributions,
        )
        return (table for table in several if table is not None)


@dataclass(frozen=True)
class Report:
    """The content of a report.

    Attributes:
        name: the name of the study.
        folder: the folder of the report.
        results: the runs.
        metric: the main metric; None if the runs have no metrics.
        metrics: the metric descriptions, adjusted to the values.
        configurations: the names of the configurations.
        summary: the means of all metrics.
        audit: missing runs, and the provenance of the others.
        claims: the claims with their verdicts.
        comparison: the comparison by the main metric; None if no run has it.
        attributions: one for each path in the claims.
        curves: the learning curves; None without a history.
        sources: by the source name of a row, the digests of the configurations it is computed from.
        problems: unfinished and missing runs, and skipped files.
        tables: the tables.
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

    def specs(self, comparison: Comparison) -> dict[str, MetricSpec]:
        """By configuration, the compared metric with the digits of differences; in blocks, those of its block."""
        spec, block = self.metrics[comparison.metric], comparison.block
        if block is None:
            return dict.fromkeys(self.configurations, spec)
        return {digest: comparison.in_blocks.get(cell[block], spec) for digest, cell in self.configurations.cells.items()}
