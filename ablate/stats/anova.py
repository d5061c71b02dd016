"""Analysis of variance: the share of the variance that each factor explains (sums of squares, F, omega squared)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ablate.core.claims import Change
from ablate.core.designs import factorial
from ablate.core.errors import UsageError
from ablate.stats.blocked_model import SeedBlockedModel, seed_blocked_model
from ablate.stats.contrasts import DOES_NOTHING, NO_INTERACTION, weights
from ablate.stats.outcomes import Outcomes

NOT_ADDITIVE = "the sums of squares do not add up"
COLUMNS = ["term", "order", "ss", "df", "ms", "f", "p", "omega_squared", "n", "note"]


def anova(outcomes: Outcomes, order: int = 2) -> pd.DataFrame:
    """Explain the variance by factors, their interactions up to `order`, higher orders, seeds, and the residual.

    The model is y(cell, seed) = cell + seed + error over the seeds that are complete in all cells; `n` is their number.
    A term is the hypothesis that all its contrasts, averaged over the alive strata, are zero; its F is the ratio of its
    mean square to that of the residual, df = (n - 1)(cells - 1). In a complete factorial these are the sums of squares
    of the usual analysis of variance, and they add up. Where a factor has no effect on the configuration
    in some strata, they do not add up, and the note says so.

    omega squared = (ss - df ms_residual) / (ss_total + ms_residual), the share of the total variance, seeds included
    (Hays, Statistics; Olejnik and Algina 2003). It is not truncated at zero: a negative value means "less than noise".

    Args:
        outcomes: of the metric.
        order: 1 for main effects alone, 2 for interactions of two factors as well.

    Returns:
        One row a term, with the columns COLUMNS. A term that cannot be estimated keeps its row, with NaN and the reason.
    """
    if order not in (1, 2):
        raise ValueError(f"order {order}: main effects (1) or interactions of two factors as well (2).")
    cells = sorted(set(outcomes.cells.values()))
    values = outcomes.complete(cells)
    n = len(values)
    enough = n > 1 and len(cells) > 1
    model = seed_blocked_model(values) if enough else None
    residual = float(model.mse_resid) if model is not None else np.nan
    total = float(((values - values.to_numpy().mean()) ** 2).to_numpy().sum()) if n else np.nan
    orthogonal = len(cells) == len(outcomes.cells) and outcomes.complete_factorial
    note = _note(outcomes, n, orthogonal)
    grid = model if orthogonal and residual > 0 else None
    rows = []
    for size in range(1, min(order, len(outcomes.factors)) + 1):
        for factors in itertools.combinations(outcomes.factors, size):
            found = _of_grid(outcomes, factors, grid, note) if grid else _term(outcomes, factors, model, note)
            rows.append({"term": " × ".join(factors), "order": size, **found})
    if model is not None:
        seeds = len(cells) * float(((values.mean(axis="columns") - values.to_numpy().mean()) ** 2).sum())
        if orthogonal:
            rest = {
                "ss": total - seeds - float(model.ssr) - sum(row["ss"] for row in rows),
                "df": len(cells) - 1 - sum(row["df"] for row in rows),
            }
            if rest["df"] > 0:
                rows.append({"term": "higher orders", "order": order + 1, **rest, "note": note})
        rows.append({"term": "seeds", "order": 0, "ss": seeds, "df": n - 1, "note": note})
        rows.append({"term": "residual", "order": 0, "ss": float(model.ssr), "df": float(model.df_resid), "note": note})
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["n"] = n
    table["ms"] = table["ss"] / table["df"]
    terms = table["order"] > 0
    table.loc[terms, "omega_squared"] = (table["ss"] - table["df"] * residual) / (total + residual)
    return table


def _term(outcomes: Outcomes, factors: tuple[str, ...], model: SeedBlockedModel | None, note: str) -> dict[str, Any]:
    """Sum of squares, F and p of the hypothesis that the contrasts of these factors are zero."""
    hole = {"ss": np.nan, "df": np.nan, "f": np.nan, "p": np.nan}
    hypothesis = []
    inert = 0
    for levels in itertools.product(*(outcomes.factors[key].levels[1:] for key in factors)):
        changes = [Change.of(key, outcomes.factors[key].baseline, level) for key, level in zip(factors, levels, strict=True)]
        try:
            weighed = weights(outcomes, changes)
        except UsageError:
            return hole | {"note": "cannot be estimated: the factorial is incomplete"}
        inert += len(weighed.inert)
        if weighed.strata:
            hypothesis.append(weighed.by_column.to_numpy())
    if not hypothesis:
        return hole | {"note": NO_INTERACTION if len(factors) > 1 else DOES_NOTHING}
    if model is None:
        return hole | {"note": "; ".join(filter(None, [note, "fewer than two complete seeds"]))}
    matrix = np.array(hypothesis)
    df = int(np.linalg.matrix_rank(matrix))
    estimate = matrix @ model.means
    ss = float(estimate @ np.linalg.pinv(model.spread(matrix)) @ estimate)
    with np.errstate(divide="ignore", invalid="ignore"):  # runs that are all equal leave no residual
        f = float(np.float64(ss / df) / model.mse_resid)
    p = float(stats.f.sf(f, df, model.df_resid))
    left_out = "strata where it has no effect on the configuration are left out" if inert else ""
    return {"ss": ss, "df": df, "f": f, "p": p, "note": "; ".join(filter(None, [note, left_out]))}


def _of_grid(outcomes: Outcomes, factors: tuple[str, ...], model: SeedBlockedModel, note: str) -> dict[str, Any]:
    """The same in a complete factorial: ss = n sum of the squared effects of the means, df = product of (levels - 1).

    An effect is what remains of the means after those of all lower orders (Montgomery, 5.3), however many cells there are.
    """
    order = {column: at for at, column in enumerate(sorted(outcomes.cells.values()))}
    means = [model.means[order[outcomes.cells[cell]]] for cell in factorial([*outcomes.factors.values()])]
    effects = np.array(means).reshape([len(factor) for factor in outcomes.factors.values()])
    repeats, df = model.n, 1
    for axis, (key, factor) in enumerate(outcomes.factors.items()):
        average = effects.mean(axis=axis, keepdims=True)
        effects = effects - average if key in factors else average
        repeats *= 1 if key in factors else len(factor)
        df *= len(factor) - 1 if key in factors else 1
    ss = repeats * float((effects**2).sum())
    f = ss / df / model.mse_resid
    return {"ss": ss, "df": df, "f": f, "p": float(stats.f.sf(f, df, model.df_resid)), "note": note}


def _note(outcomes: Outcomes, n: int, orthogonal: bool) -> str:
    notes = []
    if not orthogonal:
        notes.append(f"the factorial is incomplete, or a factor has no effect on some configurations: {NOT_ADDITIVE}")
    if n < len(outcomes.outcomes):
        notes.append(f"complete in all cells: {n} of {len(outcomes.outcomes)} seeds")
    return "; ".join(notes)
