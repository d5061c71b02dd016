"""Ray with one node: workers that die, folders that are not shared, errors before a run begins."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from ablate.core.errors import UsageError
from ablate.engine.jobs import RunContext
from ablate.engine.launchers import ray as launchers
from ablate.engine.options import StudyOptions
from ablate.storage import locks
from tests.conftest import APPS, Command
from tests.engine.launchers.conftest import attempts

TRIVIAL = str(APPS / "trivial.py")
RAY = ["hydra/launcher=ray", "study.name=s", "study.report=false"]
NOT_SHARED = """
import os, signal, sys, time, ablate, ablate.engine.launchers.ray as ours
ours.Ray._connect_locally = ours.Ray._connect
ours.Ray._connect = lambda self, asked: self._connect_locally(asked) and False
ours._is_shared = lambda study: False
"""
INTERRUPTING = """
os.environ.setdefault("COMMAND", str(os.getpid()))

@ablate.main(FOLDER, "saving", metrics=["total"])
def train(cfg, run):
    if run.restore() is None:
        run.log(step=1, total=1.0)
        run.save({"step": 1})
        os.kill(int(os.environ["COMMAND"]), signal.SIGINT)
        for _ in range(600):  # Ray's interruption does not end a single long sleep
            time.sleep(0.1)
    return {"total": 1.0}

if __name__ == "__main__":
    train()
"""
pytest.importorskip("hydra_plugins.hydra_ray_launcher", reason="needs the extra `ray`")


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_run_an_attempt_and_no_other_anything(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,13,66,99", "study.n_jobs=2", *RAY, status=1)
    assert "1 diverged, 2 failed, 1 finished" in answer.stdout
    assert "x=99 seed=0 failed: the process of this run died 2 times" in answer.stdout
    assert attempts(tmp_path / "outputs/s") == {1: 3, 2: 1}
    record = json.loads(next((tmp_path / "outputs/s").glob("runs/x=1-*/*/run.json")).read_text())
    assert record["worker"]["job"].startswith("ray-")


@pytest.mark.slow
def test_without_a_shared_folder_runs_are_sent_and_brought_back_whole(tmp_path: Path, command: Command) -> None:
    """The probe is told that no node sees the folder; the workers then get a folder of their own."""
    program = tmp_path / "program.py"
    program.write_text(f"{NOT_SHARED}sys.path.insert(0, {str(APPS)!r})\nfrom saving import train\ntrain()\n")
    command(str(program), "-m", "x=1,2", *RAY)
    folders = list((tmp_path / "outputs/s").glob("runs/*/*"))
    for folder in folders:
        assert json.loads((folder / "run.json").read_text())["status"] == "finished"
        assert len((folder / "history.csv").read_text().splitlines()) == 6
        assert not (folder / "checkpoint.pt").exists()
        assert not (folder / ".lease").exists()
    assert len(folders) == 2


@pytest.mark.slow
def test_after_ctrl_c_the_checkpoint_of_a_run_elsewhere_is_brought_back(tmp_path: Path, command: Command) -> None:
    program = tmp_path / "program.py"
    program.write_text(NOT_SHARED + INTERRUPTING.replace("FOLDER", repr(str(APPS / "conf"))))
    command(str(program), "-m", "x=1,2", "study.n_jobs=1", *RAY, status=130)
    (found,) = (tmp_path / "outputs/s").glob("runs/*/*/run.json")
    assert json.loads(found.read_text())["status"] == "interrupted"
    assert (found.parent / "checkpoint.pt").exists()
    assert not (found.parent / ".lease").exists()


def test_without_an_address_a_cluster_is_started_here_even_if_one_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    asked: list[dict[str, object]] = []
    monkeypatch.setattr(ray, "init", lambda **options: asked.append(options))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    launcher = launchers.Ray({})
    launcher.study = StudyOptions(n_jobs=2)
    assert launcher._connect({"address": None})
    assert launcher._connect({"address": "local"})
    assert [(options["address"], options["num_cpus"]) for options in asked] == [("local", 2)] * 2
    assert not launcher._connect({"address": "auto"})
    assert asked[-1]["address"] == "auto"
    assert "num_cpus" not in asked[-1]

    def refuse(**options: object) -> None:
        raise ConnectionError(f"Failed to connect to {options['address']}")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(
        UsageError, match=r"Failed to connect to auto. Is RAY_AUTH_MODE \(token or disabled\) here what it is on"
    ):
        launcher._connect({"address": "auto"})


def test_a_cluster_that_does_not_answer_is_named(command: Command) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2", "hydra.launcher.ray.init.address=127.0.0.9:1", *RAY, status=2)
    assert "hydra.launcher.ray.init.address=127.0.0.9:1: no cluster answers there (Connection refused)." in answer.stderr


@pytest.mark.parametrize("shared", [True, False])
def test_a_worker_that_dies_before_its_run_has_a_record_here_counts_as_a_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    """Without a shared folder the record was on the worker: without the count, such a run would be launched for ever."""
    import ray

    folder = tmp_path / "study" / "runs" / "x=1" / "seed=0"
    folder.mkdir(parents=True)
    monkeypatch.setattr(ray, "get", Mock(side_effect=ray.exceptions.WorkerCrashedError()))
    task = launchers.Task(0, "ray-1", attempts=0)
    if not shared:
        task.held.enter_context(locks.hold(folder))
    assert launchers._ended(RunContext(str(folder), "i", "c", 0, "x=1"), task, None, shared) is None
    assert locks.deaths(folder) == 1
    assert locks.holder(folder) is None


def test_what_no_node_has_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 4, "GPU": 1}},
        {"Alive": True, "Resources": {"CPU": 16}},
        {"Alive": False, "Resources": {"CPU": 64, "GPU": 8}},
    ]
    monkeypatch.setattr(launchers, "_nodes", lambda: nodes)
    for fits in ({"num_cpus": 16, "num_gpus": 0}, {"num_cpus": 4, "num_gpus": 0.5}, {"num_cpus": 1, "resources": None}):
        launchers._warn_if_too_large(fits)
    assert capsys.readouterr().out == ""
    launchers._warn_if_too_large({"num_cpus": 8, "num_gpus": 1})
    assert "no node of the Ray cluster has what each run asks for (CPU=8, GPU=1)" in capsys.readouterr().out
    launchers._warn_if_too_large({"num_cpus": 1, "resources": {"tpu": 2}})
    assert "(CPU=1, tpu=2)" in capsys.readouterr().out


def test_a_cluster_started_here_has_cores_for_all_runs_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    asked: list[dict[str, object]] = []
    monkeypatch.setattr(ray, "init", lambda **options: asked.append(options))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    launcher = launchers.Ray({"ray": {"remote": {"num_cpus": 1.5}}})
    launcher.study = StudyOptions(n_jobs=3)
    launcher._connect({})
    assert asked[0]["num_cpus"] == 5
