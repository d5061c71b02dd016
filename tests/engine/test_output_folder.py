"""Paths in a run whose working folder is its own; the folder itself is tested with the real commands in test_launch.py."""

from pathlib import Path

import pytest
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from ablate.engine.output_folder import located


def test_a_relative_path_is_that_of_the_command_in_every_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With hydra.job.chdir, each run has a working folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)  # another test may have composed a configuration
    assert located("a/b") == Path("a/b")
    config = OmegaConf.create({"hydra": OmegaConf.structured(HydraConf)})
    config.hydra.runtime.cwd = str(tmp_path)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", config)
    assert located("a/b") == Path("a/b")
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    assert located("a/b") == tmp_path / "a/b"
    assert located(str(tmp_path)) == tmp_path
