"""What the layers of batch normalisation of a network expect in evaluation mode, and what they meet there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

MEASURES = ("variance_ratio", "mean_offset")
COLUMNS = ["cell", "label", "place", "n", *(f"{name}{part}" for name in MEASURES for part in ("", "_low", "_high"))]


def shifts_table(runs: pd.DataFrame, kept: Mapping[str, Mapping[str, NDArray[Any]]]) -> pd.DataFrame:
    """One row for each cell and each place of its network, in the order of the runs: mean, smallest and largest of n seeds.

    `kept` holds by `directory` what a run kept of its layers: the names of the places, and for each the variance that it
    meets over its running variance (here its geometric mean) and how far the means that it meets lie from its running
    means, in running standard deviations. A run that kept anything else is left out, and so is one that did not finish.
    """
    rows = []
    finished = runs[(runs["status"] == "finished") & runs["left_out"].isna()]
    for run in finished.drop_duplicates("directory").to_dict("records"):
        arrays = kept.get(run["directory"], {})
        if {"place", *MEASURES} <= arrays.keys() and len({np.shape(arrays[name]) for name in ("place", *MEASURES)}) == 1:
            found = pd.DataFrame({name: arrays[name] for name in ("place", *MEASURES)})
            rows.append(found.assign(cell=run["cell"], label=run["label"]))
    if not rows:
        return pd.DataFrame(columns=COLUMNS)
    groups = pd.concat(rows).groupby(["cell", "label", "place"], sort=False)
    table = groups.mean().join(groups.min().add_suffix("_low")).join(groups.max().add_suffix("_high"))
    table["variance_ratio"] = groups["variance_ratio"].apply(stats.gmean)
    table["n"] = groups.size()
    return table.reset_index()[COLUMNS]
