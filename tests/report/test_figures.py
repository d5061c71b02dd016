"""Which figures there are, and their captions."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ablate.report import figures
from ablate.report.build import build, compose
from ablate.report.model import Report
from tests.report.studies import ACCURACY, grid, results, write_runs


def text_of(svg: str) -> str:
    return "".join(ElementTree.fromstring(svg).itertext())


def test_every_figure_is_there_twice_and_is_what_it_says(report: Report) -> None:
    folder = report.folder / "figures"
    names = {"learning_curves", "paired_differences", "effects", "interactions", "attribution"}
    assert {path.stem for path in folder.glob("*.svg")} == {path.stem for path in folder.glob("*.png")} == names
    for name in names:
        text = text_of((folder / f"{name}.svg").read_text(encoding="utf-8"))
        assert "epoch" in text if name == "learning_curves" else "(percentage points)" in text
    assert "<script>" in text_of((folder / "paired_differences.svg").read_text(encoding="utf-8"))
    assert (folder / "effects.png").stat().st_size > 10_000


def test_many_configurations_are_gray_and_a_few_stand_out(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"width": list(range(8)), "depth": list(range(4))}), 2)
    drawn = {figure.name: figure for figure in figures.draw(build(study))}
    assert "all other runs" in drawn["learning_curves"].svg
    assert "width=0,depth=0" in drawn["learning_curves"].svg
    assert drawn["learning_curves"].caption.endswith("all other runs are gray.")


def test_of_many_differences_those_at_both_ends_are_drawn(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"width": list(range(8)), "depth": list(range(4))}), 2)
    report = build(study)
    assert report.comparison is not None
    (drawn,) = (figure for figure in figures.draw(report) if figure.name == "paired_differences")
    shown = report.comparison.differences.sort_values("estimate", ascending=False)
    kept = [*shown["cell"][:12], *shown["cell"][-12:]]
    text = text_of(drawn.svg)
    assert text.count("(n = 2)") == figures.MARKS
    assert all(f"{report.configurations.names[cell]}  (n = 2)" in text for cell in kept)
    assert drawn.caption.endswith("Of 31 rows, the 12 highest and the 12 lowest are shown; the table has all.")


def test_of_one_factor_the_effects_are_the_differences_and_are_not_drawn_again(tmp_path: Path) -> None:
    found = results(lambda arm, seed: 0.5 + arm / 4 + seed / 100, ACCURACY.name, specs=[ACCURACY])
    assert [figure.name for figure in figures.draw(compose(found, name="s", folder=tmp_path))] == ["paired_differences"]


def test_of_one_seed_there_is_no_interval_and_no_figure_of_effects(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"a": [0, 1], "b": [0, 1]}), 1)
    drawn = {figure.name: figure.caption for figure in figures.draw(build(study))}
    assert set(drawn) == {"learning_curves", "paired_differences"}
    assert drawn["paired_differences"].endswith("There is only one seed, so the variation between seeds is unknown.")
