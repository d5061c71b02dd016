"""Ratios are computed in each round; a target is judged only where it applies."""

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks.commands import ROOT
from benchmarks.machine import Machine
from benchmarks.output import number
from benchmarks.results import Results, Section, Series, Table, Target, ratio

PLAIN = Machine("A CPU", 2, amx=False, gpu=None, torch="2.0", python="3.11", system="Linux")
AMX = dataclasses.replace(PLAIN, amx=True)


def test_a_ratio_is_computed_in_each_round_and_then_the_median_is_taken() -> None:
    found = ratio("one / other", Series("one", "s", [1.0, 8.0, 3.0]), Series("other", "s", [1.0, 2.0, 6.0]))
    assert found.values == [1.0, 4.0, 0.5]
    assert (found.median, found.unit) == (1.0, "×")  # the ratio of the medians is 1.5


def test_series_of_different_numbers_of_rounds_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio("one / other", Series("one", "s", [1.0, 2.0]), Series("other", "s", [1.0]))


def test_a_target_is_met_missed_or_does_not_apply() -> None:
    fast, short = Target(7.0, needs_amx=True), Target(1.5, at_least=False)
    assert [fast.verdict(value, AMX) for value in (7.0, 6.9)] == ["met", "missed"]
    assert fast.verdict(6.9, PLAIN) == "does not apply (needs AMX)"
    assert [short.verdict(value, PLAIN) for value in (1.5, 1.6)] == ["met", "missed"]
    assert (str(fast), str(short)) == ("at least 7", "at most 1.5")


def results(quick: bool) -> Results:
    series = [Series("a", "s", [3.0, 1.0, 2.0], Target(1.0)), Series("b", "s", [1.0, 1.0, 1.0])]
    return Results(PLAIN, "2026-01-01", 3, quick, "drawn", [Section("step", "Step", [Table("t", series)])])


def test_the_file_holds_every_round_the_median_and_the_verdict(tmp_path: Path) -> None:
    results(quick=False).write(tmp_path / "new" / "results.json")
    content = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf-8"))
    assert content["machine"]["processor"] == "A CPU"
    first, second = content["sections"][0]["tables"][0]["series"]
    assert first["values"] == [3.0, 1.0, 2.0]
    assert (first["median"], first["min"], first["max"]) == (2.0, 1.0, 3.0)
    assert (first["target"], first["verdict"]) == ("at least 1", "met")
    assert second["target"] is None
    assert "verdict" not in second


def test_nothing_is_judged_by_tiny_sizes() -> None:
    assert results(quick=True).verdict(Series("a", "s", [2.0], Target(1.0))) == "not judged (--quick)"


def test_the_figures_of_the_documentation_are_medians_of_the_committed_results() -> None:
    medians = {
        number(series["median"])
        for file in (ROOT / "benchmarks/results").glob("*.json")
        for section in json.loads(file.read_text(encoding="utf-8"))["sections"]
        for table in section["tables"]
        for series in table["series"]
    }
    page = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    cells = [cell.strip() for line in page.splitlines() if line.startswith("|") for cell in line.split("|")[2:-1]]
    quoted = [cell for cell in cells if cell.replace(".", "").isdigit()]
    assert len(quoted) == 36
    assert [cell for cell in quoted if number(float(cell)) not in medians] == []
