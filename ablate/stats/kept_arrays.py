"""Summaries of arrays that runs kept, such as one number for each layer of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ablate.core.descriptions import ExtraTable
from ablate.stats.outcomes import kept
from ablate.storage.results import StudyResults


def summarize_arrays(
    table: ExtraTable, results: StudyResults, arrays: Mapping[str, Mapping[str, NDArray[Any]]]
) -> pd.DataFrame:
    """Average what the finished runs of each cell kept.

    Args:
        table: which array names the rows (`by`), and which ones are averaged (`columns`).
        results: the runs.
        arrays: by `directory`, the arrays that a run kept under `table.source`. A run that kept anything else is left out.

    Returns:
        One row for each cell and each value of `by`, in the order of the runs: `cell`, `label`, `by`, `n` (runs), and for each
        column its mean, `<name>_low` and `<name>_high` (the lowest and the highest value of a run).
    """
    names = [column.name for column in table.columns]
    runs = results.runs[(results.runs["status"] == "finished") & kept(results.runs)].drop_duplicates("directory")
    rows = []
    for run in runs.to_dict("records"):
        of_run = arrays.get(run["directory"], {})
        wanted = {name: of_run[name] for name in (table.by, *names) if name in of_run}
        if wanted.keys() == {table.by, *names} and len({each.shape for each in wanted.values()}) == 1:
            rows.append(pd.DataFrame(wanted).assign(cell=run["cell"], label=run["label"]))
    ends = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    columns = ["cell", "label", table.by, "n", *ends]
    if not rows:
        return pd.DataFrame(columns=columns)
    groups = pd.concat(rows).groupby(["cell", "label", table.by], sort=False)
    averaged = groups.mean().join(groups.min().add_suffix("_low")).join(groups.max().add_suffix("_high"))
    for column in table.columns:
        if column.mean == "geometric":
            averaged[column.name] = groups[column.name].apply(stats.gmean)
    averaged["n"] = groups.size()
    return averaged.reset_index()[columns]
