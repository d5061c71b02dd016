"""The rows of forest plots and waterfalls: made from estimates and shares, selected, and described in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from ablate.core.claims import ALL
from ablate.core.metrics import MetricSpec
from ablate.report.effect_tables import ALL_CHANGES
from ablate.report.plots import Mark
from ablate.report.values import Interval
from ablate.stats.estimates import Estimate

ROWS = 24  # of a forest plot; of more, the highest and the lowest
SLACK = 4  # rows more than these are shown all the same
GAP = Mark("…", math.nan, math.nan, math.nan)  # where rows are left out


def mark(
    label: str, estimate: float, interval: tuple[float, float], by_seed: Sequence[float], n: int, spec: MetricSpec
) -> Mark:
    """A row with its interval, unless that is over fewer than `SHOWN_FROM` seeds."""
    shown = Interval.over(n, estimate, *interval, spec)
    return Mark(label, estimate, shown.low, shown.high, by_seed, str(shown))


def mark_of(label: str, found: Estimate, spec: MetricSpec) -> Mark:
    """The row of an estimate."""
    return mark(label, found.estimate, found.interval(), found.by_seed.tolist(), found.n, spec)


def marks_of_shares(shares: pd.DataFrame, spec: MetricSpec) -> list[Mark]:
    """The bars of a waterfall: one for each share of an attribution that is known, and the whole difference."""
    return [
        mark(
            ALL_CHANGES if row["change"] == ALL else str(row["change"]),
            row["estimate"],
            (row["low"], row["high"]),
            [],
            row["n"],
            spec,
        )
        for row in shares.dropna(subset="estimate").to_dict("records")
    ]


def any_interval(marks: Sequence[Mark]) -> bool:
    """Whether a row has an interval."""
    return any(math.isfinite(each.low) for each in marks)


def in_a_sentence(marks: Sequence[Mark], title: str) -> str:
    """The highest and the lowest estimate in one sentence, for readers who cannot see the figure."""
    marks = [each for each in marks if each is not GAP]
    highest, lowest = max(marks, key=lambda each: each.estimate), min(marks, key=lambda each: each.estimate)
    ends = [f"highest for {highest.label}, {highest.text}"] + (
        [] if lowest is highest else [f"lowest for {lowest.label}, {lowest.text}"]
    )
    clear = sum(each.clear for each in marks)
    return f"{title}: {'; '.join(ends)}. {clear} of {len(marks)} intervals exclude{'s' if clear == 1 else ''} zero."


def highest_and_lowest(marks: list[Mark]) -> list[Mark]:
    """All rows in order, or, of too many rows, those with the highest and the lowest estimates and a gap between them."""
    if len(marks) <= ROWS + SLACK:
        return marks
    ranked = sorted(marks, key=lambda each: -each.estimate)
    return [*ranked[: ROWS // 2], GAP, *ranked[-(ROWS // 2) :]]


def which_rows(rows: int) -> str:
    """A sentence for the caption if `highest_and_lowest` leaves out some of the rows."""
    half = ROWS // 2
    if rows <= ROWS + SLACK:
        return ""
    return f" Of {rows} rows, the {half} highest and the {half} lowest are shown; the table has all."
