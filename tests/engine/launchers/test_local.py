"""Submitit's local executor with a cap, and runs that are killed."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.engine.launchers.local import visible_gpus
from ablate.storage.dataframe import load_runs
from tests.conftest import APPS, Command
from tests.engine.launchers.conftest import attempts

TRIVIAL, SAVING = str(APPS / "trivial.py"), str(APPS / "saving.py")
LOCAL = ["hydra/launcher=submitit_local", "study.name=s", "study.report=false"]
pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="needs the extra `slurm`")


@pytest.mark.slow
def test_a_process_that_is_killed_costs_its_run_an_attempt_and_no_other_anything(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,13,66,99", "study.n_jobs=2", *LOCAL, status=1)
    assert "1 diverged, 2 failed, 1 finished" in answer.stdout
    assert "x=99 seed=0 failed: the process of this run died 2 times" in answer.stdout
    assert attempts(tmp_path / "outputs/s") == {1: 3, 2: 1}
    record = json.loads(next((tmp_path / "outputs/s").glob("runs/x=1-*/*/run.json")).read_text())
    assert record["worker"]["job"].startswith("local-")
    assert record["timing"]["processes"] == 2
    assert not list((tmp_path / "outputs/s/.jobs").glob("local-*"))  # nothing is left of the jobs


@pytest.mark.slow
def test_the_cap_holds(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2,3", "sleeps=0.3", "study.n_jobs=1", *LOCAL)
    records = [json.loads(path.read_text()) for path in (tmp_path / "outputs/s").glob("runs/*/*/run.json")]
    assert len({record["worker"]["pid"] for record in records}) == 3
    changed = sorted((tmp_path / "outputs/s").glob("runs/*/*/run.json"), key=lambda path: path.stat().st_mtime)
    gaps = [b.stat().st_mtime - a.stat().st_mtime for a, b in itertools.pairwise(changed)]
    assert min(gaps) > 0.6  # two epochs each, one run after the other


@pytest.mark.slow
def test_a_signal_stops_a_run_at_its_checkpoint_and_it_goes_on(command: Command, tmp_path: Path) -> None:
    command(SAVING, "-m", "x=1", "signal=SIGUSR2", *LOCAL)
    (run,) = load_runs(tmp_path / "outputs/s").to_dict("records")
    assert (run["total"], run["attempts"], run["status"]) == (15.0, 2.0, "finished")


@pytest.mark.slow
def test_ctrl_c_ends_the_processes_and_the_same_command_continues(tmp_path: Path) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2", "sleeps=20", "study.n_jobs=2", *LOCAL]
    process = subprocess.Popen([sys.executable, *sweep], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    for _ in range(600):
        if len(paths := list((tmp_path / "outputs/s").glob("runs/*/*/run.json"))) == 2:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "Interrupted: 0 of 2 runs are done." in process.communicate(timeout=60)[0]
    assert process.returncode == 130
    for path in paths:
        record = json.loads(path.read_text())
        assert record["status"] == "interrupted"
        with pytest.raises(ProcessLookupError):
            os.kill(record["worker"]["pid"], 0)


def test_leaving_needs_a_scheduler(command: Command) -> None:
    for launcher in (LOCAL, []):
        answer = command(TRIVIAL, "-m", "x=1", "study.detach=true", *launcher, status=2)
        assert "study.detach=true needs a scheduler that starts the runs without this command" in answer.stderr


def test_each_process_gets_one_of_the_visible_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "2,5"}) == ["2", "5"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho '  MIG 1g'\necho 'GPU 1: A (UUID: y)'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus({}) == ["0", "1"]
