"""How many runs share the machine, and how `study.n_jobs` decides it."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError
from ablate.engine import parallel
from ablate.engine.planning import Plan
from tests.conftest import APPS, Command
from tests.engine.test_planning import cell, make_plan

TRIVIAL = str(APPS / "trivial.py")
PRICED = """
import ablate

class Priced(ablate.Experiment):
    def cost(self, settings, processes):
        return {1: 4.0, 2: %s}[processes]

@ablate.main(".", "program", experiment=Priced())
def train(cfg, run):
    return {"score": float(cfg.x)}

if __name__ == "__main__":
    train()
"""


def config(**launcher: Any) -> DictConfig:
    return OmegaConf.create({"hydra": {"launcher": launcher}})


def plan_of(tmp_path: Path, runs: int) -> Plan:
    plan = make_plan(tmp_path, [cell(x=number) for number in range(runs)], [0])
    plan.look()
    return plan


def test_a_launcher_says_how_many_runs_it_has_at_a_time() -> None:
    counts = [parallel.processes_of(config(**({} if jobs is None else {"n_jobs": jobs}))) for jobs in (None, 1, 3, -1)]
    assert counts == [1, 1, 3, os.cpu_count()]
    with pytest.raises(UsageError, match="n_jobs=0: expected a number of processes >= 1, or -1 for all cores"):
        parallel.processes_of(config(n_jobs=0))


@pytest.mark.parametrize(
    ("of_one", "of_several", "chosen"),
    [
        (4.0, 4.0, 4),  # each as fast as alone: four at a time
        (4.0, 15.5, 1),  # they hinder each other: hardly a gain
        (4.0, 17.0, 1),  # a loss
    ],
)
def test_the_faster_way_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_one: float, of_several: float, chosen: int
) -> None:
    """Eight runs of 4 s one after the other take 32 s; four at a time, twice the time of one."""
    monkeypatch.setattr(parallel, "usable_cores", lambda: 4)
    asked: list[int] = []

    def cost(_: Any, processes: int) -> float:
        asked.append(processes)
        return of_one if processes == 1 else of_several

    found, note = parallel.fastest(plan_of(tmp_path, 8), cost, seconds=60)
    assert found == chosen
    assert note == (
        f"study.n_jobs=auto: {chosen} process{'es' if chosen > 1 else ''}. "
        f"4 processes are estimated to be {32 / (2 * of_several):.2f} times as fast as one."
    )
    assert sorted(set(asked)) == [1, 4]
    assert len(asked) == 2 * parallel.TIMED_CELLS


def test_there_are_no_more_processes_than_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "usable_cores", lambda: 64)
    assert parallel.fastest(plan_of(tmp_path, 3), lambda _, processes: 1.0, 60)[0] == 3
    assert parallel.fastest(plan_of(tmp_path, 1), lambda _, processes: 1.0, 60) == (
        1, "study.n_jobs=auto: one process, for one run."
    )  # fmt: skip


def test_a_program_without_estimates_gets_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    found, note = parallel.fastest(plan_of(tmp_path, 3), lambda _, processes: None, 60)
    assert found == 1
    assert note.endswith("because the program does not estimate the duration of a run.")


def test_an_estimate_that_fails_gets_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cost(*_: object) -> float:
        raise ValueError("no such file")

    monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
    found, note = parallel.fastest(plan_of(tmp_path, 3), cost, 60)
    assert found == 1
    assert note.endswith("could not be estimated: ValueError: no such file")


def test_another_launcher_is_not_overruled() -> None:
    parallel.refuse_other_launcher(config(_target_="hydra._internal.core_plugins.basic_launcher.BasicLauncher"))
    with pytest.raises(UsageError, match="study.n_jobs cannot be combined with the launcher JoblibLauncher"):
        parallel.refuse_other_launcher(config(_target_="x.JoblibLauncher"))


def test_a_launcher_for_clusters_takes_the_number_as_its_cap() -> None:
    for name in ("RayLauncher", "SlurmLauncher", "LocalLauncher"):
        parallel.refuse_other_launcher(config(_target_=f"x.{name}"))
    local = config(_target_="x.LocalLauncher", cpus_per_task=None)
    assert parallel.processes_of(local) == parallel.usable_cores()
    local.study = {"n_jobs": 7}
    assert parallel.processes_of(local) == 7
    assert parallel.cluster_processes({"cpus_per_task": 10_000}, None) == 1


def test_a_number_of_processes_is_used(command: Command, tmp_path: Path) -> None:
    sweep = (TRIVIAL, "-m", "x=1,2,3", "study.n_jobs=2", "study.name=s", "study.report=false")
    assert "3 finished" in command(*sweep).stdout
    shutil.rmtree(next((tmp_path / "outputs/s/runs").glob("x=3-*")))
    assert "1 finished, 2 kept" in command(*sweep).stdout
    records = [json.loads(path.read_text()) for path in (tmp_path / "outputs/s").glob("runs/*/*/run.json")]
    assert [record["timing"]["processes"] for record in records] == [2, 2, 2]  # also of the last run, with its threads
    refused = command(TRIVIAL, "-m", "x=1,2", "study.n_jobs=many", "study.name=s", status=2)
    assert refused.stderr == "ablate: study.n_jobs=many: expected auto, an integer >= 1, or null.\n"
    refused = command(TRIVIAL, "-m", "x=1,2", "study.n_jobs=2", "hydra/launcher=joblib", "study.name=s", status=2)
    assert "study.n_jobs cannot be combined with the launcher JoblibLauncher" in refused.stderr


@pytest.mark.skipif(parallel.usable_cores() != 2, reason="the program knows the cost for two cores")
def test_auto_is_decided_once_for_a_study(command: Command, tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text("defaults: [ablate, _self_]\nx: 0\n")
    program = tmp_path / "program.py"
    program.write_text(PRICED % 4.0)
    sweep = (str(program), "-m", "x=1,2,3,4", "study.n_jobs=auto", "study.name=s", "study.report=false")
    answer = command(*sweep)
    assert "study.n_jobs=auto: 2 processes. 2 processes are estimated to be 2.00 times as fast as one." in answer.stdout
    manifest = yaml.safe_load((tmp_path / "outputs/s/study.yaml").read_text())
    assert manifest["decisions"] == {"study.n_jobs": {"asked": "auto", "took": 2}}
    program.write_text(PRICED % 400.0)  # today's timing would say one process
    again = command(*sweep, "seed=1,2")
    assert "study.n_jobs=auto is 2 in this study, as decided when it began" in again.stdout
    records = [json.loads(path.read_text()) for path in (tmp_path / "outputs/s").glob("runs/*/seed=[12]/run.json")]
    assert {record["timing"]["processes"] for record in records} == {2}


def test_joblib_starts_no_more_processes_than_there_are_runs() -> None:
    """But two for a single run, which would otherwise run, and crash, in the process of the sweep."""

    class Joblib:
        def __init__(self, **options: Any) -> None:
            self.joblib = options

    cores = parallel.usable_cores()
    for asked, runs, expected in ((8, 3, 3), (2, 3, 2), (-1, 1000, cores), (8, 1, 2), (1, 5, 1)):
        launcher: Any = Joblib(n_jobs=asked)
        parallel.start_at_most(launcher, runs)
        assert launcher.joblib["n_jobs"] == expected
    for other in (object(), Joblib(), Joblib(n_jobs=None)):
        parallel.start_at_most(other, 1)  # type: ignore[arg-type]


def test_the_threads_of_a_process_do_not_depend_on_how_many_runs_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    joblib = pytest.importorskip("joblib")
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        monkeypatch.delenv(name)
    for runs, expected in ((9, {"n_jobs": 4}), (1, {"n_jobs": 2, "inner_max_num_threads": 2})):
        launcher: Any = SimpleNamespace(joblib={"n_jobs": 4})
        parallel.start_at_most(launcher, runs)
        assert launcher.joblib == expected
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # joblib takes this number
    launcher = SimpleNamespace(joblib={"n_jobs": 4})
    parallel.start_at_most(launcher, 1)
    assert launcher.joblib == {"n_jobs": 2}


def test_there_is_one_run_for_each_gpu_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(parallel, "usable_cores", lambda: 8)
    assert parallel.cluster_processes({}, 5) == 5
    assert parallel.cluster_processes({}, None) == 2
    assert parallel.cluster_processes({"gpus_per_node": 0}, None) == 8
    assert parallel.cluster_processes({"gpus_per_node": 0, "cpus_per_task": 3}, None) == 2
    assert parallel.cluster_processes({"cpus_per_task": 8}, None) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert parallel.cluster_processes({}, None) == 8
