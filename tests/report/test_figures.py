"""Which figures there are, and their captions."""

import logging
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from ablate.report import figures
from ablate.report.build import build, compose
from ablate.report.factor_figures import factor_sketches
from ablate.report.model import Report
from tests.report.studies import ACCURACY, Levels, grid, grid_results, results, write_runs


def texts_of(svg: str) -> set[str]:
    return {(each.text or "").strip() for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("text")}


def text_of(svg: str) -> str:
    return "".join(ElementTree.fromstring(svg).itertext())


def test_every_figure_is_there_in_three_formats_and_is_what_it_says(report: Report) -> None:
    folder = report.folder / "figures"
    names = {"learning_curves", "paired_differences", "effects", "interactions", "importance", "attribution"}
    for kind in ("svg", "png", "pdf"):
        assert {path.stem for path in folder.glob(f"*.{kind}")} - {"interaction_means"} == names
    words = {"learning_curves": "epoch", "importance": "ω²"}
    for name in names:
        text = text_of((folder / f"{name}.svg").read_text(encoding="utf-8"))
        assert words.get(name, "(percentage points)") in text
    assert "<script>" in text_of((folder / "paired_differences.svg").read_text(encoding="utf-8"))
    assert (folder / "effects.png").stat().st_size > 10_000


def test_a_pdf_is_no_wider_than_a_column_of_a_paper(report: Report) -> None:
    for figure in figures.draw(report):
        (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) [\d.]+ \]", figure.pdf)
        assert 220 < float(box) < 3.3 * 72, figure.name


def test_of_many_configurations_seven_have_a_line_and_each_has_a_panel(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"width": list(range(8)), "depth": list(range(4))}), 2)
    drawn = {figure.name: figure for figure in figures.draw(build(study))}
    curves = drawn["learning_curves"]
    assert "baseline" in curves.svg
    assert curves.caption.endswith(
        "The baseline (gray) is width=0,depth=0. Named: the configurations that differ most from the baseline; thin lines: "
        "runs of 25 others."
    )
    assert texts_of(drawn["learning_curves_all"].svg) >= {"width=7, depth=3", "depth=1"}


def test_a_text_says_what_a_figure_shows(report: Report) -> None:
    texts = {figure.name: figure.alt for figure in figures.draw(report)}
    assert texts["paired_differences"].startswith("Δ final accuracy (percentage points): highest for ")
    assert "intervals exclude zero" in texts["paired_differences"]
    assert "explains more of the variance between runs than any other factor" in texts["importance"]


def test_parallel_coordinates_are_for_many_factors(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({f"f{at}": [0, 1] for at in range(4)}), 2)
    drawn = {figure.name: figure for figure in figures.draw(build(study))}
    assert drawn["parallel"].alt.startswith("The best configuration is ")


def test_equal_reports_have_equal_figures(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 3)
    first, second = (figures.draw(build(study)) for _ in range(2))
    assert first == second


def test_with_fewer_than_three_seeds_no_interval_is_drawn(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 2)
    (drawn,) = (figure for figure in figures.draw(build(study)) if figure.name == "paired_differences")
    assert "0 of 1 intervals exclude zero" in drawn.alt
    assert "[" not in text_of(drawn.svg)


def test_of_many_differences_those_at_both_ends_are_drawn(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"width": list(range(8)), "depth": list(range(4))}), 2)
    report = build(study)
    assert report.comparison is not None
    (drawn,) = (figure for figure in figures.draw(report) if figure.name == "paired_differences")
    shown = [each.cell for each in sorted(report.comparison.against, key=lambda each: -each.estimate.estimate)]
    kept = [*shown[:12], *shown[-12:]]
    names = set(list(report.configurations.changes.values())[1:])
    assert texts_of(drawn.svg) & names == {report.configurations.changes[cell] for cell in kept}
    assert drawn.caption.endswith("Of 31 rows, the 12 highest and the 12 lowest are shown; the table has all.")


def test_of_one_factor_the_effects_are_the_differences_and_are_not_drawn_again(tmp_path: Path) -> None:
    found = results(lambda arm, seed: 0.5 + arm / 4 + seed / 100, ACCURACY.name, specs=[ACCURACY])
    assert [figure.name for figure in figures.draw(compose(found, name="s", folder=tmp_path))] == ["paired_differences"]


def test_of_one_change_at_a_time_the_effects_are_the_differences_and_are_not_drawn_again(tmp_path: Path) -> None:
    cells = [{"a": True, "b": True}, {"a": False, "b": True}, {"a": True, "b": False}]
    names = [each.name for each in figures.draw(build(write_runs(tmp_path / "s", cells, 5)))]
    assert "paired_differences" in names
    assert "effects" not in names


def test_of_one_seed_there_is_no_interval_and_no_figure_of_effects(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"a": [0, 1], "b": [0, 1]}), 1)
    drawn = {figure.name: figure.caption for figure in figures.draw(build(study))}
    assert set(drawn) == {"learning_curves", "paired_differences"}
    assert "With fewer than three seeds, no intervals are drawn." in drawn["paired_differences"]


def test_the_caption_of_two_seeds_does_not_speak_of_one(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"a": [0, 1], "b": [0, 1]}), 2)
    drawn = {figure.name: figure.caption for figure in figures.draw(build(study))}
    assert "With fewer than three seeds, no intervals are drawn." in drawn["paired_differences"]


def test_a_figure_that_cannot_be_scaled_is_left_out(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def plot() -> Figure:
        raise OverflowError("cannot convert float infinity to integer")  # of matplotlib, for values near the largest float

    monkeypatch.setattr(figures, "_sketches", lambda _: [SimpleNamespace(plot=plot)])
    assert figures.draw(report) == []


def test_a_figure_whose_pdf_cannot_be_written_is_closed(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = figures._saved

    def no_pdf(figure: Figure, kind: str, dpi: int) -> bytes:
        if kind == "pdf":
            raise OverflowError("cannot convert float infinity to integer")
        return saved(figure, kind, dpi)

    monkeypatch.setattr(figures, "_saved", no_pdf)
    before = plt.get_fignums()
    assert figures.draw(report) == []
    assert plt.get_fignums() == before


def test_a_pdf_logs_nothing_about_its_fonts(caplog: pytest.LogCaptureFixture) -> None:
    """With Hydra's logging, whose root logger is at INFO, they were a hundred lines in front of the report."""
    logging.getLogger("fontTools").setLevel(logging.NOTSET)
    caplog.set_level(logging.INFO)
    with figures.plots.style(paper=True):
        figure = Figure()
        figure.text(0.5, 0.5, "β ± 1")
        assert figures._saved(figure, "pdf", dpi=100).startswith(b"%PDF")
    assert [record for record in caplog.records if record.name.startswith("fontTools")] == []


def test_a_figure_says_over_how_many_seeds_each_row_is_and_which_rows_are_missing(tmp_path: Path) -> None:
    def value(levels: Levels, seed: int) -> float:
        lost = {"a": False, "b": False, "c": seed > 0, "d": True}
        return (
            math.nan
            if lost[str(levels["arm"])]
            else float(ord(str(levels["arm"])) + (seed * 0.7) ** 2 * (levels["arm"] == "b"))
        )

    report = compose(grid_results({"arm": list("abcd")}, value), name="s", folder=tmp_path)
    found = next(each for each in figures.draw(report) if each.name == "paired_differences")
    assert {"arm=b (n = 5)", "arm=c (n = 1)"} <= texts_of(found.svg)
    assert found.caption.endswith(
        "n: the seeds of a difference. Over fewer than 3 there is no bar. Not shown, without a difference: arm=d."
    )


def test_parallel_coordinates_of_very_many_factors_are_left_out(tmp_path: Path) -> None:
    levels = {f"f{at}": [0, 1] for at in range(8)}
    found = grid_results(levels, lambda levels, seed: sum(map(int, levels.values())) + seed / 9, seeds=1)
    report = compose(found, name="s", folder=tmp_path)
    assert report.comparison is not None
    names = [each.name for each in factor_sketches(report, report.comparison, report.metrics["f1"])]
    assert "parallel" not in names
