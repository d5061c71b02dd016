"""Which figures there are, and their files."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd

from ablate.core.designs import factorial
from ablate.report import figures
from ablate.report.build import Report
from ablate.report.files import build
from tests.report.studies import write_runs


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


def test_a_mean_curve_is_of_the_runs_that_count_as_far_as_all_went() -> None:
    """The third run of a diverged, the fourth was left out; of b, one run stopped an epoch early."""
    points = [("a", "a1", 1, 0.1), ("a", "a1", 2, 0.2), ("a", "a2", 1, 0.3), ("a", "a2", 2, 0.4), ("a", "a3", 1, 9.0),
              ("a", "a4", 1, 9.0), ("b", "b1", 1, 0.5), ("b", "b1", 2, 0.9), ("b", "b2", 1, 0.7)]  # fmt: skip
    history = pd.DataFrame(points, columns=["label", "directory", "epoch", "test_accuracy"])
    runs = pd.DataFrame({"directory": ["a1", "a2", "a3", "a4", "b1", "b2"], "left_out": [None, None, None, "r", None, None]})
    runs["status"] = ["finished", "finished", "diverged", "finished", "finished", "finished"]
    means = figures._mean_curves(history, ["test_accuracy"], runs)
    assert means is not None
    found = means.set_index(["label", "epoch"])["test_accuracy"].round(9).to_dict()
    assert found == {("a", 1): 0.2, ("a", 2): 0.3, ("b", 1): 0.6}
    assert figures._mean_curves(history[history["directory"].isin(["a1", "b1"])], ["test_accuracy"], runs) is None
