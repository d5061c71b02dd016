"""The product's own training loop."""

from __future__ import annotations

import time

from benchmarks import product
from benchmarks.loops.case import Case


class ShippedLoop:
    """Whole epochs of the product's trainer, the first of which does not count."""

    def __init__(self, case: Case) -> None:
        self.training = product.Training(case.overrides, case.device, case.precision)
        self.training.epoch()

    def measure(self, seconds: float) -> float:
        began, images = time.perf_counter(), 0
        while images == 0 or time.perf_counter() - began < seconds:
            images += self.training.epoch()
        return images / (time.perf_counter() - began)
