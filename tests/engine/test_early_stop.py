"""A sweep that cannot succeed stops and says so once; the other runs stay due."""

import json
import sys
from pathlib import Path

from ablate.engine import early_stop
from tests.apps import trivial
from tests.conftest import Command
from tests.engine.test_bad_overrides import run


def records(folder: Path) -> int:
    return len(list(folder.glob("outputs/*/runs/*/seed=*/run.json")))


def test_three_failures_with_the_same_error_stop_a_sweep(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["-m", "fails=true", "x=1,2,3,4,5", "study.report=false", "study.name=s"]
    assert run(trivial.train, arguments, monkeypatch) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("Stopped after 3 runs failed with the same error: RuntimeError: it was asked to fail.") == 1
    assert "3 failed, 2 not started" in said
    assert records(tmp_path) == 3


def test_failures_beside_a_finished_run_or_with_different_errors_do_not(tmp_path: Path) -> None:
    for at, error in enumerate(("a", "a", "b", "a")):
        early_stop.note(tmp_path, f"run {at}", error)
    assert early_stop.reason(tmp_path) is None
    early_stop.reset(tmp_path)
    for at, error in enumerate(("a", None, "a", "a", "a")):
        early_stop.note(tmp_path, f"run {at}", error)
    assert early_stop.reason(tmp_path) is None


def test_after_a_run_that_did_not_fail_no_line_is_added_however_many_runs_end(tmp_path: Path) -> None:
    """Each run that starts reads this file, so it must not grow with the study."""
    for at, error in enumerate(("a", None, *(["a", None] * 50))):
        early_stop.note(tmp_path, f"run {at}", error)
    assert len((tmp_path / early_stop.FILE).read_text().splitlines()) == 1
    assert early_stop.reason(tmp_path) is None


def test_a_run_that_is_retried_counts_once(tmp_path: Path) -> None:
    for each in ("one", "one", "one", "two", "two"):
        early_stop.note(tmp_path, each, "a")
    assert early_stop.reason(tmp_path) is None
    early_stop.note(tmp_path, "three", "a")
    assert (early_stop.reason(tmp_path) or "").startswith("Stopped after 3 runs failed with the same error: a.")


def test_a_first_run_that_returns_nothing_usable_stops_a_sweep(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trivial.train.program, "function", lambda cfg, run: {"score": "good"})
    assert run(trivial.train, ["-m", "x=1,2,3", "study.report=false"], monkeypatch) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("Stopped after a run that returned nothing usable:") == 1
    assert records(tmp_path) == 1


def test_the_first_run_that_returns_may_come_after_runs_that_failed(tmp_path: Path) -> None:
    """Configurations that fail at once must not let a sweep go on whose other runs train for hours and return nothing."""
    early_stop.note(tmp_path, "one", "TypeError: no log method")
    assert early_stop.reason(tmp_path) is None
    early_stop.note(tmp_path, "two", "the training function returned nothing", unusable=True)
    assert (
        early_stop.reason(tmp_path)
        == "Stopped after a run that returned nothing usable: the training function returned nothing. "
        "The other runs were not started."
    )
    early_stop.reset(tmp_path)
    early_stop.note(tmp_path, "one", None)
    early_stop.note(tmp_path, "two", "the training function returned nothing", unusable=True)
    assert early_stop.reason(tmp_path) is None


def test_errors_that_differ_in_numbers_alone_are_the_same(tmp_path: Path) -> None:
    """Such as that of argparse, which has the level, or of a missing file, whose path has the seed."""
    for at, level in enumerate(("0", "0.9", "1e-4")):
        early_stop.note(tmp_path, f"run {at}", f"unrecognized arguments: --momentumm {level}")
    assert (early_stop.reason(tmp_path) or "").startswith("Stopped after 3 runs failed with the same error")


def test_configurations_that_need_too_much_memory_do_not_stop_smaller_ones(tmp_path: Path) -> None:
    for at, size in enumerate(("8.00", "16.00", "32.00")):
        error = f"OutOfMemoryError: CUDA out of memory. Tried to allocate {size} GiB."
        early_stop.note(tmp_path, f"run {at}", error)
    assert early_stop.reason(tmp_path) is None


def test_a_command_without_metrics_stops_its_sweep_after_the_first_run(command: Command, tmp_path: Path) -> None:
    typed = ("sweep", "lr=0.1,0.2,0.3", "seeds=2", "--", sys.executable, "-c", "print('{lr} {seed}')")
    said = " ".join(command("-m", "ablate.cli", *typed, status=1).stdout.split())
    assert "Stopped after a run that returned nothing usable" in said
    assert records(tmp_path) == 1


def test_a_message_that_ends_a_sentence_gets_no_second_full_stop(tmp_path: Path) -> None:
    for each in ("one", "two", "three"):
        early_stop.note(tmp_path, each, "Fix the path.")
    assert (
        early_stop.reason(tmp_path)
        == "Stopped after 3 runs failed with the same error: Fix the path. The other runs were not started."
    )


def test_a_sweep_that_stopped_tries_again_when_it_is_repeated(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["-m", "fails=true", "x=1,2,3,4,5", "study.report=false", "study.name=s"]
    for attempts in (3, 6):
        run(trivial.train, arguments, monkeypatch)
        assert (
            sum(json.loads(path.read_text())["attempts"] for path in tmp_path.glob("outputs/s/runs/*/seed=*/run.json"))
            == attempts
        )
    run(trivial.train, ["fails=true", "x=1", "study.name=s"], monkeypatch)  # a single run, after a sweep has stopped
    assert sum(json.loads(path.read_text())["attempts"] for path in tmp_path.glob("outputs/s/runs/*/seed=*/run.json")) == 7
