"""The plan: what is done and left, what is reported from another's runs, and what it costs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ablate.core.cells import Cell, LeaveOut
from ablate.engine.cells import PlannedCell
from ablate.engine.execution import Outcome
from ablate.engine.planning import Plan, PlannedRun, waiting_time
from ablate.engine.planning import make_plan as plan_of
from ablate.engine.run import Run
from ablate.storage.fingerprint import digest
from ablate.storage.locks import DEATHS, hold
from ablate.storage.records import RunRecord


def cell(experiment: Any = None, **levels: Any) -> PlannedCell:
    return PlannedCell(
        levels=Cell.of(levels),
        typed=Cell.of(levels),
        overrides=[f"{key}={level}" for key, level in levels.items()],
        values={**levels, "seed": 0, "study": {"name": "s"}},
        choices={},
        overridden=list(levels),
        meaning=levels,
        settings=levels,
        builds=digest(experiment or levels),
    )


def x_of(run: PlannedRun) -> Any:
    return run.cell.levels["x"].value


def make_plan(*arguments: Any) -> Plan:
    plan = plan_of(*arguments)
    plan.code = "now"
    return plan


def begin(run: PlannedRun, epochs: int, of: int, error: Exception | None = None) -> None:
    """The run in its folder: finished if all epochs are done, else interrupted after some."""
    record = RunRecord(
        identity=run.identity,
        cell=run.cell.short,
        seed=run.seed,
        label=run.cell.label,
        choices={},
        overridden=[],
        provenance={"code": "now"},
    )
    process = Run(run.directory, record, {})
    try:
        with process.attempt():
            process.expect(epochs=of)
            for epoch in range(epochs):
                process.log(epoch=epoch)
                process.save({"epoch": epoch})
            if error:
                raise error
            if epochs < of:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    record.timing["seconds"] = 30.0
    process.note()


def test_each_run_is_in_the_state_that_its_folder_says(tmp_path: Path) -> None:
    cells = [cell(x=x) for x in range(7)]
    plan = make_plan(tmp_path, cells, [0], [LeaveOut.of({"x": 6, "reason": "the disk failed"})])
    runs = {x_of(run): run for run in plan.runs}
    begin(runs[0], 2, of=2)
    begin(runs[1], 1, of=4)
    begin(runs[2], 1, of=2, error=RuntimeError("broken"))
    (runs[4].directory).mkdir(parents=True)
    (runs[4].directory / DEATHS).write_text("died\ndied\n")
    (runs[5].directory).mkdir(parents=True)
    (runs[5].directory / DEATHS).write_text("died\n")
    with hold(runs[5].directory):
        plan.look()
        assert runs[5].state == "held"
    plan.look()
    states = [runs[x].state for x in range(7)]
    assert states == ["done", "to resume", "to resume", "to do", "given up", "to do", "left out"]
    assert runs[1].begun == 0.25
    assert [x_of(run) for run in plan.due()] == [3, 1, 2, 5]  # last those that failed, and then those whose process died
    assert not runs[0].stale
    plan.code = "other"
    plan.look()
    assert (runs[0].state, runs[0].stale) == ("done", True)
    plan.same_code = True
    plan.look()
    assert runs[0].state == "to do"


def test_a_look_reads_each_record_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study may have 100,000 runs on a slow file system."""
    plan = make_plan(tmp_path, [cell(x=1), cell(x=2), cell(x=3)], [0], [])
    runs = {x_of(run): run for run in plan.runs}
    begin(runs[1], 2, of=2)
    begin(runs[2], 1, of=4)
    read, whole = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), whole(path))[1])
    plan.look()
    assert [runs[x].state for x in (1, 2, 3)] == ["done", "to resume", "to do"]
    assert [runs[x].attempts for x in (1, 2, 3)] == [1, 1, 0]
    assert runs[1].recorded == Outcome("x=1", 0, "finished", None, runs[1].directory, {}, kept=True)
    records = [path for path in read if path.name == "run.json"]
    assert sorted(records) == sorted(run.directory / "run.json" for run in plan.runs)


def test_a_torn_record_is_noted_and_its_run_is_done_again(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=1)], [0], [])
    begin(plan.runs[0], 1, of=1)
    (plan.runs[0].directory / "run.json").write_text("{")
    plan.look()
    assert plan.runs[0].state == "to do"
    assert "run.json is skipped" in plan.notes[0]


def test_the_cost_comes_from_finished_runs_else_from_the_program(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=1), cell(x=2)], [0, 1], [])
    runs = {(x_of(run), run.seed): run for run in plan.runs}
    begin(runs[1, 0], 1, of=1)
    begin(runs[2, 0], 1, of=4)
    plan.look()
    asked: list[tuple[int, int]] = []

    def cost(settings: Any, processes: int) -> float:
        asked.append((settings["x"], processes))
        return 100.0

    plan.processes = 2
    plan.estimate(cost)
    assert asked == [(2, 2)]
    assert plan.seconds_left() == (30 + 100 * 0.75 + 100) / 2
    assert waiting_time([60, 60], processes=8) == 60
    assert plan.cost_from == "finished runs and the program's estimate"


def test_the_hardware_of_the_runs_that_the_estimate_comes_from_is_named(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=1)], [0, 1, 2, 3], [])
    for run, hardware in zip(
        plan.runs, ({"gpu": "H100", "processor": "X"}, {"gpu": None, "processor": "EPYC"}, "old"), strict=False
    ):
        begin(run, 1, of=1)
        record = json.loads((run.directory / "run.json").read_text())
        record["provenance"]["hardware"] = hardware
        (run.directory / "run.json").write_text(json.dumps(record))
    plan.look()
    plan.estimate(lambda *_: None)
    assert plan.cost_from == "finished runs on EPYC, H100"


def test_a_cost_that_cannot_be_had_is_no_reason_not_to_run(tmp_path: Path) -> None:
    def cost(*_: Any) -> float:
        raise MemoryError("too big")

    plan = make_plan(tmp_path, [cell(x=1)], [0], [])
    plan.estimate(cost)
    assert plan.seconds_left() is None
    assert plan.notes == ["the duration of x=1 could not be estimated: MemoryError: too big"]


def stems() -> list[PlannedCell]:
    """A stem without hidden layers has nothing to activate: there, its activation is inert."""
    return [
        cell(experiment=["direct"] if stem == "direct" else [stem, activation], stem=stem, activation=activation)
        for stem in ("pyramid", "direct")
        for activation in ("relu", "gelu")
    ]


def test_identical_configurations_run_once(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, stems(), [0, 1], [])
    assert len(plan.runs) == 6
    ((stand_in, runner),) = plan.stand_ins.values()
    assert stand_in.levels == Cell.of({"stem": "direct", "activation": "gelu"})
    assert runner.levels == Cell.of({"stem": "direct", "activation": "relu"})


def test_of_equal_experiments_the_one_that_has_runs_goes_on(tmp_path: Path) -> None:
    first = make_plan(tmp_path, stems()[3:], [0], [])
    begin(first.runs[0], 1, of=1)
    plan = make_plan(tmp_path, stems(), [0], [])
    ((_, runner),) = plan.stand_ins.values()
    assert str(runner.levels["activation"]) == "gelu"


def of_study(*cells: PlannedCell) -> dict[str, str]:
    """`experiments` of study.yaml."""
    return {each.short: each.builds[:16] for each in cells}


def test_what_ran_for_an_equal_experiment_of_an_earlier_command_is_done(tmp_path: Path) -> None:
    """A path ran the one cell, and the design of single changes has the other alone."""
    first = make_plan(tmp_path, stems(), [0, 1], [])
    ((stand_in, runner),) = first.stand_ins.values()
    ran = next(run for run in first.runs if run.cell is runner and run.seed == 1)
    begin(ran, 1, of=1)
    plan = make_plan(tmp_path, [stand_in], [0, 1], [], None, of_study(*stems()))
    plan.look()
    assert [(run.seed, run.state) for run in plan.runs] == [(0, "to do"), (1, "done")]
    assert plan.runs[1].directory == ran.directory
    # of cells that build something else by today's account, and where a person left runs out, each has its own
    other = cell(experiment="something else", **stand_in.levels.values_by_key)
    for plan in (
        make_plan(tmp_path, [other], [0, 1], [], None, of_study(runner, other)),
        make_plan(tmp_path, [stand_in], [0, 1], [LeaveOut.of({"stem": "pyramid", "reason": "r"})], None, of_study(*stems())),
    ):
        plan.look()
        assert [run.state for run in plan.runs] == ["to do", "to do"]


def test_what_is_made_again_is_made_in_its_own_folder(tmp_path: Path) -> None:
    """study.reuse=same_code, when other code made the run of the equal cell."""
    first = make_plan(tmp_path, stems(), [0], [])
    ((stand_in, runner),) = first.stand_ins.values()
    ran = next(run for run in first.runs if run.cell is runner)
    begin(ran, 1, of=1)
    plan = make_plan(tmp_path, [stand_in], [0], [], None, of_study(*stems()))
    plan.code, plan.same_code = "other", True
    plan.look()
    (run,) = plan.runs
    assert (run.state, run.directory != ran.directory) == ("to do", True)
    begin(run, 1, of=1)
    plan.code = "now"
    plan.look()
    assert (run.state, run.directory != ran.directory) == ("done", True)


def test_blocks_of_seeds_follow_each_other_in_random_order_inside(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=x) for x in range(8)], [3, 1], [])
    assert [run.seed for run in plan.runs] == [3] * 8 + [1] * 8
    orders = [[x_of(run) for run in plan.runs if run.seed == seed] for seed in (3, 1)]
    assert orders[0] != orders[1] != sorted(orders[1])
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(8))


def test_a_run_that_comes_back_without_progress_is_stopped(tmp_path: Path) -> None:
    (run,) = make_plan(tmp_path, [cell(x=1)], [0]).runs
    run.directory.mkdir(parents=True)
    for rows, stopped in ((1, False), (2, False), (3, False), (3, True)):
        (run.directory / "history.csv").write_text("epoch\n" * (rows + 1))
        run.look("now", False, [])
        assert run.state == "to do"
        run.came_back("it is not done.")
        assert (run.state == "given up", run.stopped) == (stopped, "it is not done." if stopped else None)
    run.look("now", False, [])
    assert run.state == "given up"


def test_a_later_plan_of_the_command_knows_what_failed(tmp_path: Path) -> None:
    """For study.until, which plans anew for each look."""
    earlier = make_plan(tmp_path, [cell(x=1), cell(x=2), cell(x=3)], [0])
    failed, given_up, done = sorted(earlier.runs, key=x_of)
    failed.failures, failed.outcome = 1, Outcome("x=1", 0, "failed")
    given_up.stopped, given_up.state = "its process died 2 times", "given up"
    given_up.fruitless, given_up.reached = 1, 4
    begin(done, 2, of=2)
    done.state, done.outcome = "done", Outcome("x=3", 0, "finished")
    plan = make_plan(tmp_path, [cell(x=1), cell(x=2), cell(x=3)], [0, 1])
    plan.carry_over(earlier)
    plan.look()
    runs = {run.name: run for run in plan.runs}
    assert [(run.failures, run.state, run.outcome) for run in runs.values() if run.seed == 1] == [(0, "to do", None)] * 3
    assert (runs["x=1 seed=0"].failures, runs["x=1 seed=0"].outcome) == (1, failed.outcome)
    assert (runs["x=2 seed=0"].state, runs["x=2 seed=0"].stopped) == ("given up", "its process died 2 times")
    assert (runs["x=2 seed=0"].fruitless, runs["x=2 seed=0"].reached) == (1, 4)
    assert (runs["x=3 seed=0"].state, runs["x=3 seed=0"].outcome) == ("done", None)  # kept


def test_a_run_that_was_copied_into_a_folder_does_not_count_as_its_run(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=1), cell(x=2)], [0], [])
    first, second = plan.runs
    begin(first, 1, of=1)
    shutil.copytree(first.directory, second.directory)
    plan.look()
    assert (first.state, second.state) == ("done", "to do")


def test_runs_that_were_resumed_give_no_time(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=1)], [0, 1], [])
    for run in plan.runs:
        begin(run, 1, of=1)
    record = json.loads((plan.runs[0].directory / "run.json").read_text())
    record["timing"]["resumed"] = 1
    (plan.runs[0].directory / "run.json").write_text(json.dumps(record))
    plan.look()
    assert [run.measured for run in plan.runs] == [None, 30.0]
