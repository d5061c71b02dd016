"""`ablate watch`."""

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from ablate.commands.status import RunStatus
from ablate.commands.watch import Snapshot, Watch, follow, look, sparkline
from ablate.core.errors import UsageError
from ablate.storage.locks import hold
from ablate.storage.records import RECORD
from tests.commands.conftest import Command
from tests.waiting import wait_until


@pytest.fixture
def running(outputs: Path) -> Path:
    """The folder of a run of `first` that has logged four of ten epochs."""
    directory = sorted(outputs.glob("first/runs/stem=a-*/seed=1"))[0]
    record = json.loads((directory / RECORD).read_text())
    record |= {"status": "running", "metrics": {}, "epochs": 10}
    (directory / RECORD).write_text(json.dumps(record))
    return directory


def shown(study: Path) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    follow(Watch(study, page=False, every=1), console, once=True)
    return console.export_text()


@pytest.mark.parametrize(
    ("values", "line"), [([0.0, 0.5, 1.0], "▁▅█"), ([2.0, 2.0], "▁▁"), ([float("nan"), 1.0], "▁"), ([], "")]
)
def test_a_curve_is_a_line_of_text(values: list[float], line: str) -> None:
    assert sparkline(values) == line
    assert len(sparkline([float(at) for at in range(1000)])) == 30


def test_a_running_run_has_its_epoch_its_curve_and_a_time_left(outputs: Path, running: Path) -> None:
    with hold(running):
        snapshot = look(outputs / "first")
        text = shown(outputs / "first")
    assert (snapshot.counts["running"], snapshot.over) == (1, False)
    (run,) = snapshot.running
    assert (run.epoch, run.epochs, run.metric, len(run.curve)) == (4, 10, "test_accuracy", 4)
    assert "first: 10 runs: 1 running, 1 failed, 8 finished; about 1 s left" in text
    assert "stem=a seed=1  4/10" in " ".join(text.split()).replace(" seed=1 ", " seed=1  ")
    assert "final accuracy (%)" in text  # the table so far


def test_a_run_that_nobody_holds_is_not_running(outputs: Path, running: Path) -> None:
    assert running.exists()
    snapshot = look(outputs / "first")
    assert (snapshot.counts["running"], snapshot.counts["interrupted"], snapshot.over) == (0, 1, True)


def test_a_study_without_runs_or_a_bad_interval_is_refused(outputs: Path, command: Command) -> None:
    (outputs / "empty").mkdir()
    (outputs / "empty" / "study.yaml").write_text("factors: {}\n")
    with pytest.raises(UsageError, match="has no runs yet"):
        shown(outputs / "empty")
    status, _, err = command("watch", "first", "--every", "0")
    assert (status, err) == (2, "ablate: --every 0: expected a number of seconds above 0.\n")
    for every in ("nan", "inf"):
        assert command("watch", "first", "--every", every)[0] == 2


def test_the_page_reloads_itself_while_the_study_runs(outputs: Path, running: Path) -> None:
    page = outputs / "first" / "report" / "index.html"
    watch = Watch(outputs / "first", page=True, every=1)
    with hold(running):
        watch.look()
        assert '<meta http-equiv="refresh" content="5">' in page.read_text()
        assert "runs that have not started count as missing. This page reloads itself every 5 seconds." in page.read_text()
    watch.look()
    assert 'http-equiv="refresh"' not in page.read_text()


def test_a_moment_between_two_runs_is_not_the_end(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(outputs / "first", page=False, every=1)
    seen = []
    for states in (["finished", "not started"], ["running", "finished"], ["finished", "not started"], ["finished"] * 2):
        runs = [RunStatus("runs/x/seed=0", "x", "0", state) for state in states]
        monkeypatch.setattr("ablate.commands.watch.look", lambda study, known, runs=runs: Snapshot(runs, []))
        watch.look()
        seen.append(watch.over)
    assert seen == [False, False, False, True]


def test_a_sweep_that_was_killed_is_over(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(outputs / "first", page=False, every=1)
    runs = [RunStatus("runs/x/seed=0", "x", "0", "not started")]
    monkeypatch.setattr("ablate.commands.watch.look", lambda study, known: Snapshot(runs, []))
    watch.look()
    assert not watch.over
    watch.look()
    assert watch.over


def test_after_ctrl_c_the_page_no_longer_reloads_itself(outputs: Path, running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt(seconds)

    monkeypatch.setattr("time.sleep", interrupt)
    console = Console(file=io.StringIO(), force_terminal=True)
    with hold(running), pytest.raises(KeyboardInterrupt):
        follow(Watch(outputs / "first", page=True, every=1), console, once=False)
    assert 'http-equiv="refresh"' not in (outputs / "first" / "report" / "index.html").read_text()


@pytest.mark.slow
def test_an_open_page_follows_the_study(outputs: Path, running: Path) -> None:
    """The command runs in a process of its own, and the page is open in a browser that nobody touches."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    arguments = [sys.executable, "-m", "ablate.cli", "watch", "first", "--page", "--every", "1"]
    page = outputs / "first" / "report" / "index.html"
    with ExitStack() as held, playwright.sync_playwright() as started:
        held.enter_context(hold(running))
        watching = subprocess.Popen(["script", "-qec", " ".join(arguments), os.devnull], stdout=subprocess.DEVNULL)
        wait_until(page.exists)
        shown = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_page()
        shown.goto(page.as_uri())
        assert "8 finished" in shown.locator(".states").inner_text()
        record = json.loads((running / RECORD).read_text())
        record |= {"status": "finished", "metrics": {"test_accuracy": 0.5}}
        (running / RECORD).write_text(json.dumps(record))
        held.close()
        shown.get_by_text("9 finished").first.wait_for(timeout=60_000)
        assert watching.wait(60) == 0
