"""The report's files, from the records of a study that is not in order."""

from pathlib import Path

import pandas as pd
import pytest

from ablate.reporting.page import build, write
from ablate.study.errors import Diverged, UsageError
from ablate.study.records import Record, write_study
from ablate.study.runs import Run


def add(study: Path, stem: str, seed: int, error: Exception | None = None) -> None:
    record = Record(f"{stem}{seed}", stem, seed, f"stem={stem}", {"stem": stem}, ["stem"])
    run = Run(study / "runs" / f"stem={stem}-{stem}" / f"seed={seed}", record, {})
    with run.attempt():
        run.log(epoch=1, test_accuracy=0.5)
        if error:
            raise error
        record.metrics = {"final_test_accuracy": 0.5 if stem == "direct" else 0.6}


def test_a_study_is_written_with_its_troubles(tmp_path: Path) -> None:
    write_study(tmp_path, {"command": "the command", "factors": {"stem": ["direct", "pyramid"]},
                           "decisions": {"data.source": {"asked": "auto", "took": "builtin"}}})  # fmt: skip
    for seed in range(2):
        add(tmp_path, "direct", seed)
        add(tmp_path, "pyramid", seed)
    add(tmp_path, "pyramid", 2, Diverged("not finite in epoch 2"))
    add(tmp_path, "pyramid", 3, RuntimeError("<b>broken</b>"))
    (tmp_path / "runs" / "foreign" / "seed=0").mkdir(parents=True)
    (tmp_path / "runs" / "foreign" / "seed=0" / "run.json").write_text("{")
    text = write(build(tmp_path)).read_text()
    assert "| pyramid | 2 of 4 | 60.0 | +10.0 [+10.0, +10.0] | 1 diverged; 1 failed |" in text
    assert "| stem: direct → pyramid | simple | 2 | +10.0 [+10.0, +10.0] |" in text
    assert "the command" in text
    assert "data=auto meant data=builtin" in text
    assert "seed=2 diverged: not finite in epoch 2" in text
    assert "seed=3 failed: RuntimeError: &lt;b>broken&lt;/b>" in text
    assert "run.json is set aside" in text
    cells = pd.read_csv(tmp_path / "report" / "cells.csv")
    assert cells["n"].tolist() == [2, 2]
    assert cells["final_test_accuracy"].tolist() == [0.5, 0.6]
    assert (tmp_path / "report" / "figures" / "learning_curves.png").stat().st_size > 10_000
    assert {path.stem for path in (tmp_path / "report" / "tables").iterdir()} == {"results", "contrasts", "effects", "noise"}
    assert "seed=3 failed: RuntimeError: &lt;b&gt;broken&lt;/b&gt;" in (tmp_path / "report" / "index.html").read_text()


def test_a_study_in_which_nothing_finished_still_has_a_report(tmp_path: Path) -> None:
    add(tmp_path, "direct", 0, RuntimeError("broken"))
    text = write(build(tmp_path)).read_text()
    assert "seed=0 failed: RuntimeError: broken" in text


def test_two_cells_at_the_same_levels_are_no_reason_to_give_up(tmp_path: Path) -> None:
    for seed in range(2):
        add(tmp_path, "direct", seed)
        add(tmp_path, "pyramid", seed)
    for path in list(tmp_path.glob("runs/stem=direct-direct/*/run.json")):
        other = tmp_path / "runs" / "stem=direct-other" / path.parent.name
        other.mkdir(parents=True)
        (other / "config.yaml").write_text((path.parent / "config.yaml").read_text())
        (other / "run.json").write_text(path.read_text().replace('"cell": "direct"', '"cell": "other"'))
    text = write(build(tmp_path)).read_text()
    assert "No contrasts: two runs of seed 0 stand at the same levels (stem=direct): leave one out." in text
    assert "| direct | 2 | 50.0 |" in text


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no runs in"):
        build(tmp_path)
