"""Cells summed up, and paired differences between them. Frames in, frames out.

The frames are those of `ablate.load_runs`: a row a run, with `cell`, `seed`, `status` and the metrics as columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

DESCRIPTION = ("cell", "label", "seed", "status", "error", "directory", "left_out")


def metrics_of(runs: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """The columns of `runs` that hold metrics, in the order in which the runs returned them."""
    return [column for column in runs.columns if column not in DESCRIPTION and column not in factors]


def summarise(runs: pd.DataFrame, factors: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """One row a cell: its levels, `runs` (all), `n` (finished) and for each metric its mean, `<metric>_sd` and `<metric>_n`.

    Only finished runs count. `_sd` is the sample standard deviation (n - 1), NaN for one run; `_n` the runs that have a
    value, fewer than `n` where a run never reached a target. A cell without a finished run keeps its row, with NaN.
    Cells stand in the order of the factors' levels in `runs.attrs["factors"]`, if that is there.
    """
    finished = runs[runs["status"] == "finished"]
    summary = runs.drop_duplicates("cell").set_index("cell")[["label", *factors]]
    summary["runs"] = runs.groupby("cell").size()
    summary["n"] = finished.groupby("cell").size().reindex(summary.index, fill_value=0)
    by_cell = finished.groupby("cell")
    columns = {}
    for metric in metrics:
        columns[metric] = by_cell[metric].mean()
        columns[f"{metric}_sd"] = by_cell[metric].std(ddof=1)
        columns[f"{metric}_n"] = by_cell[metric].count()
    summary = summary.join(pd.DataFrame(columns))
    return summary.iloc[_order(summary, factors, runs.attrs.get("factors", {}))].reset_index()


def paired_differences(runs: pd.DataFrame, metric: str, baseline: str, confidence: float = 0.95) -> pd.DataFrame:
    """One row for each cell but `baseline`: the difference of `metric` to the baseline cell, seed by seed.

    `n` is the number of seeds that both cells finished, `estimate` the mean of the paired differences, `sd` their sample
    standard deviation, `low` and `high` the interval of the paired t: estimate ± t(n-1) sd / sqrt(n). With one pair there
    is an estimate and no interval; with none, NaN.
    """
    finished = runs[runs["status"] == "finished"]
    by_seed = finished.set_index(["seed", "cell"])[metric].unstack("cell")  # noqa: PD010 - a pivot_table would average
    rows = []
    for cell in runs["cell"].drop_duplicates():
        if cell == baseline:
            continue
        pairs = pd.Series(dtype=float)
        if cell in by_seed and baseline in by_seed:
            pairs = (by_seed[cell] - by_seed[baseline]).dropna()
        n = len(pairs)
        estimate = pairs.mean() if n else np.nan
        sd = pairs.std(ddof=1) if n > 1 else np.nan
        half = stats.t.ppf((1 + confidence) / 2, n - 1) * sd / np.sqrt(n) if n > 1 else np.nan
        rows.append({"cell": cell, "n": n, "estimate": estimate, "sd": sd, "low": estimate - half, "high": estimate + half})
    return pd.DataFrame(rows, columns=["cell", "n", "estimate", "sd", "low", "high"])


def _order(summary: pd.DataFrame, factors: Sequence[str], levels: dict[str, list[object]]) -> list[int]:
    """Positions of the cells by their levels, the first-named level of each factor in front."""

    def rank(position: int) -> list[int]:
        row = summary.iloc[position]
        return [levels[factor].index(row[factor]) if row[factor] in levels.get(factor, []) else 0 for factor in factors]

    return sorted(range(len(summary)), key=rank)
