"""Where runs are on disk."""

from pathlib import Path

import pytest

from ablate.storage.layout import (
    cell_folder,
    is_study,
    known_cells,
    run_directories,
    run_directory,
    run_identity,
    study_directory,
)


def test_a_cell_keeps_the_folder_that_it_had(tmp_path: Path) -> None:
    (tmp_path / "runs" / "stem=direct-0123abcd").mkdir(parents=True)
    known = known_cells(tmp_path)
    assert cell_folder(known, "0123abcd", "another label") == "stem=direct-0123abcd"
    assert cell_folder(known, "98765432", "a b/c") == "a_b_c-98765432"
    assert known_cells(tmp_path / "nowhere") == {}


def test_a_run_is_known_by_its_cell_and_its_seed() -> None:
    assert len({run_identity(cell, seed) for cell in ("a", "b") for seed in (0, 1)}) == 4
    assert run_directory(Path("s"), "x=1-0123abcd", 3) == Path("s/runs/x=1-0123abcd/seed=3")


def test_runs_are_listed_in_a_fixed_order_and_only_with_a_record(tmp_path: Path) -> None:
    for name in ("b-1/seed=0", "a-2/seed=1", "a-2/seed=0", "a-2/notes", "c-3/seed=0"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if "c-3" not in name:
            (tmp_path / "runs" / name / "run.json").touch()
    assert run_directories(tmp_path) == [tmp_path / "runs" / name for name in ("a-2/seed=0", "a-2/seed=1", "b-1/seed=0")]
    assert run_directories(tmp_path / "nowhere") == []


def test_a_study_is_a_folder_of_its_root() -> None:
    assert study_directory("outputs", "x") == Path.cwd() / "outputs/x"
    assert study_directory("outputs", 5) == Path.cwd() / "outputs/5"  # study.name=5 is a number in a configuration


@pytest.mark.parametrize(
    "label", ["x=" + "字" * 80, "x=" + "😀" * 80, "x=" + "e\u0301" * 200, "x=..", "x= . ", "x=\x1b\0", ".", ""]
)
def test_a_folder_can_be_made_for_any_label(tmp_path: Path, label: str) -> None:
    name = cell_folder({}, "0123abcdef", label)
    assert len(name.encode()) <= 255
    run_directory(tmp_path, name, 2**63 - 1).mkdir(parents=True)
    assert list(known_cells(tmp_path).values()) == [name]


def test_labels_that_differ_in_case_have_different_folders_on_any_file_system() -> None:
    assert cell_folder({}, "01" * 8, "x=A").casefold() != cell_folder({}, "23" * 8, "x=a").casefold()


def test_a_study_has_a_manifest_or_runs(tmp_path: Path) -> None:
    assert not is_study(tmp_path / "absent")
    assert not is_study(tmp_path)
    run = tmp_path / "runs" / "x-1" / "seed=0"
    run.mkdir(parents=True)
    assert not is_study(tmp_path)  # a run that has not begun
    (run / "run.json").touch()
    assert is_study(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "study.yaml").touch()
    assert is_study(tmp_path / "other")
