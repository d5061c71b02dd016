"""The folder of a run as an archive: whole or not at all, and nothing outside the folder."""

import io
import tarfile
from pathlib import Path

import pytest

from ablate.engine.jobs import RunContext
from ablate.engine.launchers import bundle


def files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def make(folder: Path, **content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def test_a_run_comes_back_as_it_was_without_its_locks(tmp_path: Path) -> None:
    there = make(tmp_path / "there", run_json="new", history_csv="rows")
    (there / ".lock").touch()
    (there / ".lease").touch()
    (there / "deaths").touch()
    here = make(tmp_path / "study" / "here", run_json="old", checkpoint_pt="state")
    (here / "checkpoint-epoch=3.ckpt").touch()
    bundle.unpack(bundle.pack(there), here)
    assert files(here) == {"run.json": "new", "history.csv": "rows"}  # it is done: no checkpoint
    assert [path.name for path in here.parent.iterdir()] == ["here"]


def test_the_record_is_replaced_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what the other files are; a crash in between leaves the old one."""
    there = make(tmp_path / "there", a_txt="1", run_json="new", z_txt="2")
    replaced = []
    monkeypatch.setattr(Path, "replace", lambda path, target: replaced.append(Path(target).name))
    bundle.unpack(bundle.pack(there), tmp_path / "here")
    assert sorted(replaced) == ["a.txt", "run.json", "z.txt"]
    assert replaced[-1] == "run.json"


def test_a_damaged_archive_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    content = bundle.pack(make(tmp_path / "there", run_json="new" * 1000, a="x" * 20_000))
    here = make(tmp_path / "here", run_json="old")
    with pytest.raises(tarfile.ReadError):
        bundle.unpack(content[: len(content) // 2], here)
    assert files(here) == {"run.json": "old"}


def test_an_archive_cannot_leave_the_folder(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../outside"), io.BytesIO())
    with pytest.raises(tarfile.OutsideDestinationError):
        bundle.unpack(content.getvalue(), tmp_path / "study" / "run")
    assert not (tmp_path / "outside").exists()


def test_a_job_finds_its_run_in_a_temporary_folder(tmp_path: Path) -> None:
    original = make(tmp_path / "outputs" / "study" / "runs" / "cell" / "seed=3", run_json="record")
    context = RunContext(str(original), "identity", "cell", 3, "label")
    with bundle.elsewhere(["x=1", context.as_override()], bundle.pack(original)) as (overrides, directory):
        assert RunContext.from_overrides(overrides).directory == str(directory)
        assert directory.parts[-4:] == ("study", "runs", "cell", "seed=3")
        assert files(directory) == {"run.json": "record"}
    assert overrides[0] == "x=1"
    assert not directory.exists()
