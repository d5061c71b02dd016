"""The forest plot beside the findings: one strip a finding, with positions in percent of its width."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ablate.core.wording import counted
from ablate.report.findings import Finding
from ablate.report.formatting import number
from ablate.report.values import Interval

PADDING = 3.0  # percent of the width that stay free at both ends


@dataclass(frozen=True, slots=True)
class Dot:
    """The value of one seed or block: its position, and its text."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of the forest plot; all positions are percentages of the width.

    Attributes:
        zero: the position of "no difference".
        estimate: the position of the estimate.
        low, high: the ends of the interval; NaN without one.
        dots: the seeds.
        margin: the ends of the claim's margin around zero; None without a margin.
        clear: whether the interval excludes zero.
        text: a description for screen readers.
    """

    zero: float
    estimate: float
    low: float
    high: float
    dots: Sequence[Dot]
    margin: tuple[float, float] | None
    clear: bool
    text: str

    @property
    def has_interval(self) -> bool:
        return not math.isnan(self.low)


def strips(findings: Sequence[Finding]) -> list[Strip | None]:
    """The strips of findings; None for a finding that has no estimate of a difference.

    Findings with the same unit share one scale, which always includes "no difference". Ratios have a logarithmic scale.
    """
    groups: dict[tuple[str, bool], list[Finding]] = {}
    for each in findings:
        if _drawable(each):
            groups.setdefault(_unit(each), []).append(each)
    scales = {unit: _scale(members) for unit, members in groups.items()}
    return [_strip(each, scales[_unit(each)]) if _drawable(each) else None for each in findings]


def _drawable(finding: Finding) -> bool:
    """Exact values and values without reference have no place on a scale of differences."""
    return finding.estimate is not None and (finding.estimate.signed or _is_ratio(finding.estimate))


def _is_ratio(estimate: Interval) -> bool:
    return estimate.spec.name == "ratio"


def _unit(finding: Finding) -> tuple[str, bool]:
    assert finding.estimate is not None
    spec = finding.estimate.spec
    return (spec.unit or spec.name, _is_ratio(finding.estimate))


def _values(finding: Finding) -> Mapping[str, float]:
    assert finding.estimate is not None
    each = finding.estimate
    margin = finding.margin
    bounds = (
        {} if math.isnan(margin) else {"from": 1 / margin, "to": margin} if _is_ratio(each) else {"from": -margin, "to": margin}
    )
    return {"estimate": each.estimate, "low": each.low, "high": each.high, **bounds}


def _scale(findings: Sequence[Finding]) -> Callable[[float], float]:
    """A function from values to positions, over the range of all values of these findings."""
    ratio = _is_ratio(findings[0].estimate) if findings[0].estimate is not None else False
    linear: Callable[[float], float] = (lambda value: math.log(value) if value > 0 else math.nan) if ratio else float
    values = [linear(value) for each in findings for value in (*_values(each).values(), *each.by_seed.values())]
    values = [0.0, *(value for value in values if math.isfinite(value))]
    low, span = min(values), (max(values) - min(values)) or 1.0

    def position(value: float) -> float:
        return round(PADDING + (100 - 2 * PADDING) * (linear(value) - low) / span, 2)

    return position


def _strip(finding: Finding, position: Callable[[float], float]) -> Strip:
    assert finding.estimate is not None
    each, values = finding.estimate, _values(finding)
    none = 1.0 if _is_ratio(each) else 0.0
    signed = each.signed
    dots = [
        Dot(position(value), f"{finding.unit} {seed}: {number(value, each.spec, signed)}")
        for seed, value in finding.by_seed.items()
        if math.isfinite(value)
    ]
    return Strip(
        zero=position(none),
        estimate=position(each.estimate),
        low=position(each.low),
        high=position(each.high),
        dots=dots,
        margin=(position(values["from"]), position(values["to"])) if "from" in values else None,
        clear=each.low > none or each.high < none,
        text=f"{each}" + (f", over {counted(len(dots), finding.unit)}" if dots else ""),
    )
