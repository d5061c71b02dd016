"""Values in table cells. `str` of a value is its text in all formats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.report.formatting import MISSING, alike, number, percentage, precise_enough
from ablate.stats.estimates import Estimate
from ablate.stats.flags import Flag

SHOWN_FROM = 3  # an interval over fewer seeds (or blocks) is not shown: with two, it only shows that two are too few


def errors_of(found: Iterable[Estimate]) -> list[float]:
    """About one standard error of each estimate, from which the digits of its interval are chosen."""
    return [(high - low) / 4 for low, high in (each.interval(0.95) for each in found)]


def _digits(spec: MetricSpec, low: float, high: float) -> MetricSpec:
    """The metric with one number of decimals for an interval; more than others have where its ends would look equal."""
    error = (high - low) / 4  # about one standard error
    spec = alike(spec, error)
    looks_equal = low < high and len({number(abs(end), spec) for end in (low, high)}) == 1
    return precise_enough(spec, [error]) if looks_equal else spec


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a metric."""

    value: float
    spec: MetricSpec
    signed: bool = False

    @property
    def sort_key(self) -> float:
        return self.value

    def __str__(self) -> str:
        return number(self.value, self.spec, self.signed)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval: `+1.0 [−3.0, +5.0]`; without limits, only the estimate."""

    estimate: float
    low: float
    high: float
    spec: MetricSpec
    signed: bool = True

    @classmethod
    def of(cls, found: Estimate, spec: MetricSpec, signed: bool = True, confidence: float = 0.95) -> Interval:
        """An estimate with the interval that is shown of it, see `over`."""
        numbers = found.numbers(confidence)
        return cls.over(found.n, numbers["estimate"], numbers["low"], numbers["high"], spec, signed)

    @classmethod
    def over(cls, n: int, estimate: float, low: float, high: float, spec: MetricSpec, signed: bool = True) -> Interval:
        """An estimate over n seeds (or blocks), without its interval if these are fewer than `SHOWN_FROM`."""
        return cls(estimate, low, high, spec, signed) if n >= SHOWN_FROM else cls(estimate, math.nan, math.nan, spec, signed)

    @property
    def sort_key(self) -> float:
        return self.estimate

    def __str__(self) -> str:
        if math.isnan(self.low):
            return number(self.estimate, self.spec, self.signed)
        spec = _digits(self.spec, self.low, self.high)
        estimate, low, high = (number(each, spec, self.signed) for each in (self.estimate, self.low, self.high))
        return f"{estimate} [{low}, {high}]"


@dataclass(frozen=True, slots=True)
class Limits:
    """An interval without its estimate, which is in another column: `[−3.0, +5.0]`; with its level `[−3.0, +5.0] (99.7 %)`."""

    low: float
    high: float
    spec: MetricSpec
    signed: bool = True
    confidence: float | None = None

    @property
    def sort_key(self) -> float:
        return self.low

    def __str__(self) -> str:
        if math.isnan(self.low):
            return MISSING
        level = "" if self.confidence is None else f" ({percentage(self.confidence)})"
        spec = _digits(self.spec, self.low, self.high)
        return f"[{number(self.low, spec, self.signed)}, {number(self.high, spec, self.signed)}]{level}"


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest of several differences, which is no interval of an estimate: `−9.9 to +3.4`."""

    low: float
    high: float
    spec: MetricSpec

    @property
    def sort_key(self) -> float:
        return self.low

    def __str__(self) -> str:
        spec = alike(self.spec, (self.high - self.low) / 4)
        ends = [number(end, spec, signed=True) for end in (self.low, self.high)]
        return " to ".join(dict.fromkeys(ends))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean ± standard deviation: `81.0 ± 1.0`; if only some runs have a value, with their number: `3.0 ± 0.1 (2 of 3)`."""

    mean: float
    sd: float
    n: int
    runs: int  # number of runs that could have a value
    spec: MetricSpec
    best: bool = False  # of its column, shown in bold

    @property
    def sort_key(self) -> float:
        return self.mean

    @property
    def partial(self) -> bool:
        """Whether some runs have no value."""
        return 0 < self.n < self.runs

    def __str__(self) -> str:
        spec = alike(self.spec, self.sd)
        mean = number(self.mean, spec)
        if mean == MISSING:
            return mean
        said = f"{mean} ± {number(self.sd, spec)}" if self.sd > 0 else mean
        return f"{said} ({self.n} of {self.runs})" if self.n < self.runs else said


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean with the lowest and the highest value: `0.57 (0.50 to 0.69)`; for one run, only the value."""

    mean: float
    low: float
    high: float
    n: int
    spec: MetricSpec

    @property
    def sort_key(self) -> float:
        return self.mean

    def __str__(self) -> str:
        mean, low, high = (number(each, self.spec) for each in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high})" if self.n > 1 else mean


@dataclass(frozen=True, slots=True)
class Exact:
    """Unrounded numbers: `1,990,802`, or the lowest and the highest if they differ."""

    low: float
    high: float

    @property
    def sort_key(self) -> float:
        return self.low

    def __str__(self) -> str:
        if math.isnan(self.low):
            return MISSING
        return " to ".join(dict.fromkeys(f"{each:,.15g}" for each in (self.low, self.high)))


@dataclass(frozen=True, slots=True)
class Count:
    """A number of seeds or runs: `5`, or `1 of 2`; `used` is the number of these in the interval, if it differs."""

    n: int
    total: int | None = None
    used: int | None = None

    @property
    def sort_key(self) -> int:
        return self.n

    def __str__(self) -> str:
        if self.used is not None and self.used != self.n:
            return f"{self.n} ({self.used} in the interval)"
        return str(self.n) if self.total in (None, self.n) else f"{self.n} of {self.total}"


@dataclass(frozen=True, slots=True)
class Wins:
    """In how many seeds or blocks a difference is above zero: `4 of 5`."""

    k: int
    n: int

    @property
    def sort_key(self) -> float:
        return self.k / self.n if self.n else math.nan

    def __str__(self) -> str:
        return f"{self.k} of {self.n}" if self.n else MISSING


@dataclass(frozen=True, slots=True)
class AtSeed:
    """A number with the seed or the block that it belongs to: `−1.0 (3)`."""

    value: float
    seed: object
    spec: MetricSpec

    @property
    def sort_key(self) -> float:
        return self.value

    def __str__(self) -> str:
        text = number(self.value, self.spec, signed=True)
        return text if text == MISSING else f"{text} ({self.seed})"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The cell for the difference in the row of the baseline."""

    @property
    def sort_key(self) -> float:
        return 0.0

    def __str__(self) -> str:
        return "baseline"


@dataclass(frozen=True, slots=True)
class PValue:
    """A p value: `0.031`, `< 0.001`."""

    p: float

    @property
    def sort_key(self) -> float:
        return self.p

    @property
    def stars(self) -> str:
        """One star for each of `STARS` that the p value is below."""
        return "*" * sum(self.p < bound for bound in STARS)

    def __str__(self) -> str:
        if math.isnan(self.p):
            return MISSING
        if self.p < STARS[-1]:
            return f"< {STARS[-1]:g}"
        return f"{self.p:.3f}" if self.p < 0.1 else f"{self.p:.2f}"


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether a component is on: `✓` or `✗`."""

    on: bool

    @property
    def sort_key(self) -> float:
        return float(self.on)

    def __str__(self) -> str:
        return "✓" if self.on else "✗"


STARS = (0.05, 0.01, 0.001)
Measured = (
    Number | Interval | Limits | Range | Mean | Spread | Exact | Count | Wins | AtSeed | Baseline | PValue
)  # numbers with a sort key
Value = str | Level | Switch | Measured | tuple[Flag, ...] | None  # None is shown as a dash


def text_of(value: Value) -> str:
    """The text of a value, with flags separated by semicolons.

    >>> text_of(None), text_of(Count(1, 2))
    ('–', '1 of 2')
    """
    if value is None:
        return MISSING
    if isinstance(value, tuple):
        return "; ".join(flag.text for flag in value)
    return str(value)


def has_number(value: Value) -> bool:
    """Whether the value contains a number."""
    return value is not None and not isinstance(value, str | Level | Switch | tuple) and text_of(value) != MISSING


def is_best(value: Value) -> bool:
    """Whether the value is shown in bold."""
    return isinstance(value, Mean) and value.best
