"""A Slurm of processes on this machine, see tests/apps/fake_slurm.py."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import APPS

COMMANDS = ("sbatch", "squeue", "sacct", "scancel", "scontrol", "sinfo", "srun")


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands exist; its jobs are killed at the end."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="needs the extra `slurm`")
    folder, state = tmp_path / "slurm", tmp_path / "slurm" / "state"
    state.mkdir(parents=True)
    for name in COMMANDS:
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{APPS / "fake_slurm.py"}" {name} "$@"\n')
        file.chmod(0o755)
    yield {"PATH": f"{folder}:{os.environ['PATH']}", "FAKE_SLURM": str(state)}
    for path in state.glob("*.job"):
        path.with_suffix(".cancel").touch()
    for path in state.glob("*.pid"):
        subprocess.run(["pkill", "-KILL", "-g", path.read_text()], check=False)


def attempts(study: Path) -> Counter[int]:
    """How many runs were started how often."""
    return Counter(json.loads(path.read_text())["attempts"] for path in study.glob("runs/*/*/run.json"))
