"""The report in a terminal."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablate.report.model import Report
from ablate.report.printing import show


def test_a_long_error_is_cut(report: Report, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    show(replace(report, problems=[f"runs/x failed: {'y' * 10_000}"]), Path("report/report.md"))
    out = capsys.readouterr().out
    assert "[9,615 characters left out]" in out.replace("\n", " ")
    assert out.count("y") < 1000


def test_the_main_tables_are_printed_and_the_others_named(
    report: Report, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    show(report, Path("report/report.md"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "5 claims: 1 contradicted, 3 inconclusive, 1 not tested.",
        "4 configurations, 9 seeds.",
        "Runs differ in: code.",
        "Changed since the study began: data.digest.",
    ]
    assert [line for line in lines if line in {table.title for table in report.tables}] == [
        table.title for table in report.tables if table.main
    ]
    assert lines[-3:] == [
        "Further tables in the report: Scorecard, Results, Costs, Contrasts, Contrasts by stratum, Variance explained (ANOVA), Precision of the paired differences.",
        "Report: report/report.md",
        "Page: report/index.html",
    ]
