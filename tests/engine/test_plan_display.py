"""The plan as people see it: a table, a summary, plan.csv."""

import csv
from pathlib import Path

from rich.console import Console

from ablate.engine.plan_display import inert_factors, summary, table, write_csv
from tests.engine.test_planning import begin, cell, make_plan, stems


def test_identical_configurations_have_rows_in_the_file(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, stems(), [0, 1], [])
    write_csv(plan)
    rows = list(csv.DictReader((tmp_path / "plan.csv").read_text().splitlines()))
    assert len(rows) == 8
    (repeated,) = {row["note"] for row in rows if row["note"]}
    assert repeated == "identical configuration to stem=direct,activation=relu"


def test_the_summary_counts_the_states_and_tells_the_time(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=1), cell(x=2)], [0, 1], [])
    runs = {(run.cell.label, run.seed): run for run in plan.runs}
    begin(runs["x=1", 0], 1, of=1)
    begin(runs["x=2", 0], 1, of=4)
    plan.look()
    plan.processes = 2
    plan.estimate(lambda settings, processes: 100.0)
    assert summary(plan) == (
        f"4 runs in {tmp_path}: 1 done, 1 to resume, 2 to do. "
        "About 1 min 42 s in 2 processes (from finished runs and the program's estimate)."
    )
    plan.code = "other"
    plan.look()
    assert summary(plan).endswith(" 1 of the done runs were made by other code: study.reuse=same_code repeats them.")


def test_a_factor_that_changes_nothing_is_named() -> None:
    assert inert_factors(stems()) == ["activation changes nothing where stem=direct: identical configurations, run once."]
    everywhere = [cell(experiment=[x], x=x, y=y) for x in (1, 2) for y in (1, 2)]
    assert inert_factors(everywhere) == ["y changes nothing: identical configurations, run once."]
    assert inert_factors([cell(x=1), cell(x=2)]) == []
    assert inert_factors([cell(experiment=[x // 2], x=x) for x in (2, 3, 4)]) == [
        "x=3 and x=2: identical configuration, run once."
    ]


def test_many_cells_are_summed_up_on_the_screen_and_written_to_the_file(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=x) for x in range(100)], [0], [])
    write_csv(plan)
    console = Console(width=100, record=True, quiet=True)
    console.print(table(plan))
    assert len((tmp_path / "plan.csv").read_text().splitlines()) == 101
    assert f"… and 76 more configurations: all runs are in {tmp_path / 'plan.csv'}." in summary(plan)
