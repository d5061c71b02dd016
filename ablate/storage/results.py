"""The results of a study as one typed value: what every statistic and every table starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.core.cells import Cell
from ablate.core.claims import Claim, parse_all
from ablate.core.descriptions import Description
from ablate.core.levels import Factor, Level
from ablate.core.metrics import Metrics
from ablate.storage.manifest import StudyManifest

RUN_COLUMNS = ("cell", "label", "seed", "status", "error", "directory", "left_out")


@dataclass(frozen=True)
class StudyResults:
    """The runs of a study, in three frames with one index: a row a run.

    A factor and a metric may have the same name, or that of a column of `runs`: they live in frames of their own.

    Attributes:
        runs: the columns RUN_COLUMNS: `cell` (short digest of the configuration without its seed), `label`, `seed`,
            `status`, `error`, `directory` (relative to the study), `left_out` (the reason why a person set the run aside;
            else None). Cells that build the same experiment share runs: their rows name the same `directory`.
        levels: a column for each factor, of `Level` objects.
        values: a column for each metric, of floats; NaN where a run has no value.
        factors: those that vary, in their order, the baseline level first.
        facts: every key and group at which all runs have the same level.
        seeds: in the order in which they were asked for; empty if that is not known.
        metrics: how each metric is called, written and read.
        manifest: study.yaml; empty for results of other tools.
        description: what the program says about its results.
        folder: of the study; None for results of other tools.
        warnings: files that were set aside, and why.
        drifted: keys of `manifest.fixed` that are not the same in all runs any more, though no factor explains it: runs of
            equal levels differ in them, or no run has them.
    """

    runs: pd.DataFrame
    levels: pd.DataFrame
    values: pd.DataFrame
    factors: Mapping[str, Factor]
    facts: Mapping[str, Level] = field(default_factory=dict)
    seeds: tuple[Any, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)
    manifest: StudyManifest = field(default_factory=StudyManifest)
    description: Description = field(default_factory=Description)
    folder: Path | None = None
    warnings: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.runs)

    def where(self, mask: pd.Series) -> StudyResults:
        """The rows for which `mask` (a boolean series with the index of `runs`) is true."""
        return replace(self, runs=self.runs[mask], levels=self.levels[mask], values=self.values[mask])

    @property
    def counted(self) -> StudyResults:
        """Without the runs that a person left out."""
        return self.where(self.runs["left_out"].isna())

    @property
    def main_metric(self) -> str:
        """The metric of claims that name none: the first that the program described and its runs have, or else the first."""
        described = [spec.name for spec in self.description.metrics if spec.name in self.values]
        return next(iter([*described, *map(str, self.values)]), "")

    def claims(self) -> list[Claim]:
        """The claims of the study.

        Raises:
            ClaimError: if study.yaml holds one that cannot be read.
        """
        return parse_all(self.manifest.claims, self.main_metric)

    def cells(self) -> dict[str, Cell]:
        """The levels of each cell, by its digest, in the order of their first run."""
        first = ~self.runs["cell"].duplicated()
        rows = self.levels[first].to_dict("records")
        return {
            digest: Cell({str(key): level for key, level in row.items()})
            for digest, row in zip(self.runs["cell"][first], rows, strict=True)
        }

    def to_frame(self) -> pd.DataFrame:
        """All columns side by side, levels as plain values: for pandas. A name that occurs twice gets a prefix."""
        plain = {  # levels are values, not numbers: null is one, and 500 is not 500.0
            key: pd.Series([level.value for level in column], index=column.index, dtype=object)
            for key, column in self.levels.items()
        }
        levels = pd.DataFrame(plain, index=self.levels.index)
        taken = set(self.runs.columns)
        levels = levels.rename(columns={name: f"factor.{name}" for name in levels if name in taken})
        taken |= set(levels.columns)
        values = self.values.rename(columns={name: f"metric.{name}" for name in self.values if name in taken})
        return pd.concat([self.runs, levels, values], axis="columns")
