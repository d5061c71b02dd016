"""What is missing, and what the runs do not have in common."""

import json
from pathlib import Path
from typing import Any

import pytest

from ablate.report.audit import examine
from ablate.report.build import Report
from ablate.storage.dataframe import load_runs
from tests.report.studies import PROVENANCE, write_runs

CELLS = [{"stem": "pyramid"}, {"stem": "direct"}]


def test_every_run_that_was_planned_is_counted(report: Report) -> None:
    assert report.health.states == {
        "finished": 30, "diverged": 1, "failed": 1, "interrupted": 1, "running": 0, "missing": 1, "left out": 2,
    }  # fmt: skip
    assert [(run.label, run.seed) for run in report.health.missing] == [("dropout=true,stem=pyramid", "8")]


def test_runs_of_other_code_are_stale_and_what_is_mixed_is_named(report: Report) -> None:
    assert report.health.mixed == ["code", "data"]
    assert sum(report.health.stale.values()) == 2
    assert report.health.made["code"] == {"c0de": 28, "01dc0de": 2}
    assert report.health.timed_alike


@pytest.mark.parametrize("hardware", [({"cores": 2}, {"cores": 4}), ({"gpu": None}, {"gpu": "H100"}), ({}, {"gpu": "H100"})])
def test_times_of_unlike_machines_are_not_compared(tmp_path: Path, hardware: tuple[dict[str, Any], ...]) -> None:
    study = write_runs(tmp_path / "s", CELLS, 2, provenance=lambda levels, seed: {**PROVENANCE, "hardware": hardware[seed]})
    health = examine(load_runs(study), study, {})
    assert health.mixed == ["hardware"]
    assert not health.timed_alike


@pytest.mark.parametrize(
    ("timing", "alike"),
    [
        ([{}, {}], True),
        ([{"processes": 2}, {"processes": 2}], True),
        ([{"processes": 1}, {"processes": 2}], False),
        ([{"resumed": 1}, {}], False),
    ],
)
def test_times_of_runs_that_were_resumed_or_ran_beside_others_are_not_compared(
    tmp_path: Path, timing: list[dict[str, Any]], alike: bool
) -> None:
    study = write_runs(tmp_path / "s", CELLS, 2)
    for path in study.glob("runs/*/*/run.json"):
        record = json.loads(path.read_text())
        record["timing"] |= timing[record["seed"]]
        path.write_text(json.dumps(record))
    health = examine(load_runs(study), study, {})
    assert health.timed_alike is alike
    assert health.resumed == (2 if "resumed" in timing[0] else 0)
    assert not health.mixed


def test_without_a_plan_a_seed_that_other_cells_have_is_missing(tmp_path: Path) -> None:
    study = write_runs(
        tmp_path / "s",
        CELLS,
        2,
        status=lambda levels, seed: ("missing" if levels["stem"] == "direct" and seed == 1 else "finished", None),
    )
    (study / "plan.csv").write_text("torn")
    assert [(run.label, run.seed) for run in examine(load_runs(study), study, {}).missing] == [("stem=direct", "1")]
