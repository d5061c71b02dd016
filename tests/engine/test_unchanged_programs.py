"""`hydra/sweeper=ablate` for a program that is decorated with `hydra.main` and knows nothing of ablate."""

import json
import random
import shutil
from pathlib import Path

import pytest

from ablate.storage.dataframe import load_results
from tests.conftest import APPS, Command

SWEEP = ("-m", "hydra/sweeper=ablate", "hydra.sweeper.report=false")


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A copy, in a folder without other files."""
    (tmp_path / "conf").mkdir()
    shutil.copy(APPS / "plain.py", tmp_path / "train.py")
    shutil.copy(APPS / "conf" / "plain.yaml", tmp_path / "conf" / "plain.yaml")
    return str(tmp_path / "train.py")


def expected(lr: float, seed: int) -> float:
    """The number that the unswept program returns."""
    return lr + random.Random(seed).random()


def test_a_returned_number_is_paired_by_seed_and_kept(program: str, command: Command, tmp_path: Path) -> None:
    typed = (program, *SWEEP, "optimizer.lr=0.25,0.5", "hydra.sweeper.seeds=2")
    assert "4 finished" in command(*typed).stdout
    results = load_results(tmp_path / "outputs" / "lr")
    found = zip(results.levels["optimizer.lr"], results.runs["seed"], results.values["value"], strict=True)
    assert {(level.value, seed): value for level, seed, value in found} == {
        (lr, seed): expected(lr, seed) for lr in (0.25, 0.5) for seed in (1, 2)
    }
    folder = next((tmp_path / "outputs" / "lr" / "runs").glob("lr=0.25-*/seed=2"))
    assert "seed=2" in (folder / "train.log").read_text()
    assert "study" not in (folder / ".hydra" / "config.yaml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["conf", "outputs", "train.py"]
    again = command(*typed[:-1], "hydra.sweeper.seeds=3", "hydra.sweep.dir=a", "hydra.sweep.subdir=b").stdout
    assert "2 finished, 4 kept" in again
    unused = "hydra.sweep.dir=a and hydra.sweep.subdir=b have no effect: the runs are in outputs/lr;"
    assert f"{unused} hydra.sweeper.root and hydra.sweeper.name choose this folder.\n" in again


def test_metrics_are_read_from_the_files_that_it_wrote(program: str, command: Command, tmp_path: Path) -> None:
    files = ("hydra.sweeper.metrics='**/*.[cj]s[vo]*'", "hydra.sweeper.metrics_row=max", "hydra.sweeper.metric=score")
    command(program, *SWEEP, "optimizer.lr=0.5,1.5", "returns=nothing", "hydra.sweeper.name=s", *files)
    for path in (tmp_path / "outputs" / "s" / "runs").glob("*/seed=1"):
        metrics = json.loads((path / "run.json").read_text())["metrics"]
        assert metrics["score"] == metrics["best"]
        assert (path / "history.csv").read_text().startswith("epoch,score\n0.0,")


def test_files_in_the_folder_of_the_command_are_found_by_programs_that_work_in_that_of_the_run(
    program: str, command: Command, tmp_path: Path
) -> None:
    """As TD-MPC2 does: `logs` is beside the program, and without version_base Hydra changes the working folder."""
    Path(program).write_text(
        "import hydra\n"
        "from pathlib import Path\n"
        "@hydra.main(version_base='1.1', config_path='conf', config_name='plain')\n"
        "def main(cfg):\n"
        "    folder = Path(hydra.utils.get_original_cwd()) / 'logs' / str(cfg.seed)\n"
        "    folder.mkdir(parents=True, exist_ok=True)\n"
        "    (folder / 'eval.csv').write_text(f',reward\\n0,{cfg.optimizer.lr}\\n')\n"
        "main()\n"
    )
    typed = ("optimizer.lr=0.25,0.5", "hydra.sweeper.seeds=2", "hydra.sweeper.metrics='logs/*/eval.csv'")
    assert "4 finished" in command(program, *SWEEP, *typed).stdout
    results = load_results(tmp_path / "outputs" / "lr")
    assert list(results.values) == ["reward"]
    assert sorted(results.values["reward"]) == [0.25, 0.25, 0.5, 0.5]
    missing = ("optimizer.lr=0.25,0.5", "hydra.sweeper.name=m", "hydra.sweeper.metrics='logs/*/train.csv'")
    said = " ".join(command(program, *SWEEP, *missing, status=1).stdout.split())
    assert f", where it wrote nothing, and none in {tmp_path}." in said


def test_what_is_missing_is_said_in_one_line(program: str, command: Command, tmp_path: Path) -> None:
    said = command(program, *SWEEP, "optimizer.lr=0.5,1", "hydra.sweeper.reuse=all", status=2)
    assert said.stderr == "ablate: hydra.sweeper.reuse=all: expected one of any, same_code.\n"
    answer = command(program, *SWEEP, "returns=nothing", status=1).stdout
    assert "return a number or a mapping of metrics, or name the file that it writes" in answer
    assert "Its folder has final.json, metrics.csv." in answer
    (tmp_path / "conf" / "plain.yaml").write_text("lr: 1\n")
    said = command(program, *SWEEP, "lr=1,2", "hydra.sweeper.seeds=2", status=2)
    assert "the configuration has no key 'seed' for the seed: name the key" in said.stderr
    assert said.stderr.endswith("takes its seed with hydra.sweeper.seed_key=….\n")
    (tmp_path / "conf" / "plain.yaml").write_text("lr: 1\ntrain: {random_seed: 42}\ndata: {seed: null, seeds: [1]}\n")
    said = command(program, *SWEEP, "lr=1,2", "hydra.sweeper.seeds=2", status=2)
    assert said.stderr.endswith("hydra.sweeper.seed_key=train.random_seed (the configuration has data.seed, too).\n")


def test_other_commands_of_the_program_are_as_before(program: str, command: Command, tmp_path: Path) -> None:
    command(program, "-m", "optimizer.lr=0.5,1", "hydra.sweep.dir=swept")
    assert sorted(path.name for path in (tmp_path / "swept").iterdir()) == ["0", "1", "multirun.yaml"]
    shown = command(program, "hydra/sweeper=ablate", "--cfg", "hydra", "-p", "hydra.sweeper").stdout
    assert "seeds: null" in shown
    assert "metrics_row: last" in shown


@pytest.mark.slow
def test_the_decorator_replaces_that_of_hydra(program: str, command: Command, tmp_path: Path) -> None:
    script = Path(program)
    text = script.read_text().replace("import hydra\n", "import ablate\n").replace("@hydra.main", "@ablate.main")
    script.write_text(text)
    assert "finished: outputs/base/runs/base-" in command(program).stdout
    typed = (program, "-m", "optimizer.lr=0.25,0.5", "hydra.sweeper.seeds=2", "hydra.sweeper.report=false")
    assert "4 finished" in command(*typed).stdout
    script.write_text(
        text.replace("def main(cfg)", "def main(cfg, run)").replace("score = ", "run.log(epoch=1, a=2)\n    score = ")
    )
    command(*typed, "hydra.sweeper.name=with_run", "returns=mapping")
    (history, *_) = (tmp_path / "outputs" / "with_run").glob("runs/*/*/history.csv")
    assert history.read_text() == "epoch,a\n1,2\n"


@pytest.mark.parametrize("launcher", [(), ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")], ids=["serial", "joblib"])
def test_fields_of_one_dataclass_do_not_reach_the_runs_of_another(
    launcher: tuple[str, ...], command: Command, tmp_path: Path
) -> None:
    """The field of the group is declared as their base class, which OmegaConf keeps as the type of the node."""
    shutil.copy(APPS / "bases.py", tmp_path)
    command("bases.py", "-m", "hydra/sweeper=ablate", "opt=plain,momentum,adam", "hydra.sweeper.seeds=3",
            "hydra.sweeper.report=false", "hydra.sweeper.name=s", *launcher)  # fmt: skip
    runs = load_results(tmp_path / "outputs/s").to_frame()
    assert {level: set(cells["value"].round(9)) for level, cells in runs.groupby("opt")} == {
        "plain": {0.1}, "momentum": {1.0}, "adam": {0.85}
    }  # fmt: skip
    written = {
        path.parent.parent.name.split("-")[0]: path.read_text() for path in tmp_path.glob("outputs/s/runs/*/*/config.yaml")
    }
    assert "momentum" not in written["opt=plain"] + written["opt=adam"]


def test_configurations_that_failed_before_do_not_keep_new_seeds_of_others_from_running(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "import hydra\nfrom omegaconf import OmegaConf\n"
        "@hydra.main(version_base='1.3', config_path='conf', config_name='config')\n"
        "def main(cfg):\n"
        "    if cfg.model == 'big':\n        raise RuntimeError('out of memory')\n"
        "    return 0.5 + 0.01 * cfg.seed\n"
        "main()\n"
    )
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text("seed: 0\nmodel: a\n")
    sweep = ("app.py", "-m", "hydra/sweeper=ablate", "model=big,a,b", "hydra.sweeper.name=s", "hydra.sweeper.report=false")
    command(*sweep, "hydra.sweeper.seeds=3", status=1)
    command(*sweep, "hydra.sweeper.seeds=5", status=1)
    runs = load_results(tmp_path / "outputs/s").runs
    assert runs[runs["status"] == "finished"]["cell"].value_counts().tolist() == [5, 5]
    assert set(runs[runs["status"] == "failed"]["seed"]) == {1, 2, 3, 4, 5}


def test_messages_name_the_options_as_they_are_typed(program: str, command: Command) -> None:
    said = command(program, "-m", "hydra/sweeper=ablate", "seed=1,2", "hydra.sweeper.seeds=2", status=2).stderr
    assert said == "ablate: give either seed=… or hydra.sweeper.seeds=…, not both.\n"


def test_a_claim_about_a_metric_that_the_program_does_not_have_is_named_after_the_first_run(
    program: str, command: Command
) -> None:
    contrast = "{factor:optimizer.lr,from:0.1,to:0.2}"
    claims = ",".join(
        f"{{id:{name},says:x,kind:contrast,contrast:{contrast},metric:{metric},expects:higher}}"
        for name, metric in (("c1", "acc"), ("c2", "value"))
    )
    sweep = (
        program,
        "-m",
        "hydra/sweeper=ablate",
        "optimizer.lr=0.1,0.2",
        "hydra.sweeper.seeds=2",
        "hydra.sweeper.report=false",
    )
    answer = command(*sweep, f"hydra.sweeper.claims=[{claims}]")
    said = [line for line in (answer.stdout + answer.stderr).splitlines() if "Claim" in line]
    assert [line.partition(" - ")[2] or line for line in said] == ["Claim c1 is about acc, but the first run has value."]
