"""`ablate list`."""

from pathlib import Path

import pytest

from ablate.commands.list_studies import overview
from ablate.report.build import build
from ablate.report.folder import write_folder
from ablate.storage.locks import hold
from ablate.storage.manifest import StandIn, StudyManifest
from tests.commands.conftest import Command


def test_each_study_is_a_line(outputs: Path, command: Command) -> None:
    (outputs / "no study").mkdir()
    status, out, _ = command("list")
    assert status == 0
    lines = [line.split("│") for line in out.splitlines() if line.startswith("│")]
    assert [(cells[1].strip(), cells[2].strip(), cells[3].strip(), cells[4].strip()) for cells in lines] == [
        ("first", "2", "5", "9 finished, 1 failed"),
        ("second", "2", "5", "9 finished, 1 failed"),
    ]


def test_a_configuration_without_runs_of_its_own_counts(outputs: Path) -> None:
    """As in the report: `stem=c` builds the experiment of `stem=a`."""
    study = outputs / "first"
    manifest = StudyManifest.read(study)
    cell = next(path.name.rpartition("-")[2] for path in (study / "runs").iterdir())
    same = {"0123456789abcdef": StandIn.model_validate({"as": cell, "label": "stem=c", "levels": {"stem": "c"}})}
    manifest.model_copy(update={"same": same, "factors": {"stem": ["a", "b", "c"]}}).write(study)
    assert overview(study).configurations == len(build(study).configurations) == 3


def test_the_verdicts_are_those_of_the_last_report(outputs: Path) -> None:
    assert not overview(outputs / "first").verdicts
    write_folder(build(outputs / "first"))
    assert overview(outputs / "first").verdicts.total() == 1
    (outputs / "first" / "report" / "verdicts.json").write_text("{torn")
    assert not overview(outputs / "first").verdicts


def test_a_killed_run_is_interrupted_though_its_record_says_running(outputs: Path, killed: Path) -> None:
    assert overview(outputs / "first").runs == {"finished": 8, "failed": 1, "interrupted": 1}
    with hold(killed):
        assert overview(outputs / "first").runs["running"] == 1


def test_damaged_files_are_counted(outputs: Path) -> None:
    next((outputs / "first").glob("runs/*/*/run.json")).write_text("{")
    (outputs / "first" / "study.yaml").write_text("factors: [")
    found = overview(outputs / "first")
    assert (found.runs["unreadable"], found.factors) == (1, ())


def test_an_empty_folder_says_how_to_make_a_study(tmp_path: Path, command: Command) -> None:
    status, _, err = command("list", str(tmp_path))
    assert status == 2
    assert "no studies in" in err
    assert "without Hydra ablate sweep KEY=LEVEL,LEVEL -- python train.py --KEY {KEY}" in err
    assert "python train.py -m hydra/sweeper=ablate KEY=LEVEL,LEVEL" in err
    assert command("list", "nowhere")[2] == "ablate: nowhere: there is no such folder.\n"


@pytest.mark.usefixtures("outputs")
def test_a_study_is_not_a_folder_of_studies(command: Command) -> None:
    status, _, err = command("list", "outputs/first")
    assert (status, err) == (
        2,
        "ablate: outputs/first is a study: `ablate show outputs/first` shows it, `ablate list outputs` lists those beside it.\n",
    )
