"""Means of the cells of a study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.core.cells import Cell
from ablate.core.levels import Factor
from ablate.stats.outcomes import kept
from ablate.storage.results import StudyResults


@dataclass(frozen=True)
class Summary:
    """The cells of a study in numbers. Only finished runs that nobody left out have a value.

    Attributes:
        cells: the short digests, in the order of the factors' levels: the first is the baseline.
        counts: by cell, `runs` (all of them) and `n` (those that count).
        mean: by cell, a column for each metric; NaN without a value.
        sd: the sample standard deviations (n - 1); NaN for fewer than two values.
        n: how many runs have a value, fewer than `counts.n` where a run never reached a target.
    """

    cells: list[str]
    counts: pd.DataFrame
    mean: pd.DataFrame
    sd: pd.DataFrame
    n: pd.DataFrame

    @property
    def baseline(self) -> str:
        """The cell in which every factor has its first level, or the first cell that was run."""
        return self.cells[0]

    def in_order(self, cells: list[str]) -> Summary:
        """The same numbers with the cells in another order."""
        return Summary(cells, *(frame.loc[cells] for frame in (self.counts, self.mean, self.sd, self.n)))


def summarize(results: StudyResults) -> Summary:
    """Count and average the runs of each cell."""
    cells = results.cells()
    order = sorted(cells, key=lambda digest: _rank(cells[digest], list(results.factors.values())))
    distinct = results.where(~results.runs.duplicated(["cell", "seed", "directory"]))  # one run may stand at two levels
    finished = _finished(distinct)
    counts = pd.DataFrame(
        {
            "runs": distinct.runs.groupby("cell").size().reindex(order),
            "n": finished.runs.groupby("cell").size().reindex(order, fill_value=0),
        },
        index=pd.Index(order, name="cell"),
    )
    groups = finished.values.where(np.isfinite(finished.values)).groupby(finished.runs["cell"])
    return Summary(
        order,
        counts,
        groups.mean().reindex(order),
        groups.std(ddof=1).reindex(order),
        groups.count().reindex(order, fill_value=0),
    )


def _finished(results: StudyResults) -> StudyResults:
    return results.where((results.runs["status"] == "finished") & kept(results.runs))


def _rank(cell: Cell, factors: list[Factor]) -> list[int]:
    """Sorts cells by their levels, the first level of each factor in front."""
    return [factor.levels.index(cell[factor.key]) if cell[factor.key] in factor else 0 for factor in factors]
