"""Commands of the project, run and timed as a user would run them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment() -> dict[str, str]:
    """The environment of a command: this checkout is found before any installed package."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "140"}


def python(arguments: Sequence[str], folder: Path, timeout: float = 3600.0) -> subprocess.CompletedProcess[str]:
    """Run Python with `arguments` in `folder`; its output in the answer.

    Raises RuntimeError, with the end of its output, if the command fails or takes longer than `timeout` seconds.
    """
    shown = " ".join(["python", *arguments])
    try:
        answer = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"`{shown}` took longer than {timeout:.0f} s") from None
    if answer.returncode:
        output = (answer.stdout + answer.stderr).strip().splitlines()
        raise RuntimeError("\n".join([f"`{shown}` ended with status {answer.returncode}:", *output[-15:]]))
    return answer


def seconds(arguments: Sequence[str], folder: Path) -> float:
    """The seconds that a command takes, from its start to its end. Raises as `python`."""
    began = time.perf_counter()
    python(arguments, folder)
    return time.perf_counter() - began
