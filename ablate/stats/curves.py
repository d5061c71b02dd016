"""Learning curves averaged over the runs of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ablate.storage.results import StudyResults

FEWEST_RUNS = 3  # runs of a configuration that are shown as mean and standard deviation; fewer are shown one by one


@dataclass(frozen=True)
class MeanCurves:
    """Mean and sample standard deviation over the runs of each configuration.

    Both frames have a row for each configuration and epoch: `label`, `epoch` and the averaged columns.
    """

    mean: pd.DataFrame
    sd: pd.DataFrame

    @property
    def labels(self) -> set[str]:
        """The configurations that have a mean curve."""
        return set(self.mean["label"])


def mean_curves(history: pd.DataFrame, columns: Sequence[str], results: StudyResults) -> MeanCurves:
    """The mean curve of each configuration with `FEWEST_RUNS` finished runs or more, at the epochs that all of these have.

    Args:
        history: a row for each epoch, with `directory`, `label` (the configuration) and `epoch`.
        columns: those that are averaged.
        results: says which runs finished, and which were left out.
    """
    counted = results.counted.runs
    directories = counted.loc[counted["status"] == "finished", "directory"]
    kept = history[history["directory"].isin(directories)].dropna(subset=list(columns))
    runs = kept.groupby("label", sort=False)["directory"].nunique()
    kept = kept[kept["label"].map(runs) >= FEWEST_RUNS]
    groups = kept.groupby(["label", "epoch"], sort=False)
    complete = groups["directory"].nunique() == groups["label"].first().map(runs)
    mean, sd = groups[list(columns)].mean()[complete], groups[list(columns)].std(ddof=1)[complete]
    return MeanCurves(mean.reset_index(), sd.reset_index())
