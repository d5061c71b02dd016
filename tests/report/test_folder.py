"""The files of a report, and what becomes of those of an earlier one."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.report.build import compose
from ablate.report.folder import write_folder
from ablate.report.model import Report
from ablate.stats.verdict_changes import verdicts_that_fail
from tests.report.studies import results

CLAIM: dict[str, Any] = {
    "id": "C1", "says": "s", "kind": "contrast", "contrast": {"factor": "arm", "from": 0, "to": 1}, "expects": "higher",
    "margin": 0.1 + 0.2 / 3, "metric": "f1",
}  # fmt: skip


def composed(folder: Path, arms: int, **manifest: Any) -> Report:
    return compose(results(arms=arms, **manifest), name="s", folder=folder)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}


def test_what_an_earlier_report_wrote_is_removed_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    write_folder(composed(folder, 2, claims=[CLAIM]))
    assert {
        "verdicts.json", "tables/verdicts.tex", "tables/contrasts.csv", "figures/paired_differences.svg"
    } <= files(folder)  # fmt: skip
    mine = [folder / "figures" / "mine.png", folder / "tables" / "mine.csv", folder / "mine.json"]
    for path in mine:
        path.write_text("mine")
    write_folder(composed(folder, 1))
    assert files(folder) == {
        "files.txt", "report.md", "index.html", "cells.csv", "tables/results.csv", "tables/results.tex",
        "figures/mine.png", "tables/mine.csv", "mine.json",
    }  # fmt: skip


def test_cells_csv_has_a_row_for_each_configuration(tmp_path: Path) -> None:
    write_folder(composed(tmp_path, 2))
    frame = pd.read_csv(tmp_path / "cells.csv")
    assert list(frame) == ["cell", "label", "arm", "runs", "n", "f1", "f1_sd", "f1_n"]
    assert frame["n"].tolist() == [5, 5]
    assert frame["f1"].tolist() == pytest.approx([2 / 3, 2 / 3 + 0.1])


def test_a_report_that_cannot_be_rendered_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "report"
    with monkeypatch.context() as broken:
        broken.delattr("ablate.report.markdown.render")
        with pytest.raises(AttributeError):
            write_folder(composed(folder, 1))
    assert not folder.exists()


def test_a_report_that_died_while_it_wrote_is_replaced_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies at each of its files in turn, before the first one and before the list among them."""
    folder, written = tmp_path / "report", [0]
    from ablate.storage.files import write_atomically

    def die_at(limit: int) -> None:
        def write(path: Path, content: str | bytes) -> None:
            if written[0] == limit:
                raise KeyboardInterrupt
            written[0] += 1
            write_atomically(path, content)

        written[0] = 0
        for module in ("folder", "inventory"):
            monkeypatch.setattr(f"ablate.report.{module}.write_atomically", write)

    for limit in (0, 1, 2, 9):
        die_at(limit)
        with pytest.raises(KeyboardInterrupt):
            write_folder(composed(folder, 2, claims=[CLAIM]))
    monkeypatch.undo()
    write_folder(composed(folder, 1))
    assert files(folder) == {"files.txt", "report.md", "index.html", "cells.csv", "tables/results.csv", "tables/results.tex"}


def test_the_verdicts_of_a_report_hold_against_their_own_file(tmp_path: Path) -> None:
    report = composed(tmp_path, 2, claims=[CLAIM])
    write_folder(report)
    text = (tmp_path / "verdicts.json").read_text()
    before = json.loads(text, parse_constant=pytest.fail)  # NaN is no JSON
    assert before[0]["margin"] == CLAIM["margin"]
    assert before[0]["estimate"] == report.claims.verdicts["estimate"].iloc[0]
    assert verdicts_that_fail(before, report.claims.verdicts.to_dict("records")) == []
