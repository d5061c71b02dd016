"""`ablate export`."""

import io
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from ablate.commands.export import as_text
from ablate.storage.dataframe import load_runs
from ablate.storage.layout import run_directories
from ablate.storage.manifest import StudyManifest
from tests.commands.conftest import Command
from tests.report.studies import EPOCHS


def test_the_runs_are_those_of_load_runs(outputs: Path, command: Command) -> None:
    status, out, err = command("export", "first")
    assert (status, err) == (0, "")
    expected = pd.read_csv(io.StringIO(load_runs(outputs / "first").to_csv(index=False)))
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(out)), expected)
    assert (len(expected), expected["status"].tolist().count("failed")) == (10, 1)


@pytest.mark.usefixtures("outputs")
def test_the_history_has_a_row_for_each_epoch_with_the_levels_of_its_run(command: Command) -> None:
    status, out, _ = command("export", "first", "--history", "--format", "json")
    assert status == 0
    rows = json.loads(out)
    assert len(rows) == 10 * EPOCHS
    assert {(row["stem"], row["seed"]) for row in rows} == {(stem, seed) for stem in "ab" for seed in range(5)}


def test_without_histories_the_table_is_empty_and_a_message_says_why(outputs: Path, command: Command) -> None:
    for path in (outputs / "first").glob("runs/*/*/history.csv"):
        path.unlink()
    status, out, err = command("export", "first", "--history")
    assert (status, len(out.splitlines())) == (0, 1)
    assert err == "ablate: no run of first has a history: its program logs nothing by epoch.\n"


@pytest.mark.usefixtures("outputs")
def test_a_file_can_be_written_and_an_impossible_one_is_named(command: Command, tmp_path: Path) -> None:
    status, out, _ = command("export", "first", "--output", str(tmp_path / "runs.csv"))
    assert (status, out) == (0, f"10 rows: {tmp_path / 'runs.csv'}\n")
    assert len(pd.read_csv(tmp_path / "runs.csv")) == 10
    status, _, err = command("export", "first", "--output", str(tmp_path / "nowhere" / "runs.csv"))
    assert status == 2
    assert "cannot be written (No such file or directory)" in err


def test_a_level_that_a_spreadsheet_would_compute_is_quoted() -> None:
    frame = pd.DataFrame({"stem": ["=cmd|calc", "-1", None], "loss": [0.1 + 0.2, -1.5, math.nan]})
    assert as_text(frame, "csv") == "stem,loss\n'=cmd|calc,0.30000000000000004\n-1,-1.5\n,\n"
    assert json.loads(as_text(frame, "json"))[0]["stem"] == "=cmd|calc"


def test_json_has_all_digits_and_null_for_what_is_missing() -> None:
    frame = pd.DataFrame({"loss": [0.1 + 0.2, math.nan, math.inf], "seed": [0, 1, 2], "name": ["a", None, "c"]})
    rows = json.loads(as_text(frame, "json"))
    assert [row["loss"] for row in rows] == [0.30000000000000004, None, None]
    assert [(row["seed"], row["name"]) for row in rows] == [(0, "a"), (1, None), (2, "c")]


def test_a_link_stays_one_and_a_pipe_is_written_to(outputs: Path, command: Command, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "target.csv")
    assert command("export", "first", "--output", str(tmp_path / "link.csv"))[0] == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert len(pd.read_csv(tmp_path / "target.csv")) == 10
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        read = pool.submit((tmp_path / "pipe").read_text)
        assert command("export", "first", "--output", str(tmp_path / "pipe"))[0] == 0
        assert len(read.result(30).splitlines()) == 11
    assert outputs.is_dir()


def test_the_history_of_a_shared_run_is_that_of_each_of_its_configurations(outputs: Path, command: Command) -> None:
    study = outputs / "first"
    (runner,) = {path.parent.name.rpartition("-")[2] for path in run_directories(study) if "stem=a" in str(path)}
    same = {"c0ffee00": {"runner": runner, "label": "stem=c", "levels": {"stem": "c"}}}
    manifest = StudyManifest.read(study).model_dump()
    StudyManifest.model_validate({**manifest, "same": same, "factors": {"stem": ["a", "b", "c"]}}).write(study)
    rows = json.loads(command("export", "first", "--history", "--format", "json")[1])
    curves = {stem: [{**row, "stem": ""} for row in rows if row["stem"] == stem] for stem in "ac"}
    assert len(curves["a"]) == 5 * EPOCHS
    assert curves["c"] == curves["a"]
