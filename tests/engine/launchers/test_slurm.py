"""Slurm's launcher with jobs that are killed, preempted, canceled and left alone. By hand with a real Slurm: docs/cluster.md."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ablate.core.errors import UsageError
from ablate.core.wording import duration
from ablate.engine.execution import Outcome
from ablate.engine.jobs import RunContext
from ablate.engine.launchers import cluster, silence, slurm
from ablate.engine.launchers.submitted import SubmittedRun
from ablate.engine.options import StudyOptions
from ablate.storage import locks
from ablate.storage.dataframe import load_runs
from ablate.storage.records import RunRecord, Status, read_record, write_record
from ablate.storage.submissions import Submission, read_submissions
from tests.conftest import APPS, Command
from tests.engine.launchers.conftest import attempts
from tests.waiting import wait_until

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
    wait_until(lambda: len(list(study.glob("runs/*/*/run.json"))) >= runs)


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
    monkeypatch.setattr(silence, "time", clock)
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
        f"Slurm has not answered (squeue) for {duration(clock.now)}. Its jobs may still be running: `ablate status {tmp_path / 'study'}` "
        "shows the runs, and the same command collects them once Slurm answers again."
    )
    assert 600 + silence.GIVE_UP_SECONDS <= clock.now < 700 + silence.GIVE_UP_SECONDS
    said = "Slurm does not answer (squeue): meanwhile, the folders of the runs tell which are done."
    assert capsys.readouterr().out.splitlines() == [said]

    answers = iter([None, {}])  # Slurm was away for a moment
    monkeypatch.setattr(slurm.scheduler, "states", lambda submission: next(answers))
    monkeypatch.setattr(slurm, "_ended", lambda run, queued: None)
    assert launcher._wait(contexts, jobs) == [None, None]
    assert capsys.readouterr().out == ""


def recorded(folder: Path, status: Status, job: str, attempts: int = 1) -> RunContext:
    folder.mkdir(parents=True, exist_ok=True)
    fields: dict[str, Any] = {"identity": "i", "cell": "c", "seed": 0, "label": "x=1", "choices": {}, "overridden": []}
    write_record(folder, RunRecord(**fields, status=status, attempts=attempts, worker={"job": job}))
    return RunContext(str(folder), "i", "c", 0, "x=1")


def array(runs: list[str], number: str | None = "7") -> Submission:
    return Submission(name="s-1", launcher="slurm", host="h", submitted="2026-01-01", runs=runs, array=number)


def test_how_a_job_ended_is_read_from_the_record_of_its_own_run_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of an earlier job says nothing of one that died before it began the run: it would be submitted for ever."""
    folder = tmp_path / "study" / "runs" / "x=1" / "seed=0"
    queued = slurm.Queued(array(["a", "b"]), 0, own=True, attempts=1)
    monkeypatch.setattr(slurm.scheduler, "final_state", lambda job: {"7_0": "FAILED 1:0"}[job])
    for status in ("interrupted", "failed"):
        ended = slurm._ended(recorded(folder, status, "slurm-5_0"), queued)
        assert ended is not None
        assert ended.return_value.status == "failed"
        assert ended.return_value.error.startswith("its Slurm job 7_0 ended before the run began: FAILED 1:0")
    for status in ("finished", "failed", "interrupted"):  # recorded by the job itself
        assert slurm._ended(recorded(folder, status, "slurm-7_0"), queued) is None
    assert slurm._ended(recorded(folder, "finished", "slurm-5_0"), queued) is None
    monkeypatch.setattr(slurm.scheduler, "final_state", lambda job: "CANCELLED by 0")
    ended = slurm._ended(recorded(folder, "interrupted", "slurm-5_0"), queued)  # canceled while it was waiting
    assert ended is not None
    assert ended.return_value.error == "its Slurm job 7_0 was cancelled; the same command submits it again."
    answer = tmp_path / "study" / ".jobs" / "s-1" / "0.answer"
    answer.parent.mkdir()
    cluster.write_answer(answer, Outcome("x=1", 0, "running", "held by process 8 on n2"))
    ended = slurm._ended(recorded(folder, "running", "slurm-5_0"), queued)
    assert ended is not None
    assert ended.return_value.status == "running"


def test_the_time_limit_of_a_job_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the job began while the command was still noting what it had submitted."""
    folder = tmp_path / "study" / "runs" / "x=1" / "seed=0"
    monkeypatch.setattr(slurm.scheduler, "final_state", lambda job: "TIMEOUT")
    run = recorded(folder, "running", "slurm-7_0", attempts=1)
    assert slurm._ended(run, slurm.Queued(array(["a", "b"]), 0, own=False, attempts=1)) is None
    record = read_record(folder)
    assert record is not None
    assert record.status == "interrupted"
    assert record.error == "its job slurm-7_0 ended: TIMEOUT, see hydra.launcher.timeout_min"
    assert locks.deaths(folder) == 1


def test_what_another_command_is_submitting_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until sbatch has answered, the scheduler knows no job of it."""
    submission = array(["runs/x=1/seed=0"], number=None)
    monkeypatch.setattr(slurm.scheduler, "states", lambda submission: {})
    closing = threading.Thread(target=slurm._close_ended, args=[tmp_path])
    with slurm._submitting(tmp_path):
        submission.write(tmp_path)
        closing.start()
        closing.join(0.3)
        assert read_submissions(tmp_path) == [submission]
    closing.join()
    assert read_submissions(tmp_path) == []


class Executor:
    """In place of submitit's: accepts the first array, and then what `after` does."""

    def __init__(self, after: BaseException) -> None:
        self.after: list[BaseException | None] = [None, after]

    def submit_array(self, tasks: list[SubmittedRun]) -> list[SimpleNamespace]:
        if (error := self.after.pop(0)) is not None:
            raise error
        return [SimpleNamespace(job_id=f"9_{number}") for number in range(len(tasks))]


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[slurm.Slurm, list[RunContext]]:
    """A launcher that submits arrays of two, and four runs."""
    monkeypatch.setattr(slurm, "ARRAY_SIZE", 2)
    monkeypatch.setattr(cluster, "write_work", lambda work, file: file.touch())
    launcher = slurm.Slurm({})
    launcher.work, launcher.study = SimpleNamespace(), StudyOptions()  # type: ignore[assignment]
    names = [tmp_path / "study" / "runs" / f"x={number}" / "seed=0" for number in range(4)]
    return launcher, [RunContext(str(folder), "i", "c", 0, folder.parent.name) for folder in names]


def test_jobs_that_slurm_does_not_accept_yet_follow_after_those_that_it_has_accepted(
    blocks: tuple[slurm.Slurm, list[RunContext]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher, runs = blocks
    executor = Executor(RuntimeError("sbatch: error: QOSMaxSubmitJobPerUserLimit"))
    monkeypatch.setattr(slurm.Slurm, "_executor", lambda *_: executor)
    monkeypatch.setattr(slurm.scheduler, "states", lambda submission: {})
    waited = []
    monkeypatch.setattr(slurm.Slurm, "_wait", lambda self, runs, jobs: waited.extend(jobs) or [None] * len(runs))
    assert launcher.run(runs, [["x=1"]] * 4) == [None] * 4
    assert waited == [0, 1]
    assert "Slurm does not accept 2 runs yet (QOSMaxSubmitJobPerUserLimit); they follow after the others." in (
        capsys.readouterr().out
    )


class Limited:
    """In place of submitit's executor: refuses an array of more than `most` jobs, and what is more than `total` jobs."""

    def __init__(self, error: str, most: int, total: int) -> None:
        self.error, self.most, self.total = error, most, total
        self.asked: list[int] = []

    def submit_array(self, tasks: list[SubmittedRun]) -> list[SimpleNamespace]:
        self.asked.append(len(tasks))
        if len(tasks) > min(self.most, self.total):
            raise RuntimeError(f"sbatch: error: {self.error}")
        self.total -= len(tasks)
        return [SimpleNamespace(job_id=f"{len(self.asked)}_{number}") for number in range(len(tasks))]


@pytest.mark.parametrize(
    ("error", "most", "total", "asked", "submitted"),
    [
        ("AssocMaxSubmitJobLimit", 9, 3, [4, 2, 2], 2),  # the others follow, in the next launch
        ("Batch job submission failed: Invalid job array specification", 1, 9, [4, 2, 1, 1, 1, 1], 4),
        ("Batch job submission failed: Job violates accounting/QOS policy (job submit limit, …)", 9, 1, [4, 2, 1, 1], 1),
    ],
)
def test_an_array_that_is_too_large_for_slurm_is_halved(
    blocks: tuple[slurm.Slurm, list[RunContext]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: str,
    most: int,
    total: int,
    asked: list[int],
    submitted: int,
) -> None:
    launcher, runs = blocks
    monkeypatch.setattr(slurm, "ARRAY_SIZE", 1000)
    executor = Limited(error, most, total)
    monkeypatch.setattr(slurm.Slurm, "_executor", lambda *_: executor)
    monkeypatch.setattr(slurm.scheduler, "states", lambda submission: {})
    waited: list[int] = []
    monkeypatch.setattr(slurm.Slurm, "_wait", lambda self, runs, jobs: waited.extend(jobs) or [None] * len(runs))
    assert launcher.run(runs, [["x=1"]] * 4) == [None] * 4
    assert executor.asked == asked
    assert waited == list(range(submitted))
    said = capsys.readouterr().out
    assert f"Slurm does not accept 4 runs at once ({error}); trying 2." in said
    assert ("follow after the others" in said) == (submitted < 4)


def test_an_array_that_is_refused_for_another_reason_is_not_halved(
    blocks: tuple[slurm.Slurm, list[RunContext]], monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher, runs = blocks
    executor = Limited("invalid partition specified: nowhere", 0, 0)
    monkeypatch.setattr(slurm.Slurm, "_executor", lambda *_: executor)
    with pytest.raises(UsageError, match="Slurm: the jobs cannot be submitted: invalid partition specified: nowhere"):
        launcher.run(runs, [["x=1"]] * 4)
    assert executor.asked == [2]


def test_ctrl_c_during_the_submission_cancels_also_what_was_submitted_before(
    blocks: tuple[slurm.Slurm, list[RunContext]], monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher, runs = blocks
    executor = Executor(KeyboardInterrupt())
    monkeypatch.setattr(slurm.Slurm, "_executor", lambda *_: executor)
    monkeypatch.setattr(slurm.scheduler, "states", lambda submission: {})
    canceled: list[list[str]] = []
    monkeypatch.setattr(slurm.scheduler, "cancel", lambda submission: canceled.append(submission.runs))
    with pytest.raises(KeyboardInterrupt):
        launcher.run(runs, [["x=1"]] * 4)
    assert canceled == [["runs/x=2/seed=0", "runs/x=3/seed=0"], ["runs/x=0/seed=0", "runs/x=1/seed=0"]]
    assert read_submissions(cluster.study_of(runs[0])) == []


@pytest.mark.parametrize("key", ["nodes", "tasks_per_node"])
def test_several_tasks_for_a_run_are_refused(tmp_path: Path, key: str) -> None:
    """All of them would have the same job, and would take the lease of the run from each other."""
    with pytest.raises(UsageError, match=rf"hydra.launcher.{key}=2: each run is one task of Slurm, on one node"):
        slurm.Slurm({key: 2})._executor(tmp_path, "s", None)
