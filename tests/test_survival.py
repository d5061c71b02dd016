"""Killed at any moment, the same command goes on, and ends in the numbers of a sweep that was never interrupted."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SWEEP = [
    "-m", "ablate.run", "-m", "model.dropout=true,false", "stem=pyramid,direct", "study.seeds=3", "data=builtin",
    "budget=smoke", "budget.epochs=3", "model.widths=[8,12,16]", "device=cpu", "threads=1", "study.report=null",
]  # fmt: skip
KILLS = int(os.environ.get("ABLATE_TEST_KILLS", "4"))


def histories(root: Path) -> dict[str, list[list[str]]]:
    """The history of each run, without the column of seconds."""
    found = {}
    for path in sorted(root.glob("outputs/*/runs/*/*/history.csv")):
        header, *rows = [line.split(",") for line in path.read_text().splitlines()]
        timed = header.index("train_seconds")
        found[f"{path.parent.parent.name}/{path.parent.name}"] = [row[:timed] + row[timed + 1 :] for row in [header, *rows]]
    return found


@pytest.mark.slow
def test_kill_9_at_random_moments(tmp_path: Path, cache: Path) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    for folder in (whole, torn):
        folder.mkdir()
    environ = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    started = time.perf_counter()
    subprocess.run([sys.executable, *SWEEP], cwd=whole, env=environ, check=True, capture_output=True)
    duration = time.perf_counter() - started

    moments = random.Random(0)
    finished: dict[Path, str] = {}
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, *SWEEP], cwd=torn, env=environ, start_new_session=True, stdout=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.5, 0.8) * duration / 2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for path in torn.glob("outputs/*/runs/*/*/run.json"):
            if json.loads(path.read_text())["status"] == "finished":
                assert finished.setdefault(path, path.read_text()) == path.read_text()  # done once
    subprocess.run([sys.executable, *SWEEP], cwd=torn, env=environ, check=True, capture_output=True)

    assert finished
    assert all(path.read_text() == before for path, before in finished.items())
    assert len(histories(torn)) == 12
    assert histories(torn) == histories(whole)
    records = [json.loads(path.read_text()) for path in torn.glob("outputs/*/runs/*/*/run.json")]
    assert {record["status"] for record in records} == {"finished"}
    assert not list(torn.rglob("checkpoint.pt"))
