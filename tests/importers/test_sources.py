"""Which tool wrote a folder or file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.importers.run_folders import config_of_path
from ablate.importers.sources import Source, detect, read, source_of
from ablate.importers.table import Roles
from ablate.importers.training_logs import read as read_logs
from tests.conftest import Command


def test_a_study_of_ours_and_a_text_file_are_of_no_other_tool(tmp_path: Path) -> None:
    (tmp_path / "study/.hydra").mkdir(parents=True)
    (tmp_path / "study/.hydra/overrides.yaml").write_text("[]")
    (tmp_path / "study/study.yaml").write_text("")
    (tmp_path / "a.csv").write_text("a,b\n")
    assert detect(tmp_path / "study") is None
    assert detect(tmp_path / "a.csv") is None
    assert detect(tmp_path / "nowhere") is None


def test_options_of_other_sources_are_refused(tmp_path: Path) -> None:
    source = Source("logs of Lightning", tmp_path, read_logs, "files")
    with pytest.raises(UsageError, match="--experiment is not for logs of Lightning .*: leave the option out"):
        read(source, Roles(), experiment="x")
    with pytest.raises(
        UsageError, match="--step-column is for a CSV or JSON file, but .* is logs of Lightning: leave the option out"
    ):
        read(source, Roles(step="epoch"))


@pytest.mark.slow
def test_folders_are_reported_by_the_command(command: Command, tmp_path: Path) -> None:
    for depth in (2, 4):
        for seed in range(5):
            folder = tmp_path / f"logs/depth={depth}_seed={seed}"
            folder.mkdir(parents=True)
            folder.joinpath("metrics.csv").write_text(f"epoch,acc\n0,{0.9 - seed / 100}\n1,{0.5 + depth / 100 + seed / 1000}\n")
    said = command("-m", "ablate.report", "logs", "--metric", "acc", "--baseline", "depth=4").stdout
    assert said.startswith("ablate: logs: logs of Lightning, 10 runs; factors depth; seed seed.\n")
    assert "-2.0" in said.replace("\u2212", "-")
    assert (tmp_path / "logs-report/report.md").is_file()
    error = command("-m", "ablate.report", "logs", "--metric", "f1", status=2).stderr
    assert error == "ablate: --metric f1: logs has no such column; available: depth, seed, acc.\n"
    (tmp_path / "empty").mkdir()
    error = command("-m", "ablate.report", "empty", status=2).stderr
    assert error.startswith(
        "ablate: no runs in empty: expected a study, a Hydra multirun folder (.hydra/overrides.yaml), logs of"
    )


def test_levels_in_paths() -> None:
    assert config_of_path(Path("a/b/x=1,y=two/Seed-3")) == {"group": "a", "group 2": "b", "x": "1", "y": "two", "seed": "3"}


def test_a_pipe_is_a_table_as_a_file_is() -> None:
    """`ablate report <(command)`: no regular file, and no folder."""
    assert source_of(Path(os.devnull)) == (Path(os.devnull), None)
