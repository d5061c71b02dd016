"""Slurm's launcher with jobs that are killed, preempted, canceled and left alone. By hand with a real Slurm: docs/cluster.md."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.core.wording import duration
from ablate.engine.jobs import RunContext
from ablate.engine.launchers import slurm
from ablate.storage.dataframe import load_runs
from ablate.storage.records import RunRecord, write_record
from ablate.storage.submissions import Submission, read_submissions
from tests.conftest import APPS, Command
from tests.engine.launchers.conftest import attempts

TRIVIAL, SAVING = str(APPS / "trivial.py"), str(APPS / "saving.py")
SLURM = ["hydra/launcher=submitit_slurm", "study.name=s", "study.report=false"]


def start(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until_started(study: Path, runs: int) -> None:
    for _ in range(600):
        if len(list(study.glob("runs/*/*/run.json"))) >= runs:
            return
        time.sleep(0.05)
    raise AssertionError("no run has started")


@pytest.mark.slow
def test_a_job_that_is_killed_costs_its_run_an_attempt_and_no_other_anything(
    command: Command, tmp_path: Path, slurm: dict[str, str]
) -> None:
    answer = command(TRIVIAL, "-m", "x=1,13,66,99", *SLURM, status=1, **slurm)
    assert "Submitted to Slurm as job 1: 4 runs." in answer.stdout
    assert "Submitted to Slurm as job 2: 1 run." in answer.stdout  # the killed one, last
    assert "1 diverged, 2 failed, 1 finished" in answer.stdout
    assert "x=99 seed=0 failed: the process of this run died 2 times" in answer.stdout
    assert "x=66 seed=0 failed: RuntimeError: it was asked to fail" in answer.stdout
    assert attempts(tmp_path / "outputs/s") == {1: 3, 2: 1}
    record = json.loads(next((tmp_path / "outputs/s").glob("runs/x=1-*/*/run.json")).read_text())
    assert record["worker"]["job"].startswith("slurm-1_")
    assert record["worker"]["host"] in ("n1", "n2")
    assert "differs" not in record["provenance"]
    assert read_submissions(tmp_path / "outputs/s") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGUSR2", "SIGTERM"])
def test_a_job_that_has_to_go_saves_and_continues_in_the_queue(
    command: Command, tmp_path: Path, slurm: dict[str, str], name: str
) -> None:
    command(SAVING, "-m", "x=1,2", f"signal={name}", *SLURM, **slurm)
    runs = load_runs(tmp_path / "outputs/s")
    assert runs["total"].to_list() == [15.0, 30.0]
    assert runs["metric.attempts" if "metric.attempts" in runs else "attempts"].to_list() == [2.0, 2.0]
    records = [json.loads(path.read_text()) for path in (tmp_path / "outputs/s").glob("runs/*/*/run.json")]
    assert [record["timing"]["resumed"] for record in records] == [True, True]
    histories = [path.read_text().splitlines() for path in (tmp_path / "outputs/s").glob("runs/*/*/history.csv")]
    assert [len(lines) for lines in histories] == [6, 6]


@pytest.mark.slow
def test_jobs_are_left_and_collected_and_not_submitted_twice(command: Command, tmp_path: Path, slurm: dict[str, str]) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2,3,4,5,6", "sleeps=1", *SLURM]
    answer = command(*sweep, "study.detach=true", **slurm)
    assert "Submitted to Slurm as job 1: 6 runs." in answer.stdout
    assert "The runs go on without this command. `ablate status outputs/s` shows them" in answer.stdout.replace(
        str(tmp_path) + "/", ""
    )
    assert len(read_submissions(tmp_path / "outputs/s")) == 1
    answer = command(*sweep, **slurm)
    assert "Submitted before as job 1, waiting for them:" in answer.stdout  # two run at a time
    assert attempts(tmp_path / "outputs/s") == {1: 6}
    assert len(list((tmp_path / "slurm/state").glob("*.array"))) == 1


@pytest.mark.slow
def test_a_command_that_is_killed_leaves_jobs_that_two_others_collect(tmp_path: Path, slurm: dict[str, str]) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2,3,4", "sleeps=1", *SLURM]
    first = start(tmp_path, slurm, *sweep)
    until_started(tmp_path / "outputs/s", 1)
    first.kill()
    first.communicate()
    others = [start(tmp_path, slurm, *sweep) for _ in range(2)]
    said = [process.communicate(timeout=200)[0] for process in others]
    assert [process.returncode for process in others] == [0, 0], said
    assert attempts(tmp_path / "outputs/s") == {1: 4}
    assert len(list((tmp_path / "slurm/state").glob("*.array"))) == 1


@pytest.mark.slow
def test_ctrl_c_cancels_the_jobs(tmp_path: Path, slurm: dict[str, str]) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2,3,4", "sleeps=3", *SLURM]
    process = start(tmp_path, slurm, *sweep)
    until_started(tmp_path / "outputs/s", 1)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=100)[0]
    assert process.returncode == 130, said
    assert "Cancelled the Slurm jobs of this command: 1." in said
    states = [path.read_text().partition("|")[2] for path in (tmp_path / "slurm/state").glob("*.job")]
    assert set(states) <= {"CANCELLED", "COMPLETED"}
    assert "CANCELLED" in states


@pytest.mark.slow
def test_an_option_that_slurm_refuses_is_named(command: Command, slurm: dict[str, str]) -> None:
    file = Path(slurm["PATH"].split(":")[0]) / "sbatch"
    file.write_text("#!/bin/sh\necho 'sbatch: error: invalid partition specified: nowhere' >&2\nexit 1\n")
    answer = command(TRIVIAL, "-m", "x=1,2", "hydra.launcher.partition=nowhere", *SLURM, status=2, **slurm)
    assert "Slurm: the jobs cannot be submitted: invalid partition specified: nowhere" in answer.stderr


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_without_an_answer_of_slurm_the_folders_tell_what_is_done_and_at_last_it_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    monkeypatch.setattr(slurm, "time", clock)
    submission = Submission(name="s-1", launcher="slurm", host="h", submitted="2026-01-01", runs=["a", "b"], array="7")
    contexts = []
    for number, status in enumerate(("running", "running")):
        folder = tmp_path / "study" / "runs" / f"x={number}-0" / "seed=0"
        folder.mkdir(parents=True)
        contexts.append(RunContext(str(folder), f"i{number}", "c", 0, f"x={number}"))
        record = {"identity": f"i{number}", "cell": "c", "seed": 0, "label": "x", "choices": {}, "overridden": []}
        write_record(folder, RunRecord.model_validate({**record, "status": status}))
    jobs = {number: slurm.Queued(submission, number, own=True, attempts=0) for number in (0, 1)}

    def silent(submission: Submission) -> None:  # noqa: ARG001 - the signature of scheduler.states
        if clock.now > 600:  # the first run ends meanwhile
            write_record(
                Path(contexts[0].directory), RunRecord.model_validate({**record, "identity": "i0", "status": "finished"})
            )

    monkeypatch.setattr(slurm.scheduler, "states", silent)
    launcher = slurm.Slurm({})
    with pytest.raises(UsageError) as error:
        launcher._wait(contexts, jobs)
    assert str(error.value) == (
        f"Slurm has not answered (squeue) for {duration(clock.now)}. Its jobs may go on: `ablate status {tmp_path / 'study'}` "
        "shows the runs, and the same command collects them once Slurm answers again."
    )
    assert 600 + slurm.GIVE_UP_SECONDS <= clock.now < 700 + slurm.GIVE_UP_SECONDS
    said = "Slurm does not answer (squeue): meanwhile, the folders of the runs tell which are done."
    assert capsys.readouterr().out.splitlines() == [said]

    answers = iter([None, {}])  # Slurm was away for a moment
    monkeypatch.setattr(slurm.scheduler, "states", lambda submission: next(answers))
    monkeypatch.setattr(slurm, "_ended", lambda run, queued: None)
    assert launcher._wait(contexts, jobs) == [None, None]
    assert capsys.readouterr().out == ""
