"""Which GPUs a process may use."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablate.engine import gpus
from tests.conftest import Command

PROGRAM = """
import os, time
import hydra

SEEN_AT_IMPORT = os.environ.get("CUDA_VISIBLE_DEVICES")

@hydra.main(version_base="1.3", config_path=None)
def train(cfg):
    with open("seen.txt", "a") as file:
        file.write(f"{os.getpid()} {SEEN_AT_IMPORT} {os.environ.get('CUDA_VISIBLE_DEVICES')}\\n")
    time.sleep(0.5)
    return 0.5

if __name__ == "__main__":
    train()
"""


@pytest.fixture(autouse=True)
def asked_again() -> Iterator[None]:
    """Forget before and after each test what nvidia-smi said."""
    gpus._installed.cache_clear()
    yield
    gpus._installed.cache_clear()


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("2,5", ["2", "5"]),
        ("2, 5", ["2", "5"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1,-1,2", ["1"]),
        ("GPU-8a1f,MIG-GPU-8a1f/1/0", ["GPU-8a1f", "MIG-GPU-8a1f/1/0"]),
    ],
)
def test_the_variable_is_read_as_cuda_does(listed: str, expected: list[str]) -> None:
    assert gpus.visible_gpus({"CUDA_VISIBLE_DEVICES": listed}) == expected


def drivers(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Put an nvidia-smi that lists these lines on the path."""
    (folder / "nvidia-smi").write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_without_the_variable_all_cards_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drivers(tmp_path, monkeypatch, "GPU 0: NVIDIA A100 (UUID: GPU-x)", "GPU 1: NVIDIA A100 (UUID: GPU-y)")
    assert gpus.visible_gpus({}) == ["0", "1"]
    monkeypatch.setenv("PATH", "")
    gpus._installed.cache_clear()
    assert gpus.visible_gpus({}) == []


def test_of_a_divided_card_the_parts_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drivers(
        tmp_path,
        monkeypatch,
        "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)",
        "  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)",
        "  MIG 1g.5gb      Device  1: (UUID: MIG-GPU-5d5ba0d6/7/0)",  # as drivers before R470 name it
        "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-y)",
    )
    assert gpus.visible_gpus({}) == ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "MIG-GPU-5d5ba0d6/7/0", "1"]


def test_each_worker_of_joblib_sees_one_gpu_before_the_program_is_imported(command: Command, tmp_path: Path) -> None:
    """The same for all its runs."""
    (tmp_path / "program.py").write_text(PROGRAM)
    sweep = ["program.py", "-m", "+x=1,2,3,4,5,6", "hydra/sweeper=ablate", "hydra.sweeper.report=false"]
    command(*sweep, "hydra.sweeper.n_jobs=2", "hydra.sweeper.name=s", CUDA_VISIBLE_DEVICES="4,7,9")
    seen = [line.split() for line in (tmp_path / "seen.txt").read_text().splitlines()]
    assert len(seen) == 6
    assert {(before, during) for _, before, during in seen} == {("4", "4"), ("7", "7")}
    assert len({(process, during) for process, _, during in seen}) == 2


def test_only_a_worker_of_joblib_that_has_not_begun_to_use_cuda_leaves_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that is called in the process of the command may use all of them."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(gpus.locks, "slot", lambda study: 1)
    gpus.take_one(tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
    monkeypatch.setattr(gpus, "is_joblib_worker", lambda: True)
    for initialized, left in ((True, "0,1"), (False, "1")):
        torch = SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda initialized=initialized: initialized))
        monkeypatch.setitem(sys.modules, "torch", torch)
        gpus.take_one(tmp_path, named=["CUDA_VISIBLE_DEVICES"])
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
        gpus.take_one(tmp_path)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == left
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    gpus.take_one(tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
