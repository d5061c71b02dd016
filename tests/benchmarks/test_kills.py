"""Killed at any moment, the same command goes on, and ends in the numbers of a sweep that nobody disturbed.

`python -m benchmarks.kills` does the same a hundred times, with all launchers.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.storage.files import owner
from benchmarks import kills
from benchmarks.kills import Sweep, main

KILLS = os.environ.get("ABLATE_TEST_KILLS", "4")


def run(sweep: Sweep, name: str = "x=1-0", status: str = "finished", history: str = "step,total\n1,0.5\n") -> Path:
    """Write a run into the study of a sweep."""
    directory = sweep.study / "runs" / name / "seed=0"
    directory.mkdir(parents=True, exist_ok=True)
    record = {"status": status, "metrics": {"total": 0.5, "seconds": 1.0}, "worker": {"pid": 1}}
    (directory / "run.json").write_text(json.dumps(record))
    (directory / "history.csv").write_text(history)
    return directory


def sweep(tmp_path: Path, name: str = "sweep") -> Sweep:
    return Sweep(tmp_path / name, "toy", "basic", tmp_path / "cache")


def test_a_finished_run_that_changes_is_named(tmp_path: Path) -> None:
    torn = sweep(tmp_path)
    run(torn, "x=2-0", status="running")
    directory = run(torn)
    assert torn.changed() == []
    run(torn, "x=2-0")
    assert torn.changed() == []
    (directory / "history.csv").write_text("step,total\n1,0.75\n")
    assert torn.changed() == [f"{directory / 'run.json'} was finished and has changed"]
    (directory / "run.json").unlink()
    assert torn.changed() == [f"{directory / 'run.json'} was finished and has changed"]


def test_what_is_left_over_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kills, "END_SECONDS", 0.0)
    torn = sweep(tmp_path)
    directory = run(torn)
    (torn.study / ".slots").mkdir()
    for path in (torn.study / ".lock", torn.study / ".slots" / "h-0", directory / ".lock", torn.temporary / "tmp1"):
        path.touch()
    assert torn.left_over() == []
    left = [
        torn.study / f".study.yaml.{owner()}-abcdefgh",
        directory / ".lease",
        directory / "checkpoint.pt",
        directory / "deaths",
        torn.study / ".jobs" / "local-0",
        torn.temporary / f".ablate-run.{owner()}-abcdefgh",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    program = ["-c", "import time; print('x', flush=True); time.sleep(60)"]
    with subprocess.Popen([sys.executable, *program], env=torn.environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert torn.left_over()[0].startswith(f"process {process.pid} is running: {sys.executable} -c import time")
        assert sorted(torn.left_over()[1:]) == sorted(f"{path} is left over" for path in left)
        process.kill()


def test_results_differ_in_more_than_seconds(tmp_path: Path) -> None:
    one, other = sweep(tmp_path, "one"), sweep(tmp_path, "other")
    for each, seconds in ((one, 1), (other, 2)):
        run(each, history=f"step,total,train_seconds\n1,0.5,{seconds}\n")
    assert one.results() == other.results()
    run(other, history="step,total,train_seconds\n1,0.5000000000000001,1\n")
    assert one.results() != other.results()
    run(one, "x=2-0")
    assert len(one.results()) == 2


def test_unknown_cases_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "toy:dask"])
    assert "unknown case 'toy:dask'; available: toy:basic, " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("case", ["vision:basic", "toy:joblib"])
def test_nothing_is_lost(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--kills", KILLS, "--only", case, "--keep", str(tmp_path)])
    said = capsys.readouterr().out
    assert status == 0, said
    assert said.startswith(f"{case}: {KILLS} kills (")
    assert not list(tmp_path.iterdir())
