"""Weights & Biases by the real commands, offline."""

import importlib.util
from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.integrations.wandb import Wandb
from tests.conftest import Command
from tests.integrations.test_tensorboard import RESUMING, only_run

needs_wandb = pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")


def test_wandb_has_two_modes() -> None:
    with pytest.raises(UsageError, match="study.logger.mode=shared: expected one of offline, online"):
        Wandb(mode="shared")


@needs_wandb
def test_wandb_keeps_one_offline_run_of_a_run(command: Command, tmp_path: Path) -> None:
    (tmp_path / "resuming.py").write_text(RESUMING)
    for status in (-9, 0):
        command("resuming.py", "logger=wandb", "study.name=s", status=status)
        (folder,) = only_run(tmp_path / "outputs/s").glob("wandb/*run-*-*")
        assert folder.name.startswith("offline-run-")
    (file,) = folder.glob("*.wandb")
    content = file.read_bytes()
    for said in (b"base seed=0", b"metrics/score", b'"finished"', b"0.625"):
        assert said in content
