"""The arithmetic of convolutions and matrix products: float32, or bfloat16 by torch's autocast.

Whatever the precision, weights, gradients, the optimizer's state, the loss and the statistics of batch normalization are
float32. Evaluation uses the precision of training.
"""

from __future__ import annotations

import functools
import time
from typing import Literal

import torch

from ablate.vision.config import Precision

Resolved = Literal["float32", "bfloat16"]
SIZE = 512  # of the matrices that are timed: a product takes about a millisecond
REPEATS = 5
WORTHWHILE = 1.5  # below such a speedup of the product, the other operations of a step leave no gain


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """The context in which a network computes in this precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=resolve(precision, device) == "bfloat16")


def resolve(precision: Precision, device: torch.device) -> Resolved:
    """The precision that `auto` means: bfloat16 on CUDA and on CPUs that multiply it fast, float32 elsewhere."""
    if precision != "auto":
        return precision
    if device.type == "cpu":
        return "bfloat16" if cpu_speedup() >= WORTHWHILE else "float32"
    return "bfloat16" if device.type == "cuda" else "float32"


@functools.cache
def cpu_speedup() -> float:
    """How many times as fast as in float32 a matrix product is in bfloat16 on this CPU; measured once a process."""
    best = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    ones = {dtype: torch.ones(SIZE, SIZE, dtype=dtype) for dtype in best}
    for _ in range(1 + REPEATS):  # the fastest of each: the first compiles kernels, and others may share the CPU
        for dtype, matrix in ones.items():
            began = time.perf_counter()
            torch.mm(matrix, matrix)
            best[dtype] = min(best[dtype], time.perf_counter() - began)
    return best[torch.float32] / best[torch.bfloat16]
