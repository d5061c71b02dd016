"""What several tests need: composed experiments, a cache of their own, and the real command."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig

from ablate.run import conf
from ablate.vision.config import Config, from_hydra

APPS = Path(__file__).parent / "apps"
Command = Callable[..., subprocess.CompletedProcess[str]]

# A shell's background jobs ignore Ctrl-C, and nohup's a closed terminal; the commands of tests would do the same.
for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, default)


@pytest.fixture(autouse=True)
def hydra_state() -> None:
    """Undo what Hydra has set in this process when a test ran a program in it: levels, disabled loggers, its configuration.

    The log handler of absl, which TensorBoard imports, keeps the standard error of that moment: the file in which pytest
    captures. When Hydra sets up logging, it closes all handlers, and this one closes its stream, unless that is a
    standard stream just then; every later test would fail. So it gets the process's own.
    """
    if absl := sys.modules.get("absl.logging"):
        absl.get_absl_handler().python_handler.stream = sys.__stderr__
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("ablate").disabled = False
    HydraConfig.instance().cfg = None  # to which relative paths would refer


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where decoded images of the tests lie."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def experiment(cache: Path) -> Callable[..., Config]:
    """Compose and check an experiment, as the command would, on a few drawn images."""

    def make(*overrides: str) -> Config:
        # Whatever this CPU is: precision=auto would be bfloat16 on some
        fixed = ["data=builtin", "budget=smoke", f"data.cache={cache}", "device=cpu", "precision=float32"]
        with initialize_config_dir(str(conf()), version_base="1.3"):
            return from_hydra(compose("config", [*fixed, *overrides]))

    return make


@pytest.fixture
def command(tmp_path: Path, cache: Path) -> Command:
    """Run a command of the project in a folder of its own; text of both streams in the answer."""

    def run(*arguments: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "XDG_CACHE_HOME": str(cache), "COLUMNS": "140", **environment}
        answer = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=500
        )
        assert answer.returncode == status, f"status {answer.returncode}\n{answer.stdout}\n{answer.stderr}"
        return answer

    return run
