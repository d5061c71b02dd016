"""Programs that give `hydra.main` and `ablate.main` other arguments, by the real command."""

from pathlib import Path

import pytest

from ablate.storage.dataframe import load_runs
from tests.conftest import Command

DATACLASSES = """
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, List, Optional
import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

class Act(Enum):
    relu = 1
    gelu = 2

@dataclass
class Adadelta:
    _target_: str = "builtins.dict"
    params: Any = MISSING
    lr: float = 1.0

@dataclass
class Config:
    defaults: List[Any] = field(default_factory=lambda: [{"optim": "adadelta"}, "_self_"])
    seed: int = 7
    act: Act = Act.relu
    dropout: Optional[float] = None
    optim: Any = MISSING

store = ConfigStore.instance()
store.store(name="mnist", node=Config)
store.store(group="optim", name="adadelta", node=Adadelta)

@hydra.main(config_name="mnist", config_path=None, version_base=None)
def main(cfg):
    optim = hydra.utils.instantiate(cfg.optim, params=1)
    assert isinstance(cfg.act, Act)
    return optim["lr"] + optim["params"] + (cfg.dropout or 0) + cfg.seed

if __name__ == "__main__":
    main()
"""
NO_PATH = """
import {module}

@{module}.main(config_path=None, version_base={version})
def main(cfg):
    return cfg.x + cfg.get("seed", 0)

if __name__ == "__main__":
    main()
"""


def test_dataclasses_with_missing_values_that_the_program_fills_in(command: Command, tmp_path: Path) -> None:
    """After hydra-torch."""
    (tmp_path / "train.py").write_text(DATACLASSES)
    swept = ("act=relu,gelu", "dropout=null,0.5", "hydra.sweeper.seeds=1", "hydra.sweeper.report=false", "hydra.sweeper.name=s")
    said = command("train.py", "-m", "hydra/sweeper=ablate", *swept).stdout
    assert "Without a value (???), so that a program that reads them fails: optim.params." in said
    assert "4 finished" in said
    assert sorted(load_runs(tmp_path / "outputs" / "s")["value"]) == pytest.approx([3.0, 3.0, 3.5, 3.5])


@pytest.mark.parametrize(
    ("module", "version", "sweep"),
    [
        ("hydra", '"1.1"', ("-m", "hydra/sweeper=ablate", "hydra.sweeper.report=false", "hydra.sweeper.name=s")),
        ("ablate", "None", ("-m", "+study.report=false", "+study.name=s")),
    ],
)
def test_no_configuration_folder_and_keys_that_overrides_add(
    command: Command, tmp_path: Path, module: str, version: str, sweep: tuple[str, ...]
) -> None:
    (tmp_path / "train.py").write_text(NO_PATH.format(module=module, version=version))
    command("train.py", *sweep, "+x=1,2", "+seed=1,2")
    runs = load_runs(tmp_path / "outputs" / "s")
    assert {(row.x, row.seed): row.value for row in runs.itertuples()} == {(x, s): x + s for x in (1, 2) for s in (1, 2)}
