"""Submitit's local executor with a cap, and runs that are killed."""

import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from ablate.engine.execution import Outcome
from ablate.engine.jobs import RunContext
from ablate.engine.launchers import cluster, local
from ablate.engine.launchers.submitted import SubmittedRun
from ablate.engine.options import StudyOptions
from ablate.storage import locks
from ablate.storage.dataframe import load_runs
from ablate.storage.records import RunRecord, Status, read_record, write_record
from tests.conftest import APPS, Command
from tests.engine.launchers.conftest import attempts
from tests.waiting import wait_until

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
    wait_until(lambda: len(list((tmp_path / "outputs/s").glob("runs/*/*/run.json"))) == 2)
    paths = list((tmp_path / "outputs/s").glob("runs/*/*/run.json"))
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


def recorded(folder: Path, status: Status, attempts: int) -> RunContext:
    folder.mkdir(parents=True, exist_ok=True)
    fields: dict[str, Any] = {"identity": "i", "cell": "c", "seed": 0, "label": "x=1", "choices": {}, "overridden": []}
    write_record(folder, RunRecord(**fields, status=status, attempts=attempts))
    return RunContext(str(folder), "i", "c", 0, "x=1")


def test_how_a_job_ended_is_read_from_the_record_of_its_own_run_alone(tmp_path: Path) -> None:
    """The record of an earlier attempt says nothing of a job that died before it began the run: it would start for ever."""
    folder = tmp_path / "study" / "runs" / "x=1" / "seed=0"
    job = SimpleNamespace(job_id="31", paths=SimpleNamespace(stderr=tmp_path / "log"))
    (tmp_path / "log").write_text("ImportError: no module named x\nsrun: error: n1: task 0: Exited with exit code 1\n")
    started = local.Started(0, job, attempts=1, slot=0, answer=tmp_path / "answer")
    for status in ("interrupted", "failed"):
        ended = local._ended(recorded(folder, status, 1), started)
        assert ended is not None
        assert ended.return_value.status == "failed"
        assert ended.return_value.error.startswith("ImportError: no module named x")
    for status in ("finished", "failed", "interrupted"):  # recorded by the job itself
        assert local._ended(recorded(folder, status, 2), started) is None
    assert local._ended(recorded(folder, "finished", 1), started) is None  # by another process
    run = recorded(folder, "running", 2)  # killed
    assert local._ended(run, started) is None
    record = read_record(folder)
    assert record is not None
    assert record.error == "its job local-31 ended: its process was killed, or ended without a word"
    assert locks.deaths(folder) == 1
    cluster.write_answer(tmp_path / "answer", Outcome("x=1", 0, None, "study.max_hours ran out"))
    ended = local._ended(recorded(folder, "interrupted", 1), started)
    assert ended is not None
    assert (ended.return_value.status, ended.return_value.error) == (None, "study.max_hours ran out")


class Executor:
    """In place of submitit's: how many jobs ran at once, and the time limit."""

    most = 0
    minutes = 0.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: set[int] = set()

    def update_parameters(self, timeout_min: float, signal_delay_s: int) -> None:  # noqa: ARG002 - submitit's signature
        Executor.minutes = timeout_min

    def submit(self, task: SubmittedRun) -> SimpleNamespace:
        self.running.add(task.number)
        Executor.most = max(Executor.most, len(self.running))
        cluster.write_answer(Path(task.answer), Outcome("x", 0, None, "not started"))
        return SimpleNamespace(job_id=str(task.number), done=lambda: self.running.discard(task.number) or True)


@pytest.mark.parametrize(("typed", "minutes"), [([], local.NO_LIMIT_MINUTES), (["hydra.launcher.timeout_min=60"], 60)])
def test_without_n_jobs_no_more_runs_than_gpus_and_no_time_limit_unless_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: list[str], minutes: int
) -> None:
    import submitit

    monkeypatch.setattr(submitit, "LocalExecutor", Executor)
    monkeypatch.setattr("ablate.engine.parallel.usable_cores", lambda: 8)
    monkeypatch.setattr(local, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(cluster, "write_work", lambda work, file: file.touch())
    contexts = [recorded(tmp_path / "study" / "runs" / f"x={number}" / "seed=0", "failed", 1) for number in range(8)]
    launcher = local.Local({"timeout_min": 60})
    launcher.work = OmegaConf.create({"config": {"hydra": {"overrides": {"hydra": typed}}}})  # type: ignore[assignment]
    for visible, n_jobs, most in (("0,1", None, 2), ("0,1", 4, 4), ("", None, 8)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        launcher.study = StudyOptions(n_jobs=n_jobs)
        Executor.most = 0
        returns = launcher.run(contexts, [["x=1"]] * 8)
        assert [ended.return_value.status for ended in returns if ended is not None] == [None] * 8
        assert Executor.most == most
        assert Executor.minutes == minutes
    assert list((tmp_path / "study" / ".jobs").glob("local-*")) == []
