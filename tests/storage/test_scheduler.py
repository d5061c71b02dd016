"""Slurm's answers, as its commands print them."""

from pathlib import Path

import pytest

from ablate.storage import scheduler
from ablate.storage.submissions import Submission

JOBS = Submission(name="s-1", launcher="slurm", host="h", submitted="2026-01-01", runs=["a", "b"], array="17")


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(command: str, text: str, status: int = 0) -> None:
        (tmp_path / command).write_text(f"#!/bin/sh\nprintf '%s\\n' '{text}'\nexit {status}\n")
        (tmp_path / command).chmod(0o755)

    for command in ("squeue", "sacct", "scontrol", "sinfo"):
        make(command, "", 1)
    return make


def test_states_by_position(says: object) -> None:
    says("squeue", "0|RUNNING|n1\n1|PENDING|")  # type: ignore[operator]
    assert scheduler.states(JOBS) == {0: "RUNNING on n1", 1: "PENDING"}
    says("squeue", "N/A|COMPLETING|n1")  # type: ignore[operator]
    assert scheduler.states(JOBS) == {0: "COMPLETING on n1"}
    says("squeue", "")  # type: ignore[operator]
    assert scheduler.states(JOBS) == {}
    says("squeue", "slurm_load_jobs error: Unable to contact slurm controller", 1)  # type: ignore[operator]
    assert scheduler.states(JOBS) is None


def test_the_jobs_of_a_study_by_the_folder_of_their_run(says: object, tmp_path: Path) -> None:
    assert scheduler.queued_jobs(tmp_path) == {}
    JOBS.write(tmp_path)
    says("squeue", "1|PENDING|")  # type: ignore[operator]
    assert scheduler.queued_jobs(tmp_path) == {"b": scheduler.QueuedJob("slurm-17_1", "PENDING", "2026-01-01")}
    says("squeue", "", 1)  # type: ignore[operator]
    assert {name: job.state for name, job in scheduler.queued_jobs(tmp_path).items()} == {"a": None, "b": None}


def test_the_end_of_a_job_with_and_without_accounting(says: object) -> None:
    says("scontrol", "JobId=18 ArrayJobId=17 JobName=s-1 JobState=NODE_FAIL Reason=None")  # type: ignore[operator]
    assert scheduler.final_state("17_0") == "NODE_FAIL"
    says("sacct", "17_0|FAILED|0:9")  # type: ignore[operator]
    assert scheduler.final_state("17_0") == "FAILED 0:9"
    says("sacct", "17_[0-3]|CANCELLED by 0|0:0")  # type: ignore[operator]
    assert scheduler.final_state("17_0") == "CANCELLED by 0"


def test_whether_there_are_gpus(says: object) -> None:
    says("sinfo", "main*|(null)\nbig|gpu:a100:8")  # type: ignore[operator]
    assert not scheduler.has_gpus(None)
    says("sinfo", "main*|gpu:2")  # type: ignore[operator]
    assert scheduler.has_gpus(None)
    says("sinfo", "big|gpu:a100:8")  # type: ignore[operator]
    assert scheduler.has_gpus("big")


def test_without_slurm_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert scheduler.states(JOBS) is None
    assert scheduler.final_state("17_0") == scheduler.UNKNOWN
    assert not scheduler.has_gpus(None)
