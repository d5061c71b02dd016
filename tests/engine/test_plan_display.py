"""The plan as people see it: a table, a summary, plan.csv."""

import csv
import io
from pathlib import Path

from rich.console import Console

from ablate.core.cells import LeaveOut
from ablate.core.levels import Factor
from ablate.engine.plan_display import inert_factors, kept_baseline, summary, table, write_csv
from ablate.storage.manifest import StudyManifest
from ablate.storage.plan_file import read_plan
from tests.engine.test_planning import begin, cell, make_plan, stems


def test_the_plan_keeps_the_runs_of_configurations_that_a_later_command_does_not_plan(tmp_path: Path) -> None:
    """Otherwise what is missing of them would not be missing any more."""
    whole = make_plan(tmp_path, [cell(x=1), cell(x=2), cell(x=3)], [0, 1])
    for run in whole.runs:
        if run.seed == 0 and run.name != "x=3 seed=0":  # x=3 has never begun: a level that nobody wants any more, say
            run.directory.mkdir(parents=True)
    write_csv(whole)
    write_csv(make_plan(tmp_path, [cell(x=1, y="a")], [0]))
    write_csv(make_plan(tmp_path, [cell(x=1)], [0]))
    assert [(row.label, row.seed) for row in read_plan(tmp_path).values()] == [("x=1", "0"), ("x=2", "0"), ("x=2", "1")]
    assert (tmp_path / "plan.csv").read_text().splitlines()[0] == "x,seed,state,seconds,directory,note"
    write_csv(make_plan(tmp_path, [cell(x=1)], [0], [LeaveOut.of({"seed": 1, "reason": "unstable"}, {})]))
    assert [row.state for row in read_plan(tmp_path).values()] == ["to do", "to do", "left out"]


def test_a_factor_may_be_called_like_a_column(tmp_path: Path) -> None:
    write_csv(make_plan(tmp_path, [cell(note="a", state="p"), cell(note="b", state="p")], [0]))
    header, *rows = [line.split(",") for line in (tmp_path / "plan.csv").read_text().splitlines()]
    assert header == ["note", "state", "seed", "state", "seconds", "directory", "note"]
    assert sorted(row[:2] for row in rows) == [["a", "p"], ["b", "p"]]


def test_a_level_like_a_formula_is_inert_in_the_file_and_read_back(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x="=cmd|calc"), cell(x="'=b"), cell(x=-1)], [0])
    for run in plan.runs:
        run.directory.mkdir(parents=True)
    for again in (plan, make_plan(tmp_path, [cell(x=2)], [0])):  # which keeps the rows of the first
        write_csv(again)
        assert {"'=cmd|calc", "''=b", "-1"} <= {line.split(",")[0] for line in (tmp_path / "plan.csv").read_text().splitlines()}
        assert {"x==cmd|calc", "x='=b", "x=-1"} <= {row.label for row in read_plan(tmp_path).values()}


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


def test_of_many_factors_only_the_changes_are_named(tmp_path: Path) -> None:
    first = {"first": "whitened", "norm": "every", "activation": "gelu", "averaging": "ema", "nesterov": True}
    cells = [cell(**first), cell(**{**first, "activation": "relu"}), cell(**{**first, "norm": "none", "averaging": "none"})]
    plan = make_plan(tmp_path, cells, [0], [], None, None, None, cells[0].levels)
    names = {run.cell.digest: run.name for run in plan.runs}
    assert [names[each.digest] for each in cells] == [
        "baseline seed=0",
        "activation=relu seed=0",
        "norm=none,averaging=none seed=0",
    ]
    folders = {run.cell.digest: run.directory.parent.name for run in plan.runs}
    assert folders[cells[1].digest] == f"activation=relu-{cells[1].short}"
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(plan))
    lines = [[part.strip() for part in line.split("│")] for line in console.export_text().splitlines()]
    assert [line[1] for line in lines if len(line) > 1] == ["baseline", "activation=relu", "norm=none,averaging=none"]
    baseline = "first=whitened, norm=every, activation=gelu, averaging=ema, nesterov=true"
    assert f"The baseline is {baseline}.\n3 runs in " in summary(plan)


def test_without_a_baseline_all_levels_are_named(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(a=1, b=2, c=3, d=4, e=5)], [0], [])
    assert plan.runs[0].name == "a=1,b=2,c=3,d=4,e=5 seed=0"
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(plan))
    assert console.export_text().split("\n")[1].split() == [
        "┃",
        "a",
        "┃",
        "b",
        "┃",
        "c",
        "┃",
        "d",
        "┃",
        "e",
        "┃",
        "to",
        "do",
        "┃",
    ]


def test_many_cells_are_summed_up_on_the_screen_and_written_to_the_file(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=x) for x in range(100)], [0], [])
    write_csv(plan)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table(plan))
    assert console.export_text().count("  1 │\n") == 24
    assert len((tmp_path / "plan.csv").read_text().splitlines()) == 101
    assert f"… and 76 more configurations: all runs are in {tmp_path / 'plan.csv'}." in summary(plan)


def test_a_baseline_that_stays_although_another_level_is_listed_first_is_named() -> None:
    factors = [Factor.of("x", [2, 1]), Factor.of("y", [1, 3]), Factor.of("z", [1])]
    before = StudyManifest(factors={"x": [1, 2], "y": [4, 1]}, fixed={"x": 1})
    assert kept_baseline(factors, before) == ["The baseline of this study stays x=1; another study.name may have another."]
    assert kept_baseline(factors[1:], before) == []  # it sweeps other levels only
    assert kept_baseline(factors, StudyManifest(factors={"x": [1, 2]})) == []  # of a single run
