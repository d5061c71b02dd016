"""The tables of a report and their notes."""

from pathlib import Path

from ablate.report.build import build
from ablate.report.loading import load
from ablate.report.model import Report
from ablate.report.table_formats import to_latex
from tests.report.studies import grid, write_runs


def test_the_tables_stand_in_the_order_in_which_a_reader_asks(report: Report) -> None:
    assert [(table.name, table.main) for table in report.tables] == [
        ("ablation", True), ("verdicts", True), ("scorecard", False), ("results", False), ("costs", False), ("contrasts", False),
        ("strata", False), ("variance_explained", False), ("precision", False), ("attribution", True),
    ]  # fmt: skip


def test_flags_of_missing_runs_other_code_and_troubles_come_from_the_audit(report: Report) -> None:
    assert report.tables.results is not None
    kinds = [[flag.kind for flag in flags] for flags in report.tables.results.column("flags")]  # type: ignore[union-attr]
    shown = [[kind for kind in found if kind not in ("bigger", "still improving")] for found in kinds]
    assert shown == [["missing", "code"], ["diverged", "interrupted", "code"], ["failed"], []]


def test_a_configuration_that_is_identical_to_another_one_is_named_below_the_results(tmp_path: Path) -> None:
    cells = grid({"stem": ["a", "b"], "on": [False, True]})
    study = write_runs(tmp_path / "s", [cells[0], *cells[2:]], 3, factors={"stem": ["a", "b"], "on": [False, True]})
    runner = next(path.name.rpartition("-")[2] for path in study.glob("runs/stem=a*"))
    same = {"0123abcd": {"as": runner, "label": "stem=a,on=true", "levels": {"stem": "a", "on": True}}}
    text = (study / "study.yaml").read_text()
    (study / "study.yaml").write_text(text + f"same: {same}\n")
    results = build(study).tables.results
    assert results is not None
    assert results.notes[-1] == "stem=a,on=true: identical configuration to stem=a,on=false, run once."
    assert len(results.rows) == 4
    assert [str(value) for value in results.column("difference")].count("same runs") == 1  # not 0.0 [0.0, 0.0]


def test_in_latex_rows_that_are_one_experiment_have_a_letter(tmp_path: Path) -> None:
    cells = grid({"stem": ["a", "b"], "on": [False, True]})
    study = write_runs(tmp_path / "s", [cells[0], cells[1], cells[2]], 3, factors={"stem": ["a", "b"], "on": [False, True]})
    runner = next(path.name.rpartition("-")[2] for path in study.glob("runs/stem=b*"))
    same = {"0123abcd": {"as": runner, "label": "stem=b,on=true", "levels": {"stem": "b", "on": True}}}
    text = (study / "study.yaml").read_text()
    (study / "study.yaml").write_text(text + f"same: {same}\n")
    ablation = build(study).tables.ablation
    assert ablation is not None
    lines = to_latex(ablation).splitlines()
    assert [line[:5] for line in lines if r"$^{\mathrm{a}}$" in line] == ["b & \\", "b & \\"]
    assert "Rows with the same letter are one experiment, run once." in ablation.caption


def test_the_label_of_another_metric_has_its_name(tmp_path: Path) -> None:
    study = load(write_runs(tmp_path / "s", grid({"stem": ["a", "b"]}), 3))
    labels = [study.table("ablation", metric).table.label for metric in (None, "speed")]
    assert labels == ["tab:ablation-s", "tab:ablation-s-speed"]
