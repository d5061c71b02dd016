"""Streams depend on seed, purpose and index, and on nothing else."""

import hashlib

import numpy as np
import torch

from ablate.core.seeding import derive, stream


def test_equal_names_give_equal_numbers() -> None:
    assert np.array_equal(stream(3, "order", 1).permutation(50), stream(3, "order", 1).permutation(50))


def test_seed_purpose_and_index_each_change_the_numbers() -> None:
    names = [(3, "order", 1), (4, "order", 1), (3, "flip", 1), (3, "order", 2), (3, "order"), (3, "order", 1, 1)]
    assert len({derive(*name) for name in names}) == len(names)


def test_a_seed_is_the_head_of_a_sha256_and_fits_torch() -> None:
    """Spelt out by hand: if this changes, every finished run means something else."""
    expected = int(hashlib.sha256(b"0/weights/block1.conv1").hexdigest()[:16], 16) // 2
    assert derive(0, "weights", "block1.conv1") == expected
    torch.Generator().manual_seed(derive(0, "weights", "block1.conv1"))
