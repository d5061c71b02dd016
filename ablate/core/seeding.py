"""Named random streams from one seed.

Two runs with equal seeds draw the same numbers for the same purpose, whatever else either of them draws:
this is what makes replicates of two cells a pair.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, purpose: str, *index: int | str) -> int:
    """A seed of 63 bits for one purpose (and one epoch, layer, …), from the first bytes of a SHA-256.

    63 bits, so that it fits the signed 64-bit seeds of torch's generators.
    """
    name = "/".join(str(part) for part in (seed, purpose, *index))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def stream(seed: int, purpose: str, *index: int | str) -> np.random.Generator:
    """NumPy's generator (PCG64) for one purpose of one seed."""
    return np.random.Generator(np.random.PCG64(derive(seed, purpose, *index)))
