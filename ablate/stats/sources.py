"""What a number comes from: the cells behind a contrast or a claim; and whether a run still got better when it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.core.claims import Claim
from ablate.stats.contrasts import weights
from ablate.stats.estimates import Change
from ablate.stats.outcomes import Blocks, word


def cells_of(
    runs: pd.DataFrame, study: Blocks, changes: Sequence[Change] = (), where: Mapping[str, Any] | None = None
) -> list[str]:
    """The cells (column `cell` of the runs) that a contrast or an interaction weighs; without changes those that `where` picks.

    Of cells that stand on the same runs the first is named. Empty if there are none.
    """
    try:
        if changes:
            weight = weights(study, changes, where)[0]
            columns = set(weight.index[weight != 0])
        else:
            columns = {study.cells[levels] for levels in study.select(where)}
    except ValueError:
        return []
    names: dict[int, str] = {}
    distinct = runs.drop_duplicates("cell")
    for cell, *levels in zip(distinct["cell"], *(distinct[factor] for factor in study.factors), strict=True):
        column = study.cells[tuple(map(word, levels))]
        if column in columns:
            names.setdefault(column, cell)
    return list(names.values())


def cells_of_claim(runs: pd.DataFrame, study: Blocks, claim: Claim) -> list[str]:
    """The cells that a claim is about, see `cells_of`."""
    return cells_of(runs, study, claim.changes, claim.within(study.factors))


def still_improving(history: pd.DataFrame, column: str, higher_is_better: bool) -> pd.Series:
    """For each `directory` of a history of two epochs or more: whether no epoch before its last was as good."""
    values = history.dropna(subset=column).sort_values("epoch", kind="stable").reset_index(drop=True)
    by_run = values.groupby("directory")[column]
    best = by_run.idxmax() if higher_is_better else by_run.idxmin()  # of equal values the first
    last = pd.Series(values.index, index=values["directory"]).groupby(level=0).max()
    return (best == last)[by_run.size() > 1]
