"""Named random streams, derived from one seed.

Two runs with the same seed draw the same numbers for the same purpose, whatever else they draw. This makes replicates of two
cells a pair.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, purpose: str, *index: int | str) -> int:
    """Derive a 63-bit seed for one purpose (and optionally an epoch, a layer, …) from a SHA-256.

    63 bits fit the signed 64-bit seeds of torch's generators.
    """
    name = "/".join(str(part) for part in (seed, purpose, *index))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def stream(seed: int, purpose: str, *index: int | str) -> np.random.Generator:
    """A NumPy generator (PCG64) for one purpose of one seed."""
    return np.random.Generator(np.random.PCG64(derive(seed, purpose, *index)))
