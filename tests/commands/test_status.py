"""`ablate status`: what each run does, without the process that launched it."""

import json
import os
import sys
from pathlib import Path

import pytest

from ablate.commands import status
from ablate.storage import locks, scheduler
from ablate.storage.records import RunRecord, write_record
from ablate.storage.submissions import Submission


def record(directory: Path, state: str, **facts: object) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    worker = {"host": "n1", "pid": 1, "job": "slurm-7_0"}
    timing = {"started": "2026-01-01T00:00:00+00:00", "seconds": 60.0}
    label = directory.parent.name.rpartition("-")[0]
    content = {"identity": "i", "cell": "c", "seed": 0, "label": label, "choices": {}, "overridden": [], "attempts": 1}
    write_record(directory, RunRecord.model_validate({**content, "status": state, "timing": timing, "worker": worker, **facts}))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = {name: f"runs/{name}-00000000/seed=0" for name in ("done", "broken", "lost", "waiting", "starting", "never", "not")}
    record(tmp_path / names["done"], "finished")
    record(tmp_path / names["broken"], "failed", error="RuntimeError: no", attempts=3)
    record(tmp_path / names["lost"], "running")
    rows = [f"{name},0,{'left out' if key == 'not' else 'to do'},,{name}," for key, name in names.items()]
    (tmp_path / "plan.csv").write_text("\n".join(["x,seed,state,seconds,directory,note", *rows]))
    queued = [names["waiting"], names["starting"]]
    Submission(name="s-1", launcher="slurm", host="h", submitted="2026-01-01T00:00:00+00:00", runs=queued, array="7").write(
        tmp_path
    )
    monkeypatch.setattr(scheduler, "states", lambda submission: {0: "PENDING", 1: "RUNNING on n2"})
    return tmp_path


def test_each_run_has_a_state_a_place_and_a_time(study: Path) -> None:
    found = {run.directory.split("/")[1].partition("-")[0]: run for run in status.status_of(study)}
    assert {name: run.state for name, run in found.items()} == {
        "done": "finished",
        "broken": "failed",
        "lost": "interrupted",
        "waiting": "queued",
        "starting": "running",
        "never": "not started",
        "not": "left out",
    }
    assert (found["waiting"].job, found["waiting"].note) == ("slurm-7_0", "PENDING")
    starting = found["starting"]
    assert (starting.job, starting.host, starting.since, starting.note) == ("slurm-7_1", "n2", None, "starting")
    assert (found["broken"].attempts, found["broken"].note, found["broken"].host) == (3, "RuntimeError: no", "n1")
    assert found["done"].since == 1767225660.0  # a minute after it started


def test_a_damaged_record_is_not_a_run_that_never_started(study: Path) -> None:
    (study / "runs/done-00000000/seed=0/run.json").write_text('{"identity": ')
    (run,) = [run for run in status.status_of(study) if run.label == "done"]
    assert run.state == "unreadable"
    assert run.note is not None
    assert run.note.startswith(f"{study}/runs/done-00000000/seed=0/run.json is skipped: Invalid JSON")


def test_a_run_that_a_process_holds_is_running(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(locks.JOB, "local-5")
    with locks.hold(study / "runs/lost-00000000/seed=0"):
        (run,) = [run for run in status.status_of(study) if run.label == "lost"]
    assert (run.state, run.job) == ("running", "local-5")


def test_without_an_answer_of_the_scheduler_runs_count_as_queued(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "states", lambda submission: None)
    queued = [run.note for run in status.status_of(study) if run.state == "queued"]
    assert queued == ["Slurm does not answer"] * 2


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ablate status", *arguments])
    with pytest.raises(SystemExit) as ended:
        status.main()
    return int(str(ended.value.code))


def test_the_command_lists_what_needs_attention(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert call(monkeypatch, str(study)) == 0
    said = capsys.readouterr().out
    assert "7 runs: 1 running, 1 queued, 1 failed, 1 interrupted, 1 not started, 1 finished, 1 left out; about " in said
    assert "slurm-7_1" in said
    assert "done" not in said
    assert call(monkeypatch, str(study), "--all") == 0
    assert "done" in capsys.readouterr().out


def test_a_long_error_is_cut(study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    record(study / "runs/broken-00000000/seed=0", "failed", error="y" * 10_000)
    monkeypatch.setenv("COLUMNS", "160")
    call(monkeypatch, str(study))
    assert capsys.readouterr().out.count("y") < 300


def test_the_command_as_json(study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, str(study), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    runs = answer["runs"]
    assert answer["seconds_left"] == 240.0  # four runs of a minute, one of which is starting
    assert len(runs) == 7
    assert runs[0]["seconds"] == 60.0
    assert runs[0]["since"] == "2026-01-01T00:01:00+00:00"


def test_a_folder_that_is_no_study_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, str(tmp_path)) == 2
    assert (
        f"ablate: {tmp_path} is not the folder of a study. For results of other tools, use `ablate report {tmp_path}`; studies in outputs/:"
        in capsys.readouterr().err
    )


def test_runs_that_have_ended_are_read_once(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: status.Known = {}
    first = status.status_of(study, known)
    assert [name.partition("-")[0] for name in known] == ["runs/done"]
    read = status.read_record
    names: list[str] = []
    monkeypatch.setattr(
        status, "read_record", lambda directory, damaged: names.append(directory.parent.name) or read(directory)
    )
    assert status.status_of(study, known) == first
    assert "done-00000000" not in names
    assert "broken-00000000" in names
    record(study / "runs/done-00000000/seed=0", "finished", attempts=2)
    os.utime(study / "runs/done-00000000/seed=0/run.json", ns=(1, 1))
    assert next(run for run in status.status_of(study, known) if run.label == "done").attempts == 2
