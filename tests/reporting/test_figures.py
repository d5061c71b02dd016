"""Which figures there are, and their files."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ablate.reporting import figures
from ablate.reporting.content import Report
from ablate.reporting.page import build
from ablate.study.design import factorial
from tests.reporting.studies import write_runs


def test_every_figure_is_there_twice_and_is_what_it_says(report: Report) -> None:
    folder = report.folder / "figures"
    names = {"learning_curves", "paired_differences", "effects", "interactions", "attribution"}
    assert {path.stem for path in folder.glob("*.svg")} == {path.stem for path in folder.glob("*.png")} == names
    for name in names:
        text = "".join(ElementTree.parse(folder / f"{name}.svg").getroot().itertext())
        assert "epoch" in text if name == "learning_curves" else "(points of %)" in text
    drawn = "".join(ElementTree.parse(folder / "paired_differences.svg").getroot().itertext())
    assert "<script>" in drawn
    assert (folder / "effects.png").stat().st_size > 10_000


def test_many_cells_are_a_crowd_in_which_a_few_stand_out(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", factorial({"width": list(range(8)), "depth": list(range(4))}), 2)
    report = build(study)
    drawn = {figure.name: figure for figure in figures.draw(report, tmp_path)}
    assert "every other run" in drawn["learning_curves"].svg
    assert "width=0,depth=0" in drawn["learning_curves"].svg
    assert drawn["paired_differences"].svg.count("(n = 2)") == figures.MARKS
    shown = sorted(report.differences["estimate"].tolist(), reverse=True)
    kept = [mark.estimate for mark in figures._differences(report)]
    assert kept == [*shown[:12], *shown[-12:]]
    assert drawn["paired_differences"].says.endswith(
        "Of 31 rows the 12 highest and the 12 lowest are drawn; all are in the table."
    )


def test_what_is_no_number_or_not_finite_is_not_drawn(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 2)
    for path in study.glob("runs/*/*/history.csv"):
        path.write_text("epoch,words,nothing,loss,label\n1,start,,0.5,x\n2,end,,inf,x\n")
    report = build(study)
    assert figures.curves(report.history) == ["loss"]
    assert "stem=b" in next(figure.svg for figure in figures.draw(report, tmp_path) if figure.name == "learning_curves")
