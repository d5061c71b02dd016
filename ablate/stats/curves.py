"""Learning curves averaged over the runs of a configuration."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ablate.storage.results import StudyResults


def mean_curves(history: pd.DataFrame, columns: Sequence[str], results: StudyResults) -> pd.DataFrame | None:
    """The mean curve of each configuration, over its finished runs that count, at the epochs that all of them have.

    Args:
        history: a row for each epoch, with `directory`, `label` (the configuration) and `epoch`.
        columns: those that are averaged.
        results: says which runs finished, and which were left out.

    Returns:
        `epoch`, the columns and `label`, a row for each point; None if no configuration has two such runs.
    """
    counted = results.counted.runs
    directories = counted.loc[counted["status"] == "finished", "directory"]
    kept = history[history["directory"].isin(directories)].dropna(subset=list(columns))
    lines, several = [], False
    for label, cell in kept.groupby("label", sort=False):
        runs, by_epoch = cell["directory"].nunique(), cell.groupby("epoch")
        several = several or runs > 1
        mean = by_epoch[list(columns)].mean()[by_epoch["directory"].nunique() == runs]
        lines.append(mean.reset_index().assign(label=label))
    return pd.concat(lines, ignore_index=True) if several else None
