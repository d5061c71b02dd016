"""What all data sets of torchvision have in common: what a missing or a damaged one is told, and the connection."""

import socket
import threading
import time
from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.vision.datasets import _torchvision
from ablate.vision.datasets._torchvision import can_connect
from ablate.vision.datasets.cifar10 import Cifar10
from ablate.vision.datasets.svhn import Svhn


def test_a_data_set_that_is_not_available_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_torchvision, "can_connect", lambda host: False)
    with pytest.raises(UsageError, match=r"neither cifar-10-batches-py nor cifar-10-python\.tar\.gz.*or use data=builtin"):
        Cifar10(tmp_path).require()
    with pytest.raises(
        UsageError, match=r"^SVHN is not in .* \(no train_32x32\.mat\), and ufldl\.stanford\.edu does not respond"
    ):
        Svhn(tmp_path).require()
    (tmp_path / "train_32x32.mat").touch()
    Svhn(tmp_path).require()


def test_a_damaged_data_set_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_: Cifar10, train: bool) -> None:  # noqa: ARG001 - called by keyword or not
        raise RuntimeError("Dataset not found or corrupted.")

    monkeypatch.setattr(Cifar10, "load", damaged)
    with pytest.raises(
        UsageError, match=r"^CIFAR-10 in .* cannot be used \(Dataset not found or corrupted\.\)\. Delete the files"
    ):
        Cifar10(tmp_path).decode()


def test_a_connection_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()

    def slow(*_: object, **__: object) -> None:
        stuck.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", slow)
    started = time.perf_counter()
    assert not can_connect("nowhere.invalid", seconds=0.2)
    assert time.perf_counter() - started < 15
    stuck.set()
