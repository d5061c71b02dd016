"""Format numbers according to the description of their metric."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from ablate.core.metrics import Metrics, MetricSpec, PercentageSpec

MISSING = "–"
MINUS = "\N{MINUS SIGN}"
DIGITS = 8  # at most, after the decimal point
FURTHER = 2  # digits at most, beyond those of a description
RATIO = MetricSpec("ratio", digits=3)


def number(value: float, spec: MetricSpec, signed: bool = False) -> str:
    """Format a value of a metric.

    Fractions with the unit `%` are shown as percentages. Without `digits`, there are four significant digits, in scientific
    notation for very small or large numbers. Costs of a million or more without decimals are shown in millions. The minus sign
    is U+2212.

    >>> number(0.8907, MetricSpec("accuracy", unit="%", digits=1)), number(1_990_290, MetricSpec.guess("parameters"))
    ('89.1', '1.99 M')
    """
    if value is None or math.isnan(value):
        return MISSING
    scaled = (100 * value if spec.is_fraction else value) + 0.0  # no negative zero
    digits = spec.digits
    if digits is None and scaled and not 1e-4 <= abs(scaled) < 1e6:
        text = f"{scaled:.3e}"
    elif digits is None:
        exponent = int(f"{scaled:.3e}".partition("e")[2])  # after rounding: 9.9996 is 10.00
        text = f"{scaled:,.{max(0, 3 - exponent)}f}"
    elif digits == 0 and spec.role == "cost" and abs(scaled) >= 1e6:
        text = f"{scaled / 1e6:.2f} M"
    else:
        text = f"{scaled:,.{digits}f}"
    text = text.replace("-", MINUS)
    return f"+{text}" if signed and scaled > 0 else text


def rounded_to(spec: MetricSpec, sds: Iterable[float]) -> MetricSpec:
    """The metric with the digits that the standard deviations of a column leave significant.

    The typical (median) standard deviation gets two significant digits, or one if the description has fewer digits. Where that
    is more than `DIGITS` after the decimal point, values have four significant digits.

    >>> accuracy = MetricSpec("accuracy", unit="%", digits=1)
    >>> [rounded_to(accuracy, [sd]).digits for sd in (0.014, 0.0003, 0.12)], rounded_to(MetricSpec("loss"), [0.0123]).digits
    ([1, 2, 0], 3)
    """
    known = [100 * sd if spec.is_fraction else sd for sd in sds if sd > 0 and math.isfinite(sd)]
    if not known:
        return spec
    two = 1 - math.floor(math.log10(statistics.median(known)))
    digits = two if spec.digits is None else min(max(spec.digits, two - 1), two)
    return replace(spec, digits=max(digits, 0) if digits <= DIGITS else None)


def precise_enough(spec: MetricSpec, errors: Iterable[float], values: Iterable[float] = ()) -> MetricSpec:
    """The metric with the digits that differences need, chosen once for all of a comparison.

    A description with digits gets up to `FURTHER` more: the scatter of runs may be far larger than that of paired differences.
    Without, the typical (median) error gets two significant digits, and the smallest at least one. Where no error is known,
    differences have the decimals that leave four significant digits of the largest value. If errors or values are too far apart
    for one number of decimals, the metric stays as it is, and each difference has digits of its own.

    Args:
        spec: the metric.
        errors: of the differences.
        values: those that are compared.

    >>> [precise_enough(MetricSpec("accuracy", unit="%", digits=1), [error]).digits for error in (0.002, 0.0002, 1e-9)]
    [1, 2, 3]
    >>> loss = MetricSpec("loss")
    >>> [precise_enough(loss, errors).digits for errors in ([0.04, 0.02], [0.04, 0.02, 0.0001], [1e3, 0.001], [1e-9])]
    [3, 4, None, None]
    >>> [precise_enough(loss, [math.nan], values).digits for values in ([71.2, 72.4], [3e-7], [5e3, 2e-3])]
    [2, None, None]
    """
    known = [error for error in errors if error > 0 and math.isfinite(error)]
    needed = rounded_to(spec, known).digits
    if spec.digits is not None:
        return spec if needed is None else replace(spec, digits=max(spec.digits, min(needed, spec.digits + FURTHER)))
    scale = 100 if spec.is_fraction else 1
    if known:
        least = -math.floor(math.log10(scale * min(known)))
        return spec if needed is None or least > min(needed + FURTHER, DIGITS) else replace(spec, digits=max(needed, least))
    sizes = [scale * abs(value) for value in values if value and math.isfinite(value)]
    if not sizes or max(sizes) > 10**FURTHER * min(sizes):
        return spec
    digits = max(0, 3 - math.floor(math.log10(max(sizes))))
    return replace(spec, digits=digits) if digits <= DIGITS and max(sizes) < 1e6 else spec


def alike(spec: MetricSpec, error: float) -> MetricSpec:
    """The metric with one number of decimals for an estimate and its interval, where it has none of its own.

    Args:
        spec: the metric.
        error: of the estimate, such as a standard deviation or half of an interval; it gets two significant digits.

    >>> alike(MetricSpec("loss"), 0.0123).digits, alike(MetricSpec("loss", digits=1), 0.0123).digits
    (3, 1)
    """
    return rounded_to(spec, [error]) if spec.digits is None else spec


def heading(spec: MetricSpec) -> str:
    """The title of a metric with its unit, for a column or an axis.

    >>> heading(MetricSpec("accuracy", unit="%")), heading(MetricSpec("epoch_time", unit="s"))
    ('accuracy (%)', 'epoch time (s)')
    """
    return f"{spec.title} ({spec.unit})" if spec.unit else spec.title


def difference_heading(spec: MetricSpec) -> str:
    """The title with the unit of a difference: percentage points for fractions."""
    return f"{spec.title} (percentage points)" if spec.in_percent else heading(spec)


def finer(spec: MetricSpec) -> MetricSpec:
    """The metric with one more digit; without effect for four significant digits."""
    return spec if spec.digits is None else replace(spec, digits=spec.digits + 1)


def as_reported(metrics: Metrics, values: pd.DataFrame) -> Metrics:
    """Adjust the descriptions to the values.

    If a `%` metric has values above 1, they are percentages already, or beyond 100 no fractions, and are shown as they are.

    Args:
        metrics: the descriptions.
        values: a column for each metric.
    """
    specs: Mapping[str, MetricSpec] = {
        name: _unscaled(spec, values[name]) if spec.is_fraction and name in values and _beyond_one(values[name]) else spec
        for name, spec in metrics.items()
    }
    return Metrics(specs)


def capitalized(sentence: str) -> str:
    """Capitalize the first letter only, unless the sentence begins with an identifier.

    >>> capitalized("test accuracy: mean"), capitalized("test/acc: mean")
    ('Test accuracy: mean', 'test/acc: mean')
    """
    first = sentence.partition(" ")[0].rstrip(":;,.")
    return sentence if any(mark in first for mark in "/_.=") else sentence[:1].upper() + sentence[1:]


def percentage(confidence: float) -> str:
    """A confidence level with the digits that tell it from 100 %.

    >>> percentage(0.95), percentage(0.9969), percentage(0.999375)
    ('95 %', '99.7 %', '99.94 %')
    """
    digits = max(0, math.ceil(-math.log10(max(1 - confidence, 1e-12))) - 2)
    return f"{100 * confidence:.{digits}f} %"


def _unscaled(spec: MetricSpec, values: pd.Series) -> MetricSpec:
    guessed = spec.digits == MetricSpec.guess(spec.name).digits  # from a name, for fractions
    spec = replace(spec, digits=None if guessed else spec.digits)
    return PercentageSpec.of(spec) if values[values.abs() < math.inf].max() <= 100 else replace(spec, unit="")


def _beyond_one(values: pd.Series) -> bool:
    return bool(values.abs().between(1, math.inf, inclusive="neither").any())
