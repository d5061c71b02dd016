"""Launchers that collapse, processes that die, sweeps that meet, and disks that are full."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ablate.core.errors import UsageError
from ablate.engine.execution import Outcome
from ablate.engine.launch import Launch
from ablate.engine.planning import Plan, PlannedRun
from ablate.storage import files, locks
from ablate.storage.dataframe import load_runs
from ablate.storage.records import RunRecord, read_record, write_record
from tests.conftest import APPS, Command
from tests.waiting import wait_until

TRIVIAL = str(APPS / "trivial.py")
JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]


def attempts(study: Path) -> Counter[int]:
    return Counter(json.loads(path.read_text())["attempts"] for path in study.glob("runs/*/*/run.json"))


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_run_that_ends_the_sweep_without_a_word_is_told(command: Command, tmp_path: Path, end: str) -> None:
    """The exit status may be 0, and no code of the sweep runs any more."""
    (tmp_path / "train.py").write_text(
        f"import os, hydra\n@hydra.main(version_base=None)\ndef main(cfg):\n    {end}\nif __name__ == '__main__':\n    main()\n"
    )
    answer = command(str(tmp_path / "train.py"), "-m", "hydra/sweeper=ablate", "+x=1,2", status=-9 if "kill" in end else 0)
    assert "1 done" not in answer.stdout
    assert answer.stderr.startswith("ablate: the sweep has ended within a run: its process was killed, or the program called")
    assert answer.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_cell_that_raises_one_that_diverges_and_one_that_is_killed_stop_nobody(command: Command, tmp_path: Path) -> None:
    """The killed one takes the launcher's processes with it: they are started again, and it is scheduled last."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    sweep = [TRIVIAL, "-m", "x=1,2,13,66,99", "sleeps=0.1", "study.name=s", *JOBLIB]
    answer = command(*sweep, "study.report=true", status=1)
    assert "The launcher stopped (TerminatedWorkerError" in answer.stdout
    assert "1 diverged, 2 failed, 2 finished" in answer.stdout
    assert "x=66 seed=0 failed: RuntimeError: it was asked to fail" in answer.stdout
    last = "the last time, it was killed by SIGKILL; it may have run out of memory."
    assert f"x=99 seed=0 failed: the process of this run died 2 times; {last}" in answer.stdout
    runs = load_runs(tmp_path / "outputs/s").set_index("x")
    assert runs["status"].to_dict() == {1: "finished", 2: "finished", 13: "diverged", 66: "failed", 99: "failed"}
    path = next((tmp_path / "outputs/s").glob("runs/x=66-*/*/run.json"))
    before = json.loads(path.read_text())["attempts"]
    assert "3 done, 2 to do" in command(*sweep, status=1).stdout  # the same command tries them again
    assert json.loads(path.read_text())["attempts"] > before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "how"), [("os._exit(0)", "ended with status 0"), ("ctypes.string_at(0)", "was killed by SIGSEGV")]
)
def test_memory_is_not_blamed_for_other_deaths(command: Command, tmp_path: Path, end: str, how: str) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    (tmp_path / "t.py").write_text(
        "import ctypes, os, hydra\n"
        "@hydra.main(version_base='1.3', config_path=None)\n"
        f"def train(cfg):\n    return {end} if cfg.x == 2 else 0.5\n"
        "if __name__ == '__main__':\n    train()\n"
    )
    sweep = ["t.py", "-m", "+x=1,2", "hydra/sweeper=ablate", "hydra.sweeper.report=false", "hydra.sweeper.n_jobs=2"]
    answer = command(*sweep, status=1)
    assert f"x=2 seed=1 failed: the process of this run died 2 times; the last time, it {how}." in answer.stdout


def test_without_workers_the_killed_run_is_scheduled_last_and_given_up_after_two_deaths(
    command: Command, tmp_path: Path
) -> None:
    sweep = [TRIVIAL, "-m", "x=99,1,2", "study.name=s"]
    for count in (1, 2):
        answer = command(*sweep, status=-9)
        wait_until(lambda count=count: sum(map(locks.deaths, (tmp_path / "outputs/s").glob("runs/*/*/"))) == count)
    assert "x=2 seed=0 finished" in answer.stdout
    answer = command(*sweep, status=1)
    assert "2 done, 1 given up" in answer.stdout
    how = "it was killed, or ended without a word."
    assert f"x=99 seed=0 failed: the process of this run died 2 times; {how}" in answer.stdout


def test_two_sweeps_started_together_run_each_cell_once(tmp_path: Path) -> None:
    sweep = [sys.executable, TRIVIAL, "-m", "x=1,2", "rule=plus,minus", "study.seeds=3", "sleeps=0.2"]
    both = [subprocess.Popen(sweep, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=100)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all("finished" in text for text in said)
    assert attempts(tmp_path / "outputs/x+rule+sleeps=0.2") == {1: 12}


@pytest.mark.parametrize(
    ("launcher", "plugin"),
    [
        (JOBLIB, "hydra_joblib_launcher"),
        pytest.param(["hydra/launcher=submitit_local", "study.n_jobs=2"], "hydra_submitit_launcher", marks=pytest.mark.slow),
        pytest.param(["hydra/launcher=ray", "study.n_jobs=2"], "hydra_ray_launcher", marks=pytest.mark.slow),
    ],
)
def test_all_launchers_end_in_the_same_numbers(command: Command, tmp_path: Path, launcher: list[str], plugin: str) -> None:
    pytest.importorskip(f"hydra_plugins.{plugin}")
    sweep = [
        "-m",
        "ablate.run",
        "-m",
        "model.dropout=true,false",
        "data=builtin",
        "budget=smoke",
        "model.widths=[8,12,16]",
        "device=cpu",
        "precision=float32",  # auto is measured anew by each study
        "threads=1",
        "study.report=false",
    ]
    command(*sweep, "study.name=basic")
    command(*sweep, "study.name=other", *launcher)
    frames = [load_runs(tmp_path / "outputs" / name).set_index("cell").sort_index() for name in ("basic", "other")]
    metrics = [column for column in frames[0] if "accuracy" in column or "loss" in column]
    assert len(metrics) > 5
    assert frames[0][metrics].equals(frames[1][metrics])


@pytest.mark.slow
def test_the_threads_are_those_for_the_processes_asked_for_however_few_runs_there_are(command: Command, tmp_path: Path) -> None:
    """They are part of the numerics: the last runs of an interrupted sweep must not have more than the others."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    count = (os.cpu_count() or 1) * 2
    command(
        "-m",
        "ablate.run",
        "-m",
        "optimizer.learning_rate=0.1,0.01",
        "data=builtin",
        "budget=smoke",
        "model.widths=[8]",
        "device=cpu",
        "study.report=false",
        "study.name=s",
        "hydra/launcher=joblib",
        f"hydra.launcher.n_jobs={count}",
    )
    records = [json.loads(path.read_text()) for path in (tmp_path / "outputs/s").glob("runs/*/*/run.json")]
    assert [record["timing"]["processes"] for record in records] == [count, count]
    assert {record["provenance"]["numerics"]["threads"] for record in records} == {1}


def test_workers_end_when_the_process_of_the_sweep_alone_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    sweep = [TRIVIAL, "-m", "x=1,2", "study.name=s", *JOBLIB]
    parent = subprocess.Popen([sys.executable, *sweep, "sleeps=30"], cwd=tmp_path, start_new_session=True)
    leases = tmp_path / "outputs/s/runs"
    wait_until(lambda: len(list(leases.glob("*/*/.lease"))) == 2)
    workers = [json.loads(path.read_text())["pid"] for path in leases.glob("*/*/.lease")]
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(alive, workers)), seconds=25)  # the runs themselves sleep for 30 s
    time.sleep(0.5)
    assert not list(leases.glob("*/*/deaths"))  # it says nothing about the runs


def alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A disk of 300 kB, where one can be had."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True).returncode
    ):
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_what_was_done_is_kept(command: Command, small_disk: Path) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2,3,4", "study.seeds=3", f"study.root={small_disk}", "study.name=s"]
    (small_disk / "fill").write_bytes(b"0" * 204_800)
    answer = command(*sweep, status=1)
    assert "No space left on device" in answer.stdout
    done = sum("finished in" in line for line in answer.stdout.splitlines())
    assert 0 < done < 12
    (small_disk / "fill").unlink()
    assert f"{12 - done} finished, {done} kept" in command(*sweep).stdout


def test_a_read_only_folder_is_named(command: Command, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    answer = command(TRIVIAL, "-m", "x=1,2", f"study.root={small_disk}", "study.name=s", status=2)
    assert answer.stderr == "ablate: cannot write to disk/s: Read-only file system. Choose another study.root.\n"


def test_a_run_whose_folder_cannot_be_written_fails_alone(command: Command, tmp_path: Path) -> None:
    """Its configuration is written when it is planned, before anything is launched."""
    command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    (folder,) = (tmp_path / "outputs/s/runs").glob("x=1-*")
    shutil.rmtree(folder)
    folder.write_text("a file where a folder should be")
    answer = command(TRIVIAL, "-m", "x=1,2,3", "study.name=s", "study.retries=2", status=1)
    assert f"x=1 seed=0 failed: cannot write to {folder.relative_to(tmp_path)}/seed=0: Not a directory." in answer.stdout
    assert "1 failed, 1 finished, 1 kept" in answer.stdout


RESOLVERS = str(APPS / "resolvers.py")


def test_keys_that_resolve_differently_in_each_job_change_no_identity(command: Command, tmp_path: Path) -> None:
    sweep = [RESOLVERS, "-m", "x=1,2", "study.seeds=2", "study.name=s", "changes_environment=true"]
    answer = command(*sweep)
    assert answer.stdout.count(" finished in ") == 4
    said = (
        "Not used to identify runs, because their values are only known in a run: began, counted, drawn.1, drawn_once.value, "
    )
    assert answer.stdout.count(said + "folder, job.") == 1
    assert "4 kept" in command(*sweep).stdout
    assert "already finished" in command(RESOLVERS, "x=2", "seed=1", "study.name=s", "changes_environment=true").stdout
    assert load_runs(tmp_path / "outputs/s").query("x == 2 and seed == 1")["score"].item() == 3


def test_a_run_whose_files_the_program_removes_is_not_launched_for_ever(command: Command) -> None:
    answer = command(
        RESOLVERS, "-m", "x=1,2", "study.name=s", "study.logger={_target_: resolvers.Remover}", status=1, PYTHONPATH=with_apps()
    )
    assert answer.stdout.count("x=2 seed=0 finished in") == 2
    assert "1 failed, 1 finished" in answer.stdout
    assert (
        "x=2 seed=0 failed: the run was executed 2 times and is not done: config.yaml is missing or empty in " in answer.stdout
    )


def planned(directory: Path) -> Any:
    """A run as `Launch` receives it."""
    cell = SimpleNamespace(
        values={"x": 1, "path": "new"},
        overrides=["x=1"],
        digest="d" * 64,
        short="d" * 16,
        label="x=1",
        name="x=1",
        choices={},
        overridden=["x"],
        references={},
        environment={},
        unknown_levels={},
        types=None,
    )
    run = {"seed": 0, "program_seed": 0, "repeats": None, "failures": 0}
    return SimpleNamespace(cell=cell, directory=directory, identity="i", outcome=None, recorded=None, state="done", **run)


def due(directory: Path) -> PlannedRun:
    """A run that is to be launched."""
    return PlannedRun(planned(directory).cell, 0, directory, "i")


def launch_of(run: Any) -> Launch:
    launch = Launch.__new__(Launch)
    launch.plan = Plan(run.directory.parent, {}, [run], {})
    launch.deadline, launch.options = None, SimpleNamespace(retries=0)  # type: ignore[assignment]
    launch.added = SimpleNamespace(seed_key=None)  # type: ignore[assignment]
    launch.planned_with = {}
    return launch


def finished(directory: Path, status: str = "finished") -> None:
    directory.mkdir(parents=True)
    fields: dict[str, Any] = {"identity": "i", "cell": "c", "seed": 0, "label": "x=1", "choices": {}, "overridden": []}
    write_record(directory, RunRecord(**fields, status=status))
    (directory / "config.yaml").write_text("x: 1\npath: old\n")


def test_the_configuration_of_a_run_that_has_just_finished_is_not_rewritten(tmp_path: Path) -> None:
    finished(tmp_path / "done")
    finished(tmp_path / "failed", "failed")
    for name, path in (("done", "old"), ("failed", "new")):
        run = planned(tmp_path / name)
        launched, _, _ = launch_of(run)._write_plans([run])
        assert launched == [run]
        assert f"path: {path}" in (tmp_path / name / "config.yaml").read_text()
    run = planned(tmp_path / "failed")
    (run.directory / "config.yaml").write_text("path: theirs\n")
    with locks.hold(run.directory):
        launch_of(run)._write_plans([run])
    assert (run.directory / "config.yaml").read_text() == "path: theirs\n"


def test_a_launcher_whose_jobs_never_begin_is_not_asked_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(tmp_path / "run", "interrupted")  # by an earlier command
    launch = launch_of(due(tmp_path / "run"))
    launch.ended = []
    asked = []
    monkeypatch.setattr(launch, "_launch", lambda due: asked.append(due))
    with pytest.raises(UsageError, match="the launcher returned twice without starting any run"):
        launch.run()
    assert len(asked) == 2


def test_a_run_that_is_given_up_names_how_its_job_ended(tmp_path: Path) -> None:
    for error, why in (
        ("its job slurm-3_0 ended: TIMEOUT", "the last time, its job slurm-3_0 ended: TIMEOUT."),
        ("ValueError: x", "it was killed, or ended without a word."),
    ):
        run = due(tmp_path / why[:8])
        finished(run.directory, "interrupted")
        record = read_record(run.directory)
        assert record is not None
        record.error = error
        write_record(run.directory, record)
        for _ in range(2):
            locks.record_death(run.directory)
        launch = launch_of(run)
        launch.plan.look()
        launch.run()
        assert run.outcome is not None
        assert run.outcome.error == f"the process of this run died 2 times; {why}"


def test_what_a_killed_process_left_beside_a_finished_run_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    finished(tmp_path / "run")
    jobs = tmp_path / ".jobs" / f"local-{files.owner(dead.pid)}-0"
    jobs.mkdir(parents=True)
    (jobs / "work.pkl").touch()
    of_a_writer = f".run.json.{files.owner(dead.pid)}-abcdefgh"
    for left in (["checkpoint.pt", of_a_writer], [of_a_writer], [".lease"], ["deaths"]):
        for name in left:
            (tmp_path / "run" / name).write_bytes(b"x")
        run = planned(tmp_path / "run")
        run.outcome = Outcome("x=1", 0, "finished")
        launch_of(run).run()
        assert {path.name for path in (tmp_path / "run").iterdir()} == {"run.json", "config.yaml", ".lock"}
    assert not jobs.exists()


def test_files_beside_a_run_that_has_just_finished_and_is_still_held_stay(tmp_path: Path) -> None:
    finished(tmp_path / "run")
    with locks.hold(tmp_path / "run"):
        (tmp_path / "run" / "checkpoint.pt").touch()
        launch_of(planned(tmp_path / "run")).run()
        assert (tmp_path / "run" / "checkpoint.pt").exists()
        assert (tmp_path / "run" / ".lease").exists()


def test_seeds_and_arguments_that_no_file_can_have_are_refused(command: Command) -> None:
    app = str(APPS / "trivial.py")
    answer = command(app, "-m", "x=1,2", f"seed={'9' * 300},{'9' * 400}", status=2)
    assert answer.stderr.startswith("ablate: seed=9999")
    assert answer.stderr.endswith("9: expected an integer from 0 to 9223372036854775807.\n")
    assert len(answer.stderr) < 300
    answer = command(app, "-m", "x=1,2", "+y=\udcff\x1b[31m", status=2)
    assert (
        answer.stderr == "ablate: +y=\\udcff\\x1b[31m: the argument is not valid UTF-8; check the encoding of the terminal.\n"
    )


def with_apps() -> str:
    return os.pathsep.join([str(APPS), os.environ.get("PYTHONPATH", "")])


FOLDERS = str(APPS / "folders.py")


def test_each_run_works_in_a_folder_of_its_own_that_stays_the_same(command: Command, tmp_path: Path) -> None:
    """The program asserts that Hydra's output folder is that of its run, and looks for a snapshot with a relative path."""
    sweep = [FOLDERS, "-m", "x=1,2", "study.seeds=2", "study.name=s", "hydra.job.chdir=true", "hydra.sweep.dir=other"]
    answer = command(*sweep, "elsewhere=true", "hydra.output_subdir=.hydra", "hydra/job_logging=default")
    assert "4 runs in outputs/s: 4 to do." in answer.stdout
    unused = "hydra.sweep.dir=other has no effect: the runs are in outputs/s; study.root and study.name choose this folder.\n"
    assert unused in answer.stdout
    assert "4 finished" in answer.stdout
    assert "4 kept" in command(*sweep, "elsewhere=true").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]
    runs = load_runs(tmp_path / "outputs/s")
    assert runs["found"].to_list() == [0] * 4
    for directory in runs["directory"]:
        files = {path.name for path in (tmp_path / "outputs/s" / directory).iterdir()}
        assert {"snapshot", "elsewhere", "config.yaml", "run.json", "history.csv", ".hydra", "folders.log"} <= files
        overrides = (tmp_path / "outputs/s" / directory / ".hydra/overrides.yaml").read_text()
        assert "- x=" in overrides
        assert "ablate.run" not in overrides


def test_a_program_that_changes_the_working_folder_does_not_split_the_study(command: Command, tmp_path: Path) -> None:
    command(FOLDERS, "-m", "x=1,2", "study.name=s", "elsewhere=true", "study.report=true")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "outputs"]
    assert len(list(tmp_path.glob("**/run.json"))) == 2
    assert (tmp_path / "outputs/s/report/report.md").exists()


def test_a_single_run_works_in_its_folder_too(command: Command, tmp_path: Path) -> None:
    typed = ["hydra.run.dir=.", "hydra.job.chdir=true", "hydra/job_logging=default"]
    said = command(FOLDERS, "x=2", *typed, "elsewhere=true").stdout
    assert "hydra.run.dir=. has no effect: the runs are in outputs/" in said
    (directory,) = tmp_path.glob("outputs/*/runs/*/*")
    assert f"finished: {directory.relative_to(tmp_path)}\n" in said
    assert {"snapshot", "elsewhere", "folders.log", "run.json"} <= {path.name for path in directory.iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]
