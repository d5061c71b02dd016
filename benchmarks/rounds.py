"""Interleaved measurement: every case once in each round, in an order that is drawn anew for each round."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping


def interleave(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The values of each case, one a round.

    What slows the machine down for a while then slows all cases down alike, and no case always follows the same other one.
    """
    values: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds):
        order = list(cases)
        random.Random(number).shuffle(order)
        for name in order:
            values[name].append(cases[name]())
    return values
