"""`logger=…` in programs that have a logger of their own and in those that have none."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig

from ablate.engine.added_keys import AddedKeys
from ablate.engine.options import StudyOptions
from tests.conftest import Command

TENSORBOARD = "ablate.integrations.tensorboard.TensorBoard"


def composed(folder: Path, text: str, *overrides: str) -> DictConfig:
    (folder / "config.yaml").write_text(text)
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose("config", ["hydra/sweeper=ablate", *overrides])


def test_a_program_without_a_logger_can_choose_one(tmp_path: Path) -> None:
    cfg = composed(tmp_path, "seed: 1", "logger=tensorboard")
    added = AddedKeys.to(cfg, {"seeds": 2}, ["logger=tensorboard"])
    assert StudyOptions.read(cfg).logger == {"_target_": TENSORBOARD}
    added.hide(cfg)
    assert cfg == {"seed": 1}
    assert composed(tmp_path, "seed: 1") == {"seed": 1}
    cfg = composed(tmp_path, "defaults: [ablate, _self_]\nx: 1", "logger=wandb", "logger.project=mine")
    AddedKeys.to(cfg, {}, ["logger=wandb"])
    assert cfg.study.logger.project == "mine"
    assert "logger" not in cfg


def test_a_program_that_has_the_group_in_its_defaults_list(tmp_path: Path) -> None:
    for text in ("defaults: [ablate, {logger: null}, _self_]", "defaults:\n  - ablate\n  - logger: null\n  - _self_"):
        cfg = composed(tmp_path, text, "logger=tensorboard")
        AddedKeys.to(cfg, {}, ["logger=tensorboard"])
        assert cfg.study.logger._target_ == TENSORBOARD


def test_the_name_stays_with_a_program_that_uses_it(tmp_path: Path) -> None:
    assert composed(tmp_path, "logger: mine", "logger=tensorboard") == {"logger": "tensorboard"}
    (tmp_path / "logger").mkdir()
    (tmp_path / "logger/csv.yaml").write_text("a: 1")
    text = "defaults: [{logger: csv}, _self_]"
    assert composed(tmp_path, text) == {"logger": {"a": 1}}
    with pytest.raises(MissingConfigException, match="Could not find 'logger/wandb'"):
        composed(tmp_path, text, "logger=wandb")
    cfg = composed(tmp_path, text, "++logger={}")
    AddedKeys.to(cfg, {})
    assert "logger" in cfg


def test_a_plus_is_not_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigCompositionException, match="Multiple values for logger"):
        composed(tmp_path, "seed: 1", "+logger=tensorboard")


def test_an_unchanged_program_logs(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "train.py").write_text(
        "import hydra\n@hydra.main(version_base=None, config_path=None)\ndef main(cfg):\n    return float(cfg.x)\nmain()\n"
    )
    said = command(
        "train.py", "-m", "hydra/sweeper=ablate", "+x=1,2", "hydra.sweeper.report=false", "logger=tensorboard"
    ).stdout
    assert "2 runs in outputs/x:" in said
    assert "2 finished" in said
    assert list(tmp_path.glob("outputs/x/**/events*"))
