"""study.yaml, through one schema."""

from pathlib import Path

import pytest
import yaml
from filelock import FileLock, Timeout

from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.levels import Factor
from ablate.core.metrics import MetricSpec
from ablate.storage.manifest import Decision, StandIn, StudyManifest, manifest_lock

OUTPUTS = Path(__file__).parents[2] / "outputs"


def test_a_manifest_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    manifest = StudyManifest(
        command="python train.py -m x=1,2",
        factors={"x": [1, None, "a"], "stem": [True, False]},
        seeds=[2, 0],
        orders={0: [["x"], ["stem"]]},
        decisions={"data": Decision(asked="auto", took="builtin")},
        same={"b": StandIn(runner="a", label="x=1", levels={"x": 1})},
        fixed={"lr": 0.1},
        description={"caveats": ["Drawn images."]},
    )
    manifest.write(tmp_path)
    assert StudyManifest.read(tmp_path) == manifest
    content = yaml.safe_load((tmp_path / "study.yaml").read_text())
    assert content["same"] == {"b": {"as": "a", "label": "x=1", "levels": {"x": 1}}}
    assert "claims" not in content
    assert manifest.typed_factors() == {"x": Factor.of("x", [1, None, "a"]), "stem": Factor.of("stem", [True, False])}


def test_without_a_file_the_manifest_is_empty(tmp_path: Path) -> None:
    assert StudyManifest.read(tmp_path) == StudyManifest()
    assert not StudyManifest.read(tmp_path).launched
    assert StudyManifest(fixed={"lr": 0.1}).launched


def test_keys_of_other_versions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("command: x\nfuture: {a: 1}\n")
    StudyManifest.read(tmp_path).write(tmp_path)
    assert yaml.safe_load((tmp_path / "study.yaml").read_text()) == {"command": "x", "future": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", r"while parsing a flow node"),
        ("- 1", r"it is not a mapping"),
        ("", r"it is not a mapping"),
        ("seeds: 3", r"seeds: Input should be a valid list"),
        ("seeds: [a]", r"seeds\.0: Input should be a valid integer"),
        ("same: {b: {label: x, levels: {}}}", r"same\.b\.as: Field required"),
        ("claims: {id: C1}", r"claims: Input should be a valid list"),
        ("factors: [x]", r"factors: Input should be a valid dictionary"),
        ("a: !!python/object/apply:os.getcwd []", r"could not determine a constructor"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(
        UsageError, match=rf"(?s)study\.yaml cannot be read \({said}.*\)\. Fix it, or choose another study\.name\."
    ):
        StudyManifest.read(tmp_path)


def test_a_study_yaml_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").mkdir()
    with pytest.raises(UsageError, match=r"study\.yaml cannot be read \(.*Is a directory"):
        StudyManifest.read(tmp_path)


def test_the_description_is_parsed() -> None:
    described = Description(metrics=(MetricSpec("f1", title="F1"),), curves={"loss": "Loss"})
    assert StudyManifest(description=described.to_mapping()).parsed_description(Path("s")) == described
    assert StudyManifest().parsed_description(Path("s")) == Description()


@pytest.mark.parametrize("study", ["hidden", "protocols", "qiita"])
def test_manifests_of_earlier_versions_lose_nothing(study: str, tmp_path: Path) -> None:
    manifest = StudyManifest.read(OUTPUTS / study)
    assert manifest.launched
    assert not manifest.model_extra
    manifest.write(tmp_path)
    was = yaml.safe_load((OUTPUTS / study / "study.yaml").read_text())
    assert yaml.safe_load((tmp_path / "study.yaml").read_text()) == {key: value for key, value in was.items() if value}


def test_one_process_at_a_time_changes_the_manifest(tmp_path: Path) -> None:
    study = tmp_path / "outputs" / "s"
    with manifest_lock(study):
        assert study.is_dir()
        with pytest.raises(Timeout):
            FileLock(study / ".lock").acquire(blocking=False)
