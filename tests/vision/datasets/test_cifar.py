"""CIFAR-10 and CIFAR-100, in files of their archives' format, with checksums of their own."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, CIFAR100

from ablate.vision.datasets._torchvision import TorchvisionSource
from ablate.vision.datasets.cifar10 import Cifar10
from ablate.vision.datasets.cifar100 import Cifar100

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("source", "torchvisions", "labels", "names"),
    [(Cifar10, CIFAR10, "labels", "label_names"), (Cifar100, CIFAR100, "fine_labels", "fine_label_names")],
)
def test_the_archive_is_read_by_torchvision(
    source: type[TorchvisionSource],
    torchvisions: type,
    labels: str,
    names: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / source.files[0]
    folder.mkdir()
    lists = {}
    for name, content in {
        "train": {"data": RNG.integers(0, 256, (4, 3072), np.uint8), labels: [0, 1, 2, 3]},
        "test": {"data": RNG.integers(0, 256, (2, 3072), np.uint8), labels: [4, 5]},
        "meta": {names: list("abcdefghij")},
    }.items():
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        lists[name] = [name, hashlib.md5(data).hexdigest()]
    monkeypatch.setattr(torchvisions, "train_list", [lists["train"]])
    monkeypatch.setattr(torchvisions, "test_list", [lists["test"]])
    monkeypatch.setattr(torchvisions, "meta", {"filename": "meta", "key": names, "md5": lists["meta"][1]})
    assert source(tmp_path).is_available()
    decoded = source(tmp_path).decode()
    assert decoded.classes == tuple("abcdefghij")
    assert decoded.train.images.shape == (4, 32, 32, 3)
    assert decoded.test.labels.tolist() == [4, 5]
    raw = pickle.loads((folder / "train").read_bytes())["data"]
    assert np.array_equal(decoded.train.images[1, :, :, 2].ravel(), raw[1, 2048:])


def test_the_stamp_of_cifar10_is_that_of_earlier_caches(tmp_path: Path) -> None:
    assert Cifar10(tmp_path).stamp() == {"source": "cifar10", "decoder": 2}
    assert Cifar100(tmp_path).stamp() == {"source": "cifar100", "decoder": 2}
