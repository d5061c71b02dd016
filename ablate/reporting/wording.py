"""How metrics and numbers are written, wherever a person reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass

HOLE = "–"  # what is not there


@dataclass(frozen=True)
class Wording:
    """A metric's title, and how its numbers are written. A `cost` is what a cell takes, rather than what it achieves."""

    title: str
    percent: bool = False
    digits: int = 3
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
        for protocol in ("article", "flipped", "batch")
        for name, wording in {
            "final_test_accuracy": _accuracy(f"final ({protocol})"),
            "peak_test_accuracy": _accuracy(f"peak ({protocol})"),
            **_to_target(f" ({protocol})"),
        }.items()
    },
    "final_validation_accuracy": _accuracy("final (validation)"),
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
    return KNOWN.get(metric) or Wording(
        metric, percent=metric.endswith("accuracy"), digits=1 if metric.endswith("accuracy") else 4
    )


def number(value: float, wording: Wording, signed: bool = False) -> str:
    """A number of a metric: accuracies in per cent, counts in thousands, a hole where there is none."""
    if value is None or math.isnan(value):
        return HOLE
    scaled = 100 * value if wording.percent else value
    if abs(scaled) >= 1e6 and wording.digits == 0:
        text = f"{scaled / 1e6:.2f} M"
    else:
        text = f"{scaled:,.{wording.digits}f}"
    return f"+{text}" if signed and scaled > 0 else text
