"""The report's files, from the records of a study that is not in order."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.core.errors import Diverged, UsageError
from ablate.engine.run import Run
from ablate.report.files import build, compose, write
from ablate.stats.verdict_changes import broken
from ablate.storage.records import Record, write_study
from tests.report.studies import results


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


CLAIM: dict[str, Any] = {
    "id": "C1", "says": "s", "kind": "contrast", "contrast": {"factor": "arm", "from": 0, "to": 1}, "expects": "higher",
    "margin": 0.1 + 0.2 / 3, "metric": "f1",
}  # fmt: skip


def test_what_an_earlier_report_wrote_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    write(compose(results(arms=2), name="s", folder=folder, launched={"claims": [CLAIM]}))
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert {"verdicts.json", "tables/verdicts.tex", "tables/contrasts.csv", "figures/paired_differences.svg"} <= written
    mine = [folder / "figures" / "mine.png", folder / "tables" / "mine.csv", folder / "mine.json"]
    for path in mine:
        path.write_text("mine")
    write(compose(results(arms=1), name="s", folder=folder))
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")} == {
        "files.txt", "report.md", "index.html", "cells.csv", "tables/results.csv", "tables/results.tex",
        "figures/mine.png", "tables/mine.csv", "mine.json",
    }  # fmt: skip


def test_a_list_of_files_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "report", tmp_path / "outside"
    outside.write_text("mine")
    write(compose(results(arms=1), name="s", folder=folder))
    with (folder / "files.txt").open("a") as file:
        file.write(f"../outside\n{outside}\n")
    write(compose(results(arms=1), name="s", folder=folder))
    assert outside.exists()


def test_a_folder_of_other_files_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.png").write_text("mine")
    (tmp_path / "files.txt").write_text("figures/mine.png\n")
    with pytest.raises(UsageError, match=f"{tmp_path} holds files, and none is a report: name another folder"):
        write(compose(results(arms=1), name="s", folder=tmp_path))
    assert {path.name for path in tmp_path.rglob("*")} == {"figures", "mine.png", "files.txt"}
    with pytest.raises(NotADirectoryError):
        write(compose(results(arms=1), name="s", folder=tmp_path / "figures" / "mine.png"))


def test_a_report_that_was_cut_off_or_is_of_an_older_version_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut_off:
        cut_off.delattr("ablate.report.markdown.render")
        with pytest.raises(AttributeError):
            write(compose(results(arms=1), name="s", folder=tmp_path))
    write(compose(results(arms=2), name="s", folder=tmp_path, launched={"claims": [CLAIM]}))
    (tmp_path / "files.txt").unlink()
    write(compose(results(arms=1), name="s", folder=tmp_path))
    assert not (tmp_path / "verdicts.json").exists()


def test_the_verdicts_of_a_report_hold_against_their_own_file(tmp_path: Path) -> None:
    report = compose(results(arms=2), name="s", folder=tmp_path, launched={"claims": [CLAIM]})
    write(report)
    text = (tmp_path / "verdicts.json").read_text()
    before = json.loads(text, parse_constant=pytest.fail)  # NaN is no JSON
    assert before[0]["margin"] == CLAIM["margin"]
    assert before[0]["estimate"] == report.verdicts["estimate"].iloc[0]
    assert broken(before, report.verdicts.to_dict("records")) == []


def test_a_study_is_named_by_its_folder_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path / "study", "direct", 0)
    monkeypatch.chdir(tmp_path / "study")
    assert build(Path()).name == "study"
