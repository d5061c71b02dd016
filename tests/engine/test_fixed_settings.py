"""What a later command may not change: the settings of the baseline, and where the inputs lie."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from ablate.core.cells import Cell
from ablate.engine.cells import CellReader, PlannedCell
from ablate.engine.experiment import Experiment
from ablate.engine.fixed_settings import changed, moved, text_of
from ablate.storage.manifest import StudyManifest
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")


def test_settings_are_compared_as_in_digests() -> None:
    nan = float("nan")
    assert changed({"lr": 1, "fill": nan, "z": [1, 2.0]}, {"lr": 1.0, "fill": float("nan"), "z": [1.0, 2]}) == {}
    assert list(changed({"a": 0, "b": 1, "c": None, "d": 1}, {"a": False, "b": True, "c": 0})) == ["a", "b", "c", "d"]
    ((was, now),) = changed({}, {"fill": nan}).values()
    assert (text_of(was), text_of(now)) == ("absent", "nan")


def test_a_relative_and_an_absolute_path_are_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert moved({"root": "data", "more": ["a"]}, {"root": str(tmp_path / "data"), "more": ["a"], "new": "x"}) == {}
    assert moved({"root": "data", "more": ["a"]}, {"root": "/data", "more": ["b"]}) == {
        "root": ("data", "/data"),
        "more": (["a"], ["b"]),
    }


def locations(experiment: Experiment, **config: Any) -> Any:
    study = {"name": None, "root": "outputs", "ignore": [], "paths": ["data.root", "root"], "neutral": None}
    cell = CellReader(experiment, {}).read(OmegaConf.create({"seed": 0, "study": study, **config}), {}, [], Cell({}), "s")
    assert isinstance(cell, PlannedCell)
    return cell.locations


def test_the_locations_are_those_of_inputs_that_the_program_does_not_identify(monkeypatch: pytest.MonkeyPatch) -> None:
    class Digesting(Experiment):
        def resolve(self, cfg: DictConfig) -> dict[str, Any]:  # noqa: ARG002
            return {"data.digest": "d", "threads": 4}

    monkeypatch.setenv("ABLATE_TEST", "/disk")
    config = {"data": {"root": "/a", "digest": None}, "root": "${oc.env:ABLATE_TEST}/b", "threads": None}
    assert locations(Experiment(), **config) == {"data.root": "/a", "root": "/disk/b"}
    assert locations(Digesting(), **config) == {"root": "/disk/b"}
    for unknown in ("${hydra:runtime.output_dir}/b", "${oc.env:NOWHERE}/b", "${other}/b"):
        other = {"other": "${now:%H}"} if "other" in unknown else {}
        assert locations(Experiment(), root=unknown, **other)["root"] == unknown


def test_a_study_does_not_continue_with_other_data(command: Command, tmp_path: Path) -> None:
    """`where` is in study.paths of this program."""
    sweep = [TRIVIAL, "-m", "x=1,2", "study.name=s"]
    assert "2 finished" in command(*sweep, "where=data1/train").stdout
    for arguments in (sweep, [TRIVIAL, "-m", "x=3", "study.name=s"]):  # new configurations are not of other data either
        answer = command(*arguments, "where=other/train", status=2)
        assert answer.stderr == (
            "ablate: this command changes fixed settings of the study outputs/s: where was data1/train and is now other/train. "
            "Use the old settings, or choose another study.name. (If the same files are now elsewhere, write their location under "
            "paths in outputs/s/study.yaml.)\n"
        )
    manifest = tmp_path / "outputs/s/study.yaml"
    manifest.write_text(manifest.read_text().replace("where: data1/train", "where: other/train"))
    assert "2 kept" in command(*sweep, f"where={tmp_path}/other/train").stdout


def test_a_study_of_an_earlier_version_records_where_its_inputs_are(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "where=data1", "study.name=s")
    study = tmp_path / "outputs/s"
    manifest = StudyManifest.read(study)
    manifest.paths = {}
    manifest.write(study)
    assert "2 kept" in command(TRIVIAL, "-m", "x=1,2", "where=data2", "study.name=s").stdout
    assert StudyManifest.read(study).paths == {"where": "data2"}


def test_a_single_run_is_not_that_of_other_data(command: Command, tmp_path: Path) -> None:
    single = [TRIVIAL, "x=1", "study.name=s"]
    command(*single, "where=data1/train")
    assert "already finished" in command(*single, f"where={tmp_path}/data1/train").stdout
    for seed in (0, 1):
        assert (
            "the runs of this configuration in outputs/s have other inputs: where was data1/train and is now other/train."
            in (command(*single, "where=other/train", f"seed={seed}", status=2).stderr)
        )
    StudyManifest(paths={"where": "other/train"}).write(tmp_path / "outputs/s")
    assert "already finished" in command(*single, "where=other/train").stdout


def test_before_the_first_result_the_message_says_how_to_begin_again(command: Command) -> None:
    typed = (TRIVIAL, "-m", "x=1,2", "fails=true", "study.name=s", "study.report=false")
    command(*typed, status=1)
    said = command(*typed, "rule.sign=-1", status=2).stderr
    assert "(No run of the study has finished: `ablate rm outputs/s` removes it.)" in " ".join(said.split())
