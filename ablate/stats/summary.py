"""Means of the cells of a study, and their differences from the baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ablate.core.cells import Cell
from ablate.core.levels import Factor
from ablate.stats.comparisons import baselines, welch
from ablate.stats.outcomes import kept, values_of
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


def pairs_by_seed(results: StudyResults, metric: str, baseline: str) -> pd.DataFrame:
    """The differences that `paired_differences` averages, long: `cell`, `seed`, `difference`."""
    found = _values(results, metric)
    found["baseline"] = found["cell"].map(baselines_of(results, baseline)).astype(object)  # also if there is only one cell
    against = found[["cell", "seed", "value"]].set_axis(["baseline", "seed", "of_baseline"], axis=1)
    both = found.merge(against, on=["baseline", "seed"])
    return both.assign(difference=both["value"] - both["of_baseline"])[["cell", "seed", "difference"]]


def paired_differences(results: StudyResults, metric: str, baseline: str, confidence: float = 0.95) -> pd.DataFrame:
    """The difference of a metric to the baseline, seed by seed: one row for each other cell.

    Args:
        results: the runs. If their manifest names blocks, each cell is compared with the baseline of its own block.
        metric: its name.
        baseline: the digest of the cell that the others are compared with.
        confidence: of the interval.

    Returns:
        `cell`; its `baseline`; `n`, the seeds that both cells finished; `estimate`, the mean of the paired differences; `sd`,
        their sample standard deviation; `low` and `high`, the interval of the paired t: estimate ± t(n - 1) sd / sqrt(n). One
        pair has an estimate and no interval. Without any pair the row is `unpaired`: the difference of the means with the
        interval of Welch's t and n, the runs of the smaller cell; NaN if a cell has fewer than two.
    """
    of_cells = dict(list(pairs_by_seed(results, metric, baseline).groupby("cell")["difference"]))
    values = dict(list(_values(results, metric).groupby("cell")["value"]))
    nothing = pd.Series(dtype=float)
    rows = []
    for cell, own in baselines_of(results, baseline).items():
        row: dict[str, object] = {"cell": cell, "baseline": own}
        pairs = of_cells.get(cell, nothing)
        n = len(pairs)
        if not n:
            found = welch(values.get(own, nothing), values.get(cell, nothing))
            low, high = found.interval(confidence)
            row |= {"n": found.n, "estimate": found.estimate, "sd": np.nan, "low": low, "high": high}
            rows.append(row | {"unpaired": found.unpaired is not None})
            continue
        estimate = pairs.mean()
        sd = pairs.std(ddof=1) if n > 1 else np.nan
        half = stats.t.ppf((1 + confidence) / 2, n - 1) * sd / np.sqrt(n) if n > 1 else np.nan
        row |= {"n": n, "estimate": estimate, "sd": sd, "low": estimate - half, "high": estimate + half, "unpaired": False}
        rows.append(row)
    return pd.DataFrame(rows, columns=["cell", "baseline", "n", "estimate", "sd", "low", "high", "unpaired"])


def baselines_of(results: StudyResults, baseline: str) -> dict[str, str]:
    """By cell, the one that it is compared with: `baseline`, or with blocks, the same levels in the block of the cell."""
    cells = results.cells()
    return baselines({baseline: cells[baseline], **cells}, results.manifest.blocks)


def _values(results: StudyResults, metric: str) -> pd.DataFrame:
    """`cell`, `seed`, `value` of the finished runs that have one."""
    finished = _finished(results.where(~results.runs.duplicated(["cell", "seed", "directory"])))
    return finished.runs[["cell", "seed"]].assign(value=values_of(finished, metric)).dropna(subset="value")


def _finished(results: StudyResults) -> StudyResults:
    return results.where((results.runs["status"] == "finished") & kept(results.runs))


def _rank(cell: Cell, factors: list[Factor]) -> list[int]:
    """Sorts cells by their levels, the first level of each factor in front."""
    return [factor.levels.index(cell[factor.key]) if cell[factor.key] in factor else 0 for factor in factors]
