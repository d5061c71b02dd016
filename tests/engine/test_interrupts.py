"""A training function that catches an interrupt does not turn it into a result."""

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from ablate.engine.interrupts import not_swallowed
from tests.apps import trivial
from tests.engine.test_bad_overrides import run


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def best_so_far() -> dict[str, float]:
    with suppress(KeyboardInterrupt):
        interrupt()
    return {"score": 0.1}


def stopped() -> None:
    try:
        interrupt()
    except KeyboardInterrupt:
        raise RuntimeError("stopped") from None


def test_an_interrupt_that_the_body_catches_is_raised_after_it() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), not_swallowed():
        best_so_far()
    with pytest.raises(KeyboardInterrupt), not_swallowed():
        stopped()
    assert signal.getsignal(signal.SIGINT) is handler


def test_errors_and_handlers_that_do_not_raise_stay_as_they_are() -> None:
    with pytest.raises(RuntimeError, match="another"), not_swallowed():
        raise RuntimeError("another")
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        with not_swallowed():  # the job of a scheduler asks for a stop at the next checkpoint
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == [signal.SIGTERM]


def test_a_program_that_leaves_from_its_own_handler_has_not_finished(tmp_path: Path, monkeypatch) -> None:
    """It saves at SIGTERM and leaves with status 0; `sys.exit(0)` at the end of a program is no failure."""

    def leave(*_: object) -> None:
        sys.exit(0)

    def train(cfg, run):
        run.log(accuracy=0.2)
        if cfg.x == 1:
            signal.signal(signal.SIGTERM, leave)
            os.kill(os.getpid(), signal.SIGTERM)
        sys.exit(0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trivial.train.program, "function", train)
    before = signal.getsignal(signal.SIGTERM)
    assert run(trivial.train, ["-m", "x=1,2", "study.report=false", "study.name=s"], monkeypatch) == 1
    assert signal.getsignal(signal.SIGTERM) is before
    records = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("outputs/s/runs/*/*/run.json"))]
    assert {record["label"]: record["status"] for record in records} == {"x=1": "failed", "x=2": "finished"}


def test_outside_the_main_thread_nothing_is_changed() -> None:
    seen: list[object] = []

    def body() -> None:
        with not_swallowed():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


def test_a_program_that_returns_its_best_value_after_ctrl_c_is_interrupted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trivial.train.program, "function", lambda cfg, run: best_so_far())
    assert run(trivial.train, ["-m", "x=1,2", "study.report=false"], monkeypatch) == 130
    (record,) = tmp_path.glob("outputs/*/runs/*/*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"
