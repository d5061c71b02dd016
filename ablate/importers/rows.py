"""Several rows of one run: its steps, and rows that were written twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ablate.core.errors import UsageError
from ablate.importers.table import AtStep, Duplicates

_COUNTS: dict[AtStep, str] = {
    "last": "the last step",
    "mean": "the mean over the steps",
    "max": "the step with the largest {metric}",
    "min": "the step with the smallest {metric}",
}


@dataclass(frozen=True)
class Rows:
    """The rows of a table in the course of their interpretation, all with the same index.

    Attributes:
        key: the run of each row, as an integer.
        runs: the columns `status`, `error`, `left_out` and `place`.
        values: a column for each metric; NaN for no value, inf for a lost one.
    """

    key: pd.Series
    runs: pd.DataFrame
    values: pd.DataFrame

    def where(self, mask: pd.Series) -> Rows:
        """Select rows."""
        return Rows(self.key[mask], self.runs[mask], self.values[mask])


def at_step(rows: Rows, steps: pd.Series, how: AtStep) -> tuple[Rows, str]:
    """One row for each run from its rows at several steps; also a sentence about what was done.

    A step without a value does not count. A lost value (NaN, inf) at one step makes the mean lost, and in the main metric its
    maximum and minimum.

    Args:
        rows: a row for each run and step.
        steps: the step of each row, as a number.
        how: `last`: the value at the last step that has one. `mean`: over the steps. `max` and `min`: all values at the step at
            which the main metric, the first column, is largest or smallest, so that they are of one model; metrics without a
            value there (such as those of a test after training) have their last value. This is the rule of
            `metric_files.final` too.
    """
    order = pd.DataFrame({"key": rows.key, "step": steps}).sort_values(["key", "step"], kind="stable").index
    key, logged = rows.key[order], rows.values.loc[order]
    found = logged.groupby(key).agg("mean" if how == "mean" else "last")  # skips NaN
    if how == "mean":
        found = found.mask(logged.eq(np.inf).groupby(key).any(), np.inf)
    elif how != "last":
        main = logged.iloc[:, 0]
        height = (main if how == "max" else -main).mask(main == np.inf, np.inf).dropna()
        best = height.groupby(key[height.index]).idxmax()
        found = logged.loc[best].set_axis(best.index).combine_first(found)[list(logged)]
    last = ~key.duplicated(keep="last")
    runs = rows.runs.loc[order][last]
    ends = steps[order][last]
    said = f"Of each run {_COUNTS[how].format(metric=next(iter(logged), ''))} counts"
    if ends.min() < ends.max():
        said += f"; the runs end at different steps, from {ends.min():g} to {ends.max():g}"
    values = found.loc[key[last]].set_axis(runs.index)
    return Rows(key[last].sort_index(), runs.sort_index(), values.sort_index()), f"{said}."


def without_duplicates(rows: Rows, label: Callable[[int], str], how: Duplicates, way_out: str) -> tuple[Rows, str]:
    """One row for each run; also a sentence about what was done, empty if there are no duplicates.

    Args:
        rows: the rows.
        label: the levels and the seed of the row at a position, for the message.
        how: refuse, take the last one, or average the rows that finished.
        way_out: what else might be done, for the message.

    Raises:
        UsageError: if there are duplicates, and they are refused.
    """
    again = rows.key.duplicated(keep=False)
    if not again.any():
        return rows, ""
    extra = int(rows.key.duplicated().sum())
    if how == "refuse":
        at = int(again.to_numpy().argmax())
        both = rows.runs["place"][rows.key == rows.key.iloc[at]]
        more = f" (and {extra - 1} more)" if extra > 1 else ""
        said = f"{both.iloc[0]} and {both.iloc[1]} are both {label(at)}{more}"
        repeated = rows.where(again)
        different = repeated.values.groupby(repeated.key).agg("nunique", dropna=False) > 1
        if repeated.values.iloc[:, 0].notna().all() and not different.any(axis=None):
            raise UsageError(f"{said}, with equal results. If rows were copied, use --duplicates last. {way_out}")
        raise UsageError(
            f"{said}. {way_out} If runs were repeated, use --duplicates last (the last row counts) or --duplicates mean."
        )
    last = ~rows.key.duplicated(keep="last")
    chosen = rows.where(last)
    if how == "last":
        return chosen, f"Rows that were replaced by later ones of the same run: {extra}."
    finished = rows.where(rows.runs["status"] == "finished")
    means = finished.values.groupby(finished.key).mean()
    means = means.mask(finished.values.eq(np.inf).groupby(finished.key).any(), np.inf)
    values = means.reindex(chosen.key).set_axis(chosen.key.index)
    status = chosen.runs["status"].mask(chosen.key.isin(means.index), "finished")
    said = f"Rows that were averaged, because they are of the same run: {int(again.sum())}."
    return replace(chosen, values=values, runs=chosen.runs.assign(status=status)), said
