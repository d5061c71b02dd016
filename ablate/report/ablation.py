"""What the ablation table is made from, and the keys of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ablate.core.metrics import MetricSpec
from ablate.report.configurations import Configurations
from ablate.stats.comparisons import AgainstBaseline
from ablate.stats.flags import Flag
from ablate.stats.summary import Summary

CONFIGURATION, MEAN, DIFFERENCE, P, N, FLAGS = "configuration", "mean", "difference", "p", "n", "flags"
SHARED = "shared"  # key of the letter of rows that are one experiment
SAME = "same runs"  # in place of the difference of a configuration that shares its runs with the baseline
SORTED_FROM = 40  # with more configurations, the best come first


@dataclass(frozen=True)
class Ablation:
    """What the ablation table is made from.

    Attributes:
        study: the name of the study, for the caption.
        summary: the means of all metrics.
        against: the comparisons with the baseline; empty if they are not available.
        metric: the main metric.
        spec: its description.
        configurations: the names of the configurations.
        flags: the flags of each configuration.
        blocks: the factor whose levels are blocks, if any.
        notes: additional notes.
        specs: by configuration, the metric with the digits of its difference, if these are not the same for all.
        same: by configuration that is the same experiment as another one, the one that ran.
        is_main: whether the metric is the main one of the study; the label of a table of another one has its name.
    """

    study: str
    summary: Summary
    against: Sequence[AgainstBaseline]
    metric: str
    spec: MetricSpec
    configurations: Configurations
    flags: Mapping[str, Sequence[Flag]]
    blocks: str | None = None
    notes: Sequence[str] = ()
    specs: Mapping[str, MetricSpec] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    is_main: bool = True

    @property
    def is_sorted(self) -> bool:
        """Whether the best come first."""
        return len(self.summary.cells) > SORTED_FROM and self.spec.better is not None

    @property
    def counts(self) -> pd.Series:
        """By configuration, the runs with a value; with a `limit`, which counts for those without, all that finished."""
        return self.summary.n[self.metric] if self.spec.limit is None else self.summary.counts["n"]

    @property
    def enough(self) -> int:
        """The number of values from which a mean can be the best: that of the baseline."""
        return int(self.summary.n[self.metric][self.summary.baseline])
