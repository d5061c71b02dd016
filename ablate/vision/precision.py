"""The precision of convolutions and matrix products: float32, or bfloat16 with torch's autocast.

Weights, gradients, optimizer state, loss and BN statistics are always float32. Evaluation uses the precision of training.
"""

from __future__ import annotations

import functools
import time
from typing import Literal

import torch

from ablate.vision.config import Precision

Resolved = Literal["float32", "bfloat16"]
SIZE = 512  # of the timed matrices: a product takes about a millisecond
REPEATS = 25  # a tenth of a second, since a busy CPU takes single processes away for several milliseconds
WORTHWHILE = 1.5  # below this speedup of a matrix product, a training step does not become faster


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """The autocast context for this precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=resolve(precision, device) == "bfloat16")


def resolve(precision: Precision, device: torch.device) -> Resolved:
    """Resolve `auto`: bfloat16 on GPUs that have it and on CPUs where it is fast, float32 elsewhere."""
    if precision != "auto":
        return precision
    if device.type == "cpu":
        return "bfloat16" if cpu_speedup() >= WORTHWHILE else "float32"
    # GPUs before Ampere (T4, V100) emulate bfloat16, slowly; torch counts them otherwise
    has_it = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if has_it else "float32"


@functools.cache
def cpu_speedup() -> float:
    """The speedup of a matrix product in bfloat16 over float32 on this CPU, measured once per process."""
    best = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    ones = {dtype: torch.ones(SIZE, SIZE, dtype=dtype) for dtype in best}
    for _ in range(1 + REPEATS):  # use the fastest: the first compiles kernels, and the CPU may be shared
        for dtype, matrix in ones.items():
            began = time.perf_counter()
            torch.mm(matrix, matrix)
            best[dtype] = min(best[dtype], time.perf_counter() - began)
    return best[torch.float32] / best[torch.bfloat16]
