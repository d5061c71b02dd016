"""Which files of a folder belong to a report."""

from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.report.inventory import EARLIER_HEADS, files_of_earlier_report, write_list


def test_the_list_is_read_back(tmp_path: Path) -> None:
    write_list(tmp_path, {"report.md", "tables/results.csv"})
    assert files_of_earlier_report(tmp_path) == {"report.md", "tables/results.csv"}


def test_a_list_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    write_list(tmp_path, {"report.md", "../outside", "tables/../../outside", str(tmp_path / "outside")})
    assert files_of_earlier_report(tmp_path) == {"report.md"}


def test_the_report_of_an_earlier_version_is_known(tmp_path: Path) -> None:
    (tmp_path / "files.txt").write_text(f"{EARLIER_HEADS[0]}\ncells.csv\n")
    assert files_of_earlier_report(tmp_path) == {"cells.csv"}
    (tmp_path / "files.txt").unlink()
    for name in ("report.md", "cells.csv", "verdicts.json"):
        (tmp_path / name).touch()
    assert files_of_earlier_report(tmp_path) == {"verdicts.json"}


def test_a_folder_that_is_empty_or_not_there_is_free(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / ".hidden").touch()
    assert files_of_earlier_report(tmp_path) == files_of_earlier_report(tmp_path / "nowhere") == set()


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.png").write_text("mine")
    (tmp_path / "files.txt").write_text("figures/mine.png\n")
    with pytest.raises(UsageError) as refused:
        files_of_earlier_report(tmp_path)
    assert str(refused.value) == f"{tmp_path} contains files that are not from a report: choose another folder, or move them."
    with pytest.raises(NotADirectoryError):
        files_of_earlier_report(tmp_path / "figures" / "mine.png")
