"""What a job knows about itself, and what it does when the scheduler announces its end."""

import os
import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import pytest

from ablate.engine import stopping
from ablate.engine.execution import Outcome
from ablate.engine.jobs import RunContext
from ablate.engine.launchers import cluster, submitted


def test_the_identifier_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBMITIT_LOCAL_JOB_ID", "31")
    assert submitted.identifier() == "local-31"
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    assert submitted.identifier() == "slurm-12"
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "9")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    assert submitted.identifier() == "slurm-9_3"


def test_threads_are_those_of_the_job_unless_they_are_set() -> None:
    environment = {"SLURM_CPUS_ON_NODE": "3"}
    submitted.limit_threads(environment)
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "3"
    environment = {"SLURM_CPUS_ON_NODE": "3", "OMP_NUM_THREADS": "1"}
    submitted.limit_threads(environment)
    assert "MKL_NUM_THREADS" not in environment


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Slurm that writes down what is asked of it; its job is in the state of the file `state`."""
    (tmp_path / "state").write_text("RUNNING")
    for name in ("squeue", "scontrol"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $@" >> {tmp_path}/asked\ncat {tmp_path}/state\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
    return tmp_path


def test_a_job_goes_back_into_the_queue_unless_it_was_canceled(slurm: Path) -> None:
    submitted.requeue()
    assert (slurm / "asked").read_text().splitlines()[-1] == "scontrol requeue 12"
    (slurm / "asked").unlink()
    (slurm / "state").write_text("COMPLETING")
    submitted.requeue()
    assert "scontrol" not in (slurm / "asked").read_text()


def test_the_local_executor_is_asked_to_start_the_job_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "local")
    with pytest.raises(SystemExit) as left:
        submitted.requeue()
    assert left.value.code == submitted.REQUEUE


def test_a_run_without_a_checkpoint_in_time_goes_back_only_if_there_was_progress(
    slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {number: signal.getsignal(number) for number in submitted.REASONS}
    monkeypatch.setattr(submitted, "MARGIN_SECONDS", 0.0)
    try:
        for progress in (False, True):
            stopping.reset()
            submitted.Signals(notice=0.01)
            if progress:
                stopping.note_saved()
            os.kill(os.getpid(), signal.SIGUSR2)
            assert stopping.requested() == "its time limit is near; it continues in another job"
            for thread in threading.enumerate():
                if isinstance(thread, threading.Timer):
                    thread.join(5)
            assert (slurm / "asked").exists() == progress
    finally:
        stopping.reset()
        for number, handler in before.items():
            signal.signal(number, handler)


class Work:
    """In place of `cluster.Work`: the outcome of a run, and whether the scheduler announced the end of its job."""

    def __init__(self, outcome: Outcome, stop: bool) -> None:
        self.outcome, self.stop = outcome, stop

    def __call__(self, overrides: object, number: int, job: str) -> SimpleNamespace:
        assert (overrides, number, job) == (["x=1"], 3, "local-31")
        if self.stop:
            stopping.request("its time limit is near")
        return SimpleNamespace(return_value=self.outcome)


@pytest.mark.parametrize("stop", [False, True])
def test_a_job_writes_how_its_run_ended_unless_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: bool) -> None:
    """A run that another process holds, or that did not start, has no record of that."""
    monkeypatch.setenv("SUBMITIT_LOCAL_JOB_ID", "31")
    monkeypatch.setattr(submitted, "Signals", lambda notice: SimpleNamespace(over=False))
    again = []
    monkeypatch.setattr(submitted, "requeue", lambda: again.append(1))
    outcome = Outcome("x=1", 0, "interrupted" if stop else "running", "held by process 7")
    (tmp_path / "work").write_bytes(cloudpickle.dumps(Work(outcome, stop)))
    (tmp_path / "answer").write_text("{}")  # of an earlier start
    try:
        submitted.SubmittedRun(str(tmp_path / "work"), str(tmp_path / "answer"), ["x=1"], 3, 30.0)()
    finally:
        stopping.reset()
    answer = cluster.read_answer(tmp_path / "answer", RunContext(str(tmp_path), "i", "c", 0, "x=1"))
    if stop:
        assert again == [1]
        assert answer is None
    else:
        assert answer is not None
        assert (answer.return_value.status, answer.return_value.error) == ("running", "held by process 7")
