"""What is shown of a sweep is read from the folders of its runs."""

import io
import os
from pathlib import Path

from rich.console import Console

from ablate.engine import progress
from ablate.engine.progress import Watch, shown
from ablate.storage.locks import LEASE, hold
from tests.engine.test_planning import begin, cell, make_plan
from tests.waiting import wait_until


def test_done_failed_and_running_runs_are_counted_and_the_time_left_is_learnt(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=x) for x in range(5)], [0], [])
    for run in plan.runs:
        run.seconds = 10.0
    watch = Watch(plan, plan.runs)
    watch._began = 0.0
    assert str(watch.look()) == "0 of 5 done, about 50 s left"
    begin(plan.runs[0], 1, of=1)  # which took 30 s, not 10
    begin(plan.runs[1], 1, of=1, error=RuntimeError())
    plan.runs[2].directory.mkdir(parents=True)
    with hold(plan.runs[2].directory):
        assert str(watch.look()) == "1 of 5 done, 1 failed, 1 running, about 1 min 30 s left"
    begin(plan.runs[3], 1, of=4)  # interrupted: it is not done
    assert watch.look().done == 1


def test_a_lease_that_a_killed_process_left_is_no_running_run(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=x) for x in range(2)], [0], [])
    for run in plan.runs:
        run.directory.mkdir(parents=True)
        (run.directory / LEASE).write_text('{"host": "another", "pid": 1}')
        os.utime(run.directory / LEASE, (1e9, 1e9))
    watch = Watch(plan, plan.runs)
    assert str(watch.look()) == "0 of 2 done"
    with hold(plan.runs[1].directory):
        assert str(watch.look()) == "0 of 2 done, 1 running"
        assert list(watch.running) == [plan.runs[1].directory]


def test_a_terminal_shows_each_running_run_with_its_last_epoch(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [cell(x=1)], [0], [])
    run = plan.runs[0]
    begin(run, 2, of=4)
    (run.directory / "history.csv").write_text("epoch,loss,test_accuracy,seconds\n1,2,0.5,3\n2,1,0.625,3\n")
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    expected = ("x=1 seed=0", "epoch 2/4, test_accuracy 0.625", "0 of 1 done, 1 running")
    with shown(plan, plan.runs, console), hold(run.directory):
        wait_until(lambda: all(text in screen.getvalue() for text in expected))


def test_without_a_terminal_a_line_is_printed_when_something_changed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.05)
    plan = make_plan(tmp_path, [cell(x=1), cell(x=2)], [0], [])
    output = io.StringIO()
    with shown(plan, plan.runs, Console(file=output, width=120)):
        wait_until(output.getvalue)
        begin(plan.runs[0], 1, of=1)
        wait_until(lambda: "1 of 2 done" in output.getvalue())
    lines = output.getvalue().splitlines()
    assert (lines[0], lines[-1]) == ("0 of 2 done", "1 of 2 done, about 30 s left")
    assert len(lines) <= 3
