"""How metrics and numbers are written, wherever a person reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ablate.core.designs import say

HOLE = "–"  # what is not there
ACCURACY = "final_test_accuracy"
Row = Mapping[Any, Any]  # of a frame


@dataclass(frozen=True)
class Testing:
    """A way of testing beside the standard one: the title of its curves, and what it is."""

    title: str
    says: str


# By what the names of their metrics begin with
TESTED = {
    "article": Testing("article's protocol", "tested as the article's author did, in training mode and on flipped images"),
    "flipped": Testing("standard, on flipped images", "in evaluation mode, on flipped images"),
    "batch": Testing(
        "standard, with batch statistics",
        "with the statistics of the test batch in BN, without dropout, on images as they are",
    ),
}


@dataclass(frozen=True)
class Wording:
    """A metric's title, and how its numbers are written. A `cost` is what a cell takes, rather than what it achieves."""

    title: str
    percent: bool = False
    digits: int | None = 3  # behind the point; None: four in all, of what is very large or small with a power of ten
    cost: bool = False
    hidden: bool = False  # in the files, and not in the tables that a person reads


def _accuracy(title: str) -> Wording:
    return Wording(title, percent=True, digits=1)


def _to_target(title: str) -> dict[str, Wording]:
    return {
        "epochs_to_target": Wording(f"epochs to target{title}", digits=1, cost=True),
        "seconds_to_target": Wording(f"seconds to target{title}", digits=0, cost=True, hidden=True),
        "final_test_loss": Wording(f"test loss{title}", hidden=True),
    }


KNOWN = {
    "final_test_accuracy": _accuracy("final"),
    "peak_test_accuracy": _accuracy("peak"),
    **_to_target(""),
    **{
        f"{protocol}_{name}": wording
        for protocol in TESTED
        for name, wording in {
            "final_test_accuracy": _accuracy(f"final ({protocol})"),
            "peak_test_accuracy": _accuracy(f"peak ({protocol})"),
            **_to_target(f" ({protocol})"),
        }.items()
    },
    "final_validation_accuracy": _accuracy("final (validation)"),
    "variance_shift": Wording("BN variance shift", digits=2),
    "final_train_loss": Wording("train loss", hidden=True),
    "final_train_accuracy": Wording("train accuracy", percent=True, digits=1, hidden=True),
    "images_per_second": Wording("images/s", digits=0, cost=True),
    "parameters": Wording("parameters", digits=0, cost=True),
    "macs": Wording("MACs an image", digits=0, cost=True),
}


def wording_of(metric: str) -> Wording:
    """The wording of a metric; one that the table does not know is written by its own name."""
    if " - " in metric:
        first, other = (wording_of(term) for term in metric.split(" - ", 1))
        return Wording(f"{first.title} - {other.title}", percent=first.percent, digits=first.digits)
    return KNOWN.get(metric) or Wording(metric, digits=None)


@dataclass(frozen=True)
class Wordings:
    """The wordings of a report's metrics. An accuracy that lies `beyond` -1 to 1 in some run is written as it is."""

    beyond: frozenset[str] = frozenset()

    def __call__(self, metric: str) -> Wording:
        wording = wording_of(metric)
        return replace(wording, percent=False, digits=None) if self.beyond & set(metric.split(" - ")) else wording

    def axis_title(self, metric: str) -> str:
        """A metric with its unit."""
        wording = self(metric)
        accuracy = metric in KNOWN and KNOWN[metric].percent
        return wording.title + " accuracy" * accuracy + " (%)" * wording.percent


USUAL = Wordings()


def wordings_for(runs: pd.DataFrame, metrics: Sequence[str]) -> Wordings:
    """By the values that the runs have: those of a known accuracy are shares, unless another program wrote them in per cent."""
    known = [name for name in metrics if wording_of(name).percent]
    return Wordings(frozenset(name for name in known if runs[name].abs().between(1, math.inf, inclusive="neither").any()))


def number(value: float, wording: Wording, signed: bool = False) -> str:
    """A number of a metric: known accuracies in per cent, counts in thousands, a hole where there is none."""
    if value is None or math.isnan(value):
        return HOLE
    scaled = 100 * value if wording.percent else value
    digits = wording.digits
    if digits is None and scaled and not 1e-4 <= abs(scaled) < 1e6:
        text = f"{scaled:.4g}"
        return f"+{text}" if signed and scaled > 0 else text
    if digits is None:
        digits = max(0, 3 - math.floor(math.log10(abs(scaled)))) if scaled else 3
    text = f"{scaled / 1e6:.2f} M" if abs(scaled) >= 1e6 and digits == 0 else f"{scaled:,.{digits}f}"
    return f"+{text}" if signed and scaled > 0 else text


def interval(row: Row, wording: Wording, signed: bool = True) -> str:
    """`estimate [low, high]` of a row; the estimate alone where there is no interval."""
    text = number(row["estimate"], wording, signed)
    if math.isnan(row["low"]):
        return text
    return f"{text} [{number(row['low'], wording, signed)}, {number(row['high'], wording, signed)}]"


def plain(value: float) -> str:
    """A number of no metric, to three digits."""
    return HOLE if math.isnan(value) else f"{value:.3g}"


def change(row: Row) -> str:
    """What changes in a row of contrasts: `stem: direct → pyramid`, or two of these."""
    return f"{row['factor']}: {say(row['from'])} → {say(row['to'])}"
