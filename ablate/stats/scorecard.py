"""The figures that somebody published, beside ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.claims import LARGEST, Claim, check, unmet
from ablate.stats.attribution import orders_drawn
from ablate.stats.bootstrap import prediction
from ablate.stats.claim_tests import quantities
from ablate.stats.outcomes import Blocks, blocks, budget_of, factors_of

COLUMNS = ["id", "says", "quote", "kind", "metric", "scale", "published", "protocol", "differs",
           "n", "mean", "sd", "low", "high", "inside", "reason"]  # fmt: skip


def scorecard(
    claims: Sequence[Claim],
    runs: pd.DataFrame,
    facts: Mapping[str, Any] | None = None,
    *,
    budgets: Mapping[str, float] | None = None,
    orders: Mapping[Any, Sequence[Sequence[str]]] | None = None,
) -> pd.DataFrame:
    """One row for each claim with a figure that somebody published: where ours would put one more run of theirs.

    `mean`, `sd` over `n` seeds, the 95 % prediction interval `low`, `high` and whether the figure is `inside`, see
    `prediction`; runs that diverged are left out. Of the kind `exact` `low` and `high` are the smallest and the largest
    value. On the scale ratio the interval is that of the logarithms; `sd` is theirs. `differs` says what the claim needs
    and this study is not: a figure is compared all the same, since two protocols seldom agree. `reason`: why there is
    nothing to compare.
    """
    rows = []
    for claim in claims:
        figure = claim.value if claim.kind == "exact" else claim.published
        if figure is None:
            continue
        row = {name: getattr(claim, name) for name in ("id", "says", "quote", "kind", "metric", "scale", "protocol")}
        row |= {"published": figure, "differs": unmet(claim, factors_of(runs), facts), "n": 0, "inside": None, "reason": ""}
        try:
            check(claim, factors_of(runs), facts)
            study = blocks(runs, claim.metric, budget_of(claim.metric, budgets or {}))
            row |= _scored(claim, study, figure, orders_drawn(claim.path, orders or {}))
        except ValueError as error:
            row["reason"] = str(error).removeprefix(f"claim {claim.id}: ").removesuffix(".")
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _scored(claim: Claim, study: Blocks, figure: float, drawn: Mapping[Any, Sequence[str]]) -> dict[str, Any]:
    if claim.kind == "exact":
        where = claim.within(study.factors)
        cells = study.outcomes[sorted({study.cells[levels] for levels in study.select(where)})]
        n = int(cells.notna().any(axis="columns").sum())
        if not n:
            return {"reason": "no run has finished"}
        values = cells.to_numpy().ravel()
        values = values[~np.isnan(values)]
        spread = {"mean": values.mean(), "low": values.min(), "high": values.max()}
        return {**spread, "n": n, "inside": bool((values == figure).all())}
    if claim.expects == LARGEST:  # the figure is of the share itself, not of its lead
        claim = replace(claim, expects="higher")
    by_seed = quantities(claim, study, drawn)[0].by_seed
    if by_seed.empty:
        return {"reason": "no seed has all the runs that it needs"}
    if claim.scale == "ratio":
        found = prediction(by_seed.tolist(), math.log(figure))
        found |= {name: math.exp(found[name]) for name in ("mean", "low", "high")}
    else:
        offset = claim.value if claim.kind == "threshold" else 0.0
        found = prediction((by_seed + offset).tolist(), figure)
    return {name: found[name] for name in ("n", "mean", "sd", "low", "high", "inside")}
