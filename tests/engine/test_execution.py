"""How the end of a run is told."""

import json
import logging
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from ablate.engine import ranks
from ablate.engine.execution import Outcome, execute
from ablate.engine.jobs import RunContext
from ablate.engine.options import StudyOptions
from ablate.storage import files, locks


def test_an_error_says_where_its_traceback_is(tmp_path: Path) -> None:
    outcome = Outcome("x=1", 0, "failed", "ValueError: x", tmp_path)
    assert outcome.error_message == "ValueError: x"
    (tmp_path / "traceback.txt").write_text("…")
    assert outcome.error_message == f"ValueError: x (traceback: {tmp_path / 'traceback.txt'})"


def test_a_run_that_another_host_took_over_during_a_pause_is_its(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The program itself notices nothing, if it does not log."""
    folder = tmp_path / "study" / "runs" / "x=1" / "seed=0"
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)

    def train(*_: object) -> float:
        lease = json.dumps({"host": "n2", "machine": "another", "pid": 7})
        files.write_atomically(folder / locks.LEASE, lease)
        held._lease._heartbeat.join(10)
        return 0.5

    held = SimpleNamespace()
    monkeypatch.setattr(ranks, "shared", lambda cfg, run: setattr(held, "_lease", run._lease) or nullcontext())
    with caplog.at_level(logging.WARNING):
        outcome = execute(train, OmegaConf.create({"x": 1}), RunContext(str(folder), "i", "c", 0, "x=1"), StudyOptions(), {})
    assert (outcome.status, outcome.error) == ("running", "taken over by process 7 on n2")
    assert "taken over by process 7 on n2, after a pause of this process" in caplog.text
