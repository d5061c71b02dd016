"""`StudyResults`: the runs of a study, the input of all statistics and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
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
    """The runs of a study in three data frames with the same index, one row for each run.

    Levels and metrics are in separate frames, so that a factor and a metric may have the same name.

    Attributes:
        runs: the columns RUN_COLUMNS: `cell` (short digest of the configuration without its seed), `label`, `seed`, `status`,
            `error`, `directory` (relative to the study), `left_out` (the reason in study.leave_out, or None). Cells that build
            the same experiment share runs: their rows have the same `directory`.
        levels: a column of `Level` objects for each factor.
        values: a column of floats for each metric; NaN for a missing value.
        factors: the factors in order, each with its baseline level first.
        facts: the keys and config groups that have the same level in all runs.
        seeds: the seeds in the order in which they were requested; empty if unknown.
        metrics: the descriptions of the metrics.
        manifest: the content of study.yaml; empty for results of other tools.
        description: the program's description of its results.
        folder: the folder of the study; None for results of other tools.
        control: the second runs of the baseline (study.control=aa), which are in no other frame; None without any.
        repeated: the second runs with the same seed (study.check_repeatable), likewise.
        warnings: messages about skipped files.
        drifted: keys of `manifest.fixed` that have changed since: runs with equal levels differ in them, or no run has them.
        written: by directory, the files that the run wrote, where its record tells; other files are those of its program.
        paired: whether equal seeds pair runs; False if runs have no seeds, so that each has a number of its own.
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
    control: StudyResults | None = None
    repeated: StudyResults | None = None
    warnings: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    written: Mapping[str, Sequence[str]] = field(default_factory=dict)
    paired: bool = True

    def __len__(self) -> int:
        return len(self.runs)

    def where(self, mask: pd.Series) -> StudyResults:
        """Select the rows for which `mask` (a boolean series with the index of `runs`) is true."""
        return replace(self, runs=self.runs[mask], levels=self.levels[mask], values=self.values[mask])

    @property
    def counted(self) -> StudyResults:
        """The results without the runs in study.leave_out."""
        return self.where(self.runs["left_out"].isna())

    @property
    def main_metric(self) -> str:
        """The default metric of claims: that of study.metric, the first described one that the runs have, or the first one."""
        if self.manifest.metric in self.values:
            return str(self.manifest.metric)
        described = [spec.name for spec in self.description.metrics if spec.name in self.values]
        return next(iter([*described, *map(str, self.values)]), "")

    def claims(self) -> list[Claim]:
        """Parse the claims of the study.

        Raises:
            ClaimError: if study.yaml contains an invalid claim.
        """
        return parse_all(self.manifest.claims, self.main_metric)

    def cells(self) -> dict[str, Cell]:
        """The cells by digest, in the order of their first run."""
        return dict(self._cells)

    @cached_property
    def _cells(self) -> dict[str, Cell]:
        first = ~self.runs["cell"].duplicated()
        rows = self.levels[first].to_numpy(dtype=object)  # a row for each cell, also without factors
        return {
            digest: Cell(dict(zip(map(str, self.levels), row, strict=True)))
            for digest, row in zip(self.runs["cell"][first], rows, strict=True)
        }

    def to_frame(self) -> pd.DataFrame:
        """Join the three frames, with levels as plain values. Duplicate names get the prefix `factor.` or `metric.`."""
        plain = {  # dtype object keeps None, and keeps 500 from becoming 500.0
            key: pd.Series([level.value for level in column], index=column.index, dtype=object)
            for key, column in self.levels.items()
        }
        levels = pd.DataFrame(plain, index=self.levels.index)
        taken = set(self.runs.columns)
        levels = levels.rename(columns={name: f"factor.{name}" for name in levels if name in taken})
        taken |= set(levels.columns)
        values = self.values.rename(columns={name: f"metric.{name}" for name in self.values if name in taken})
        return pd.concat([self.runs, levels, values], axis="columns")
