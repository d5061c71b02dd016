"""SVHN, in files of its own format."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from torchvision.datasets import SVHN

from ablate.vision.datasets.svhn import Svhn


def test_the_files_are_read_by_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), np.uint8)
    lists = {}
    for split in ("train", "test"):
        path = tmp_path / f"{split}_32x32.mat"
        savemat(path, {"X": images, "y": np.array([[10], [1], [2], [10]], np.uint8)})
        lists[split] = ["", path.name, hashlib.md5(path.read_bytes()).hexdigest()]
    monkeypatch.setattr(SVHN, "split_list", lists)
    decoded = Svhn(tmp_path).decode()
    assert decoded.classes == tuple("0123456789")
    assert decoded.train.labels.tolist() == [0, 1, 2, 0]  # the files call the digit 0 class 10
    assert np.array_equal(decoded.test.images, images.transpose(3, 0, 1, 2))
