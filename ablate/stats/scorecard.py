"""Scorecard: published figures beside the prediction intervals of this study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.claim_checks import check, unmet
from ablate.core.claims import ALL, LARGEST, Claim, HowPublished
from ablate.core.errors import UsageError
from ablate.core.metrics import Better
from ablate.stats.attribution import drawn_orders
from ablate.stats.claim_estimates import compared, estimates_of
from ablate.stats.claim_tests import in_short
from ablate.stats.outcomes import Outcomes
from ablate.stats.prediction import prediction
from ablate.storage.results import StudyResults

COLUMNS = ["id", "says", "quote", "kind", "metric", "scale", "published", "protocol", "differs",
           "n", "mean", "sd", "low", "high", "inside", "reason", "how"]  # fmt: skip


def scorecard(claims: Sequence[Claim], results: StudyResults) -> pd.DataFrame:
    """Compare each published figure with where a figure that was made like it would fall, from the runs of this study.

    Returns:
        One row for each claim with a figure: `mean`, `sd` over `n` seeds, the 95 % prediction interval `low`, `high` and
        whether the figure is `inside`, see `prediction`; runs that were lost are left out. Of the kind `exact` `low` and `high`
        are the smallest and the largest value. On the scale ratio the interval is that of the logarithms; `sd` is theirs.
        `differs` names what the claim needs and this study does not have: a figure is compared all the same, since two
        protocols seldom agree. `reason`: why there is nothing to compare.
    """
    rows = []
    for claim in claims:
        figure = claim.value if claim.kind == "exact" else claim.published
        if figure is None:
            continue
        row = {name: getattr(claim, name) for name in ("id", "says", "quote", "kind", "metric", "scale", "protocol")}
        differs = unmet(claim, results.factors, results.facts)
        row |= {"published": figure, "differs": differs, "n": 0, "inside": None, "reason": "", "how": ""}
        try:
            check(claim, results.factors, results.facts)
            drawn = drawn_orders(claim.path, results.manifest.orders)
            better = results.metrics[claim.metric].better
            row |= _scored(claim, Outcomes.of(results, claim.metric), figure, drawn, better)
            row["how"] = "" if claim.kind == "exact" else _in_words(claim.published_as)
        except UsageError as error:
            row["reason"] = in_short(claim, error)
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _in_words(how: HowPublished) -> str:
    """How a figure was made."""
    several = f"of {how.n_runs} runs"
    return {"run": "one run", "paired": "two runs of one seed", "best": f"best {several}", "mean": f"mean {several}"}[how.kind]


def _scored(
    claim: Claim, outcomes: Outcomes, figure: float, drawn: Mapping[Any, Sequence[str]], better: Better | None
) -> dict[str, Any]:
    if claim.kind == "exact":
        cells = outcomes.outcomes[outcomes.columns(claim.within(outcomes.factors))]
        n = int(cells.notna().any(axis="columns").sum())
        if not n:
            return {"reason": "no run has finished"}
        values = cells.to_numpy().ravel()
        values = values[~np.isnan(values)]
        spread = {"mean": values.mean(), "low": values.min(), "high": values.max()}
        return {**spread, "n": n, "inside": bool((values == figure).all())}
    if claim.expects == LARGEST or claim.exceeds is not None:  # the figure is of the share itself, not of its lead
        claim = claim.model_copy(update={"expects": "higher", "exceeds": None})
    estimate = estimates_of(claim, outcomes, drawn)[0]
    by_seed = estimate.by_seed
    if by_seed.empty:
        return {"reason": "no seed has all the runs that the claim needs"}
    arms = [] if claim.path and claim.of != ALL else compared(claim, outcomes)
    runs = outcomes.outcomes.transform(np.log) if claim.scale == "ratio" else outcomes.outcomes
    made: dict[str, Any] = {
        "how": claim.published_as, "arms": [runs.loc[by_seed.index, columns].mean(axis=1) for columns in arms],
        "better": better, "least_se": estimate.se if estimate.by_steps else estimate.least_se,
    }  # fmt: skip
    if claim.scale == "ratio":
        found = prediction(by_seed.tolist(), math.log(figure), **made)
        found |= {name: math.exp(found[name]) for name in ("mean", "low", "high")}
    else:
        offset = (claim.value or 0.0) if claim.kind == "threshold" else 0.0
        found = prediction((by_seed + offset).tolist(), figure, **made)
    return {name: found[name] for name in ("n", "mean", "sd", "low", "high", "inside")}
