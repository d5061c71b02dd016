"""Which GPUs a process may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.engine import gpus


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
