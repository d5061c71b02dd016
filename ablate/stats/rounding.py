"""Rounded metrics: the step of a metric, and what it adds to the uncertainty of an estimate.

The difference of two rounded values is wrong by up to one step, and averaging over seeds does not reduce that where the
noise is smaller than the step (Sheppard's correction needs the opposite). If all seeds lie within one step, the step is
therefore the uncertainty: the standard error is at least step / 2, so that the interval extends by 0.98 steps or more to
either side, whatever the number of seeds. The values of a difference d in (0, step), seen as 0 or as one step, are then
beyond it in 2 % of cases at most. Of an average over strata, every stratum has to lie within one step: averages of values that
scatter by more are closer together, and their standard error is right. On the scale `ratio`, the step is relative to the
values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ablate.stats.estimates import RESIDUE, Estimate, error_of_steps

DECIMALS = 6  # a metric that is written with more is not called rounded
CLOSE = 1e-9  # the error of a multiple of the step, as a fraction of the largest value (of 1, if that is larger)
SINGLE = float(np.finfo(np.float32).eps)  # the same of values that were computed in single precision
CLEAR = 100  # a step is at least so many times that error; random values are seldom multiples of it then
MANY = 6  # gaps that are multiples of the smallest one by accident in one case of 32 at most
REPEATED = 4  # runs for each of the values
SAME = 1.05  # steps below which a range is one step: the error of the step, and of the ends of the range, is included
COPIES = "the runs of each configuration are equal under all seeds, as if the program ignored its seed"
COPIED = 2000  # steps of a metric: a value of so many is not the same under all seeds by accident


@dataclass(frozen=True)
class Step:
    """The step of a metric.

    Attributes:
        size: on the scale of the values.
        is_rounding: False for an outcome that is 0 or 1, such as success: its step is 1, and it is not rounded.
        unit: on the scale of logarithms, the value that the step is relative to.
    """

    size: float
    is_rounding: bool = True
    unit: float = field(default=1.0, repr=False)

    @property
    def error(self) -> float:
        """What the rounding of a value may be wrong by."""
        return self.size / 2 if self.is_rounding else 0.0

    def of_means(self, runs: int) -> Step:
        """The step of means over so many runs; rates of success have that of one run, as accuracies have that of one item."""
        return self if self.is_rounding or runs < 2 else Step(self.size / runs)

    def over(self, unit: float) -> Step:
        """The step of values that are divided by a unit."""
        return replace(self, size=self.size / unit)

    def relative_to(self, values: ArrayLike) -> Step:
        """The step on the scale of logarithms: over the harmonic mean of the values."""
        unit = 1 / float(np.nanmean(1 / np.asarray(values, float)))
        return replace(self, size=self.size / unit, unit=unit)


def resolution(values: pd.DataFrame) -> Step | None:
    """The step that all values are multiples of: a power of ten from 1 to 1e-6, or their smallest gap; None for neither.

    Fractions of N items, such as accuracies, are multiples of no power of ten for most N. Where all gaps between values are
    multiples of the smallest one, that is the step: 1 / N, as soon as two runs differ by one item. Two values do not show it:
    they may be those of two configurations without any noise. A power of ten gives way to a larger gap, such as that of scores
    in steps of 5, if that is no accident: with many gaps, or few values that repeat within a configuration.

    >>> resolution(pd.DataFrame({"a": [93.1, 93.2]}))
    Step(size=0.1, is_rounding=True)
    """
    known = values.to_numpy(float).ravel()
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    if set(np.unique(known)) == {0.0, 1.0}:
        return Step(1.0, is_rounding=False)
    largest = float(np.abs(known).max())
    errors = [CLOSE * min(1.0, largest)]
    with np.errstate(over="ignore"):
        if (known == known.astype(np.float32)).all():
            errors.append(SINGLE * largest)
    return next((Step(size) for size in (_step(values, known, error) for error in errors) if size), None)


def _step(values: pd.DataFrame, known: NDArray[np.float64], error: float) -> float | None:
    ordered = np.sort(known)
    decimal, gap = _decimal(known, error), _smallest_gap(ordered, error)
    if decimal is None:
        return gap
    distinct = ordered[np.diff(ordered, prepend=-np.inf) > error]
    varies = bool((values.max() - values.min() > error).any())
    if gap is None and len(distinct) == 2:  # only two values
        gap = float(distinct[1] - distinct[0])
    sure = len(distinct) > MANY or (varies and len(known) >= REPEATED * len(distinct))
    return gap if gap is not None and gap > 1.5 * decimal and sure else decimal


def _decimal(known: NDArray[np.float64], error: float) -> float | None:
    """The largest power of ten, from 1 to 1e-6, that all values are multiples of."""
    for decimals in range(DECIMALS + 1):
        step = float(f"1e-{decimals}")
        if step >= CLEAR * error and np.allclose(known, np.round(known, decimals), rtol=0, atol=error):
            return step
    return None


def _smallest_gap(ordered: NDArray[np.float64], error: float) -> float | None:
    """The smallest difference of two values, if there are three or more and all differences are multiples of it.

    The step is known to within `error`, and better as soon as it is counted in a larger difference.
    """
    gaps = np.diff(ordered)
    gaps = np.sort(gaps[gaps > error])
    if len(gaps) < 2 or gaps[0] < CLEAR * error:
        return None
    step, of_step = float(gaps[0]), error
    for gap in gaps[1:].tolist():
        count = round(gap / step)
        allowed = error + count * of_step
        if allowed > step / 4 or abs(gap - count * step) > allowed:
            return None
        if error / count < of_step:
            step, of_step = gap / count, error / count
    return step


def at_resolution(
    estimate: Estimate,
    step: Step | None,
    arms: Sequence[ArrayLike] = (),
    strata: Sequence[ArrayLike] = (),
    cells: Sequence[ArrayLike] = (),
) -> Estimate:
    """The estimate with the step of a rounded metric as its uncertainty, if all its values lie within one step.

    Pairs that are all equal remain as they are: they are identical, not close. Pairs that differ by one step at most, up or
    down, and outcomes that are 0 or 1, have `error_of_steps`: the t test of few of them would be wrong too often.

    Args:
        estimate: with its own standard error.
        step: of the metric, on the scale of the estimate; None if it is not rounded.
        arms: of an unpaired estimate, the values of each arm.
        strata: of an average, the values by seed of each stratum.
        cells: the values by seed of each cell, to recognize copies of one run; by default those of the arms.
    """
    groups = arms or strata or (estimate.by_seed.to_numpy(),)
    if _is_copied(estimate, step, cells or arms):
        return replace(estimate, se=np.nan, df=0.0, note="; ".join(filter(None, [estimate.note, COPIES])))
    if step is None or estimate.identical or not estimate.df > 0 or min(map(np.size, groups)) < 2:
        return estimate
    if estimate.scale == "ratio" and len(groups) == 1 and len(cells) == 2:  # a step has another logarithm at other values
        one, other = (np.exp(np.asarray(values, float)) for values in cells)
        groups = ((other - one) / step.unit,)
    within = max(np.ptp(values) for values in groups) <= SAME * step.size
    if not step.is_rounding and estimate.unpaired:
        return replace(estimate, se=max(estimate.se, 2 * step.size / min(map(np.size, groups))))
    if not step.is_rounding or (not within and len(groups) == 1 and np.abs(groups[0]).max() <= SAME * step.size):
        size = step.size / len(groups)  # of an average over strata
        return replace(estimate, se=max(estimate.se, error_of_steps(estimate.by_seed, size)), by_steps=size)
    if not within or estimate.se >= step.size / 2:
        return estimate
    what = "all runs of each arm lie" if arms else "all seeds lie"
    note = f"{what} within one rounding step of the metric ({step.size:.2g}), which is taken for the uncertainty"
    df = min(estimate.df, *(np.size(values) - 1 for values in groups))  # what Satterthwaite makes of no scatter is accidental
    se = step.size / 2
    return replace(estimate, se=se, df=float(df), least_se=se, note="; ".join(filter(None, [estimate.note, note])))


def _is_copied(estimate: Estimate, step: Step | None, cells: Sequence[ArrayLike]) -> bool:
    """Whether the values of each cell are equal under all seeds, which those of a metric with decimals are not by accident.

    Numbers that are the same by construction, such as those of parameters, are integers.
    """
    if estimate.identical or not estimate.df > 0:
        return False
    if not cells and estimate.arms is not None:
        cells = tuple(estimate.arms.dropna().to_numpy().T)
    if cells and estimate.scale == "ratio":  # values rather than logarithms have the steps of the metric
        cells = [np.exp(np.asarray(values, float)) for values in cells]
        step = step and Step(step.size * step.unit)
    return bool(cells) and estimate.se <= _residue(cells) and equal_under_all_seeds(cells, step)


def equal_under_all_seeds(cells: Sequence[ArrayLike], step: Step | None) -> bool:
    """Whether each cell has two or more runs, all of the same value, which is none that they have by accident or construction.

    Args:
        cells: the values of each cell, one for each seed.
        step: the rounding step of the metric; None if it is not rounded.
    """
    if not cells or min(map(np.size, cells)) < 2 or max(np.ptp(values) for values in cells) > _residue(cells):
        return False
    return step is None or (step.size < 1 - CLOSE and min(np.abs(values).min() for values in cells) >= COPIED * step.size)


def _residue(cells: Sequence[ArrayLike]) -> float:
    """What is left of equal numbers in their differences and errors: their mean is not always one of them."""
    return RESIDUE * max(float(np.abs(np.asarray(values, float)).max(initial=0)) for values in cells)
