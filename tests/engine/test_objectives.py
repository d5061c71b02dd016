"""Programs of ablate under other sweepers, and with settings of Hydra of their own."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from ablate.core.errors import AblateError
from ablate.engine.execution import Outcome
from ablate.engine.objectives import objectives
from ablate.storage.dataframe import load_runs
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")


def optimizing(monkeypatch: pytest.MonkeyPatch, direction: Any) -> None:
    config = OmegaConf.create({"hydra": {"sweeper": {"direction": direction}}})
    monkeypatch.setattr(HydraConfig.instance(), "cfg", config)


def test_a_sweeper_gets_the_main_metric_or_as_many_as_it_optimizes(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Outcome("x=1", 0, "finished", metrics={"loss": 2, "accuracy": 0.5, "missing": None})
    optimizing(monkeypatch, "minimize")
    assert objectives(outcome) == 2
    assert objectives(outcome, "accuracy") == 0.5
    with pytest.raises(AblateError, match="x=1 seed=0 has no value to optimize for 1 of 1 objectives"):
        objectives(outcome, "missing")
    optimizing(monkeypatch, ["minimize", "maximize"])
    assert objectives(outcome) == (2, 0.5)
    assert objectives(None) is None
    with pytest.raises(AblateError, match="x=1 seed=0 failed: too little"):
        objectives(Outcome("x=1", 0, "failed", "too little"))


def test_the_sweeper_of_optuna_optimizes_a_program_of_ablate(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    sweep = ["hydra/sweeper=optuna", "x=choice(5,2,3)", "hydra.sweeper.n_trials=3", "hydra.sweeper.n_jobs=1", "study.name=s"]
    command(TRIVIAL, "-m", *sweep, "hydra.sweeper.direction=minimize", "+hydra.sweeper.sampler.seed=1")
    runs = load_runs(tmp_path / "outputs/s")
    best = yaml.safe_load((tmp_path / "optimization_results.yaml").read_text())
    assert best["best_value"] == pytest.approx(runs["score"].min())


def test_the_basic_sweeper_runs_a_program_of_ablate(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "hydra/sweeper=basic")
    assert sorted(load_runs(tmp_path / "outputs/x")["x"]) == [1, 2]


PROGRAM = """
import ablate

@ablate.main("conf")
def train(cfg, run):
    return {"score": 1.0}

if __name__ == "__main__":
    train()
"""


@pytest.mark.parametrize("defaults", ["[ablate, log, _self_]", "[log, ablate, _self_]"])
def test_settings_of_hydra_of_the_program_win_wherever_its_defaults_have_ablate(
    command: Command, tmp_path: Path, defaults: str
) -> None:
    """As in programs that log to a file of their own and choose another sweeper in a file."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text(f"defaults: {defaults}\nx: 1\nstudy: {{report: false, name: s}}\n")
    (tmp_path / "conf/log.yaml").write_text(
        "# @package _global_\n"
        "defaults: [override /hydra/job_logging: default, override /hydra/sweeper: basic]\n"
        "hydra: {job_logging: {handlers: {file: {filename: '${hydra.runtime.output_dir}/own.log'}}}}\n"
    )
    (tmp_path / "program.py").write_text(PROGRAM)
    command("program.py", "-m", "x=1,2")
    command("program.py", "-m", "x=1,3", "hydra/sweeper=ablate")
    assert len(list(tmp_path.glob("outputs/s/runs/*/seed=1/own.log"))) == 3
