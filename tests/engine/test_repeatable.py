"""study.check_repeatable: one configuration runs twice with the same seed."""

from pathlib import Path

import pytest

from ablate.storage.dataframe import load_results
from tests.conftest import Command

PROGRAM = """
import random
import hydra

@hydra.main(version_base="1.3", config_path=None)
def main(cfg):
    rng = random.Random(cfg.seed if cfg.seeded else None)
    return {"accuracy": cfg.lr + rng.random() / 100, "loss": 0.5}

if __name__ == "__main__":
    main()
"""
SWEEP = ("train.py", "-m", "hydra/sweeper=ablate", "+lr=0.1,0.2", "+seed=1,2", "hydra.sweeper.check_repeatable=true")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(PROGRAM)
    return tmp_path


def test_equal_numbers_are_said_and_the_second_run_is_in_no_table(program: Path, command: Command) -> None:
    said = command(*SWEEP, "+seeded=true", "hydra.sweeper.name=s").stdout
    assert "5 finished" in said
    assert "Equal seeds give equal numbers: lr=0.1 with seed 1 ran twice, with the same accuracy, loss." in " ".join(
        said.split()
    )
    results = load_results(program / "outputs" / "s")
    assert (len(results), results.seeds) == (4, (1, 2))
    assert results.repeated is not None
    assert (program / "outputs/s/report/report.md").read_text().count("Equal seeds give equal numbers") == 1
    (again,) = (program / "outputs/s/runs").glob("*/seed=2000001/config.yaml")
    assert "seed: 1\n" in again.read_text()
    assert "5 kept" in command(*SWEEP, "+seeded=true", "hydra.sweeper.name=s").stdout


def test_the_size_of_a_difference_is_said(program: Path, command: Command) -> None:
    said = " ".join(command(*SWEEP, "+seeded=false", "hydra.sweeper.name=s").stdout.split())
    assert "Equal seeds give different numbers: lr=0.1 with seed 1 ran twice, with accuracy 0.1" in said
    assert "; 1 other metric did not differ. The seed does not reach every source of randomness" in said
    first, second = (
        next(iter((program / "outputs/s/runs").glob(f"lr=0.1*/seed={seed}/run.json"))).read_text() for seed in (1, 2_000_001)
    )
    assert first != second
