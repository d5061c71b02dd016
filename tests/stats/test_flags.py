"""What a reader should heed before comparing a cell with the baseline."""

import json
from pathlib import Path

import yaml

from ablate.report.build import Report
from ablate.report.files import build
from tests.report.studies import PROVENANCE, write_runs


def flags(report: Report) -> list[list[str]]:
    (table,) = (table for table in report.tables if table.name == "results")
    return [[said for said in row[table.headers.index("flags")].split("; ") if said] for row in table.rows]


def test_every_trouble_is_named_in_its_row(report: Report) -> None:
    assert [[said for said in found if not said.startswith(("bigger", "undertrained"))] for found in flags(report)] == [
        ["1 missing", "1 made by other code"],
        ["1 diverged", "1 interrupted", "1 made by other code"],
        ["1 failed"],
        [],
    ]


def test_bigger_slower_and_undertrained_cells_are_flagged(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "wider"}], 3)
    for path in study.glob("runs/stem=wider*/*/run.json"):
        path.write_text(
            path.read_text().replace('"images_per_second": 100.0', f'"images_per_second": 8{path.parent.name[-1]}.0')
        )
    for path in study.glob("runs/stem=a*/*/history.csv"):
        path.write_text("epoch,test_accuracy\n1,0.6\n2,0.5\n")
    assert flags(build(study)) == [[], ["bigger: 3.5 % more parameters", "slower: 19 %", "undertrained"]]


def test_times_that_were_not_taken_alike_flag_nothing(tmp_path: Path) -> None:
    study = write_runs(
        tmp_path / "s",
        [{"stem": "a"}, {"stem": "b"}],
        2,
        provenance=lambda levels, seed: {**PROVENANCE, "numerics": {"threads": seed}},
    )
    for path in study.glob("runs/stem=b*/*/run.json"):
        path.write_text(path.read_text().replace('"images_per_second": 100.0', '"images_per_second": 50.0'))
    assert flags(build(study)) == [["undertrained"], ["undertrained"]]


def test_a_cell_is_undertrained_only_if_all_its_finished_runs_were_still_getting_better(tmp_path: Path) -> None:
    fails = {("b", 0): ("failed", "broken")}
    study = write_runs(
        tmp_path / "s",
        [{"stem": "a"}, {"stem": "b"}],
        2,
        status=lambda levels, seed: fails.get((levels["stem"], seed), ("finished", None)),
    )
    for path in study.glob("runs/stem=*/seed=0/history.csv"):  # of a, one of two finished runs; of b, the one that failed
        path.write_text("epoch,test_accuracy\n1,0.6\n2,0.5\n")
    assert flags(build(study)) == [[], ["1 failed", "undertrained"]]


def test_a_cell_is_at_chance_if_all_its_runs_learned_nothing(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 2)
    for path in [*study.glob("runs/stem=a*/seed=0/run.json"), *study.glob("runs/stem=b*/*/run.json")]:
        record = json.loads(path.read_text())
        record["metrics"]["final_test_accuracy"] = 0.1
        path.write_text(json.dumps(record))
    assert not any("at chance" in said for said in flags(build(study)))  # nobody said what chance is
    path = study / "study.yaml"
    launched = yaml.safe_load(path.read_text()) | {"chance": {"final_test_accuracy": 0.1}}
    path.write_text(yaml.safe_dump(launched))
    assert ["at chance" in said for said in flags(build(study))] == [False, True]
