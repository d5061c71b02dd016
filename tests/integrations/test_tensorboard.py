"""TensorBoard by the real commands: it shows what history.csv and run.json hold."""

import csv
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from ablate.storage.dataframe import load_runs
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")
needs_tensorboard = pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")

RESUMING = f"""
import os, signal
from pathlib import Path
import ablate

@ablate.main({str(APPS / "conf")!r})
def train(cfg, run):
    for epoch in range((run.restore() or {{"epoch": 0}})["epoch"] + 1, 6):
        run.log(epoch=epoch, score=epoch / 8)
        if epoch == 3 and not Path("died").exists():
            Path("died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        run.save({{"epoch": epoch}})
    return {{"score": 0.5}}

train()
"""


def shown(run: Path) -> Any:
    """What TensorBoard reads."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(run / "tensorboard"))
    return accumulator.Reload()


def curve(events: Any, name: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(name)]


def hyperparameters(events: Any) -> dict[str, Any]:
    """The levels that TensorBoard's table of runs shows."""
    from tensorboard.plugins.hparams import plugin_data_pb2

    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    info = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    return {key: getattr(value, value.WhichOneof("kind")) for key, value in info.items()}


def only_run(study: Path) -> Path:
    (run,) = study.glob("runs/*/seed=0")
    return run


@pytest.mark.slow
@needs_tensorboard
def test_tensorboard_shows_the_history_of_a_training(command: Command, tmp_path: Path) -> None:
    smoke = ["-m", "ablate.run", "data=builtin", "budget=smoke", "model=narrow", "stem=direct", "device=cpu"]
    command(*smoke, "logger=tensorboard")
    study = next((tmp_path / "outputs").glob("data=*"))
    assert "logger" not in study.name
    run = only_run(study)
    events = shown(run)
    with (run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 1
    for name in rows[0].keys() - {"epoch"}:
        expected = [(int(row["epoch"]), pytest.approx(float(row[name]), rel=1e-6, nan_ok=True)) for row in rows]
        assert curve(events, name) == expected, name
    metrics = json.loads((run / "run.json").read_text())["metrics"]
    assert {name: curve(events, f"metrics/{name}") for name, value in metrics.items() if value is not None} == {
        name: [(0, pytest.approx(value, rel=1e-6))] for name, value in metrics.items() if value is not None
    }
    levels = hyperparameters(events)
    assert (levels["label"], levels["seed"], levels["stem"], levels["budget"]) == ("base", 0, "direct", "smoke")
    assert "already finished" in command(*smoke).stdout  # the same run, in the same study


@needs_tensorboard
def test_a_run_is_the_same_with_and_without_a_logger(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "logger=tensorboard")
    command(TRIVIAL, "-m", "x=1,2", "study.name=without")
    (tmp_path / "outputs/x").rename(tmp_path / "outputs/with")
    runs = {name: load_runs(tmp_path / "outputs" / name) for name in ("with", "without")}
    assert runs["with"].equals(runs["without"])
    assert "x" in runs["with"]
    assert "2 kept" in command(TRIVIAL, "-m", "x=1,2", "study.name=with").stdout
    assert "2 kept" in command(TRIVIAL, "-m", "x=1,2", "study.name=without", "logger=tensorboard").stdout
    assert not list((tmp_path / "outputs/without").rglob("tensorboard"))


@needs_tensorboard
def test_a_run_that_was_killed_shows_each_epoch_once(command: Command, tmp_path: Path) -> None:
    (tmp_path / "resuming.py").write_text(RESUMING)
    command("resuming.py", "logger=tensorboard", "study.name=s", status=-9)
    run = only_run(tmp_path / "outputs/s")
    assert curve(shown(run), "score") == [(1, 1 / 8), (2, 2 / 8), (3, 3 / 8)]  # up to its death
    command("resuming.py", "logger=tensorboard", "study.name=s")
    assert curve(shown(run), "score") == [(epoch, epoch / 8) for epoch in range(1, 6)]


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
@pytest.mark.parametrize(
    "how", [["x=1", "logger={}"], ["-m", "x=1,2", "logger={}"], ["-m", "x=1,2", "hydra.sweeper.params={{logger:{}}}"]]
)
def test_a_package_that_is_missing_is_named_before_anything_runs(
    command: Command, tmp_path: Path, package: str, how: list[str]
) -> None:
    code = (
        f"import runpy, sys; sys.modules[{package!r}] = None; del sys.argv[0]; runpy.run_path({TRIVIAL!r}, run_name='__main__')"
    )
    answer = command("-c", code, TRIVIAL, *(argument.format(package) for argument in how), status=2)
    said = f"ablate: logger={package} needs a package that is not installed: pip install '{package}>="
    assert answer.stderr.startswith(said)
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()


def test_a_logger_is_no_factor(command: Command) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2", "logger=tensorboard,wandb", status=2)
    assert answer.stderr == "ablate: logger=tensorboard,wandb: logger cannot be a factor; give it one value.\n"
