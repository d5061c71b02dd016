"""A run that has to stop saves a checkpoint, whatever study.checkpoint.minutes says, and records why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.engine import stopping
from ablate.engine.execution import differences
from ablate.engine.run import Run
from ablate.storage.records import CHECKPOINT, RunRecord, read_record


@pytest.fixture(autouse=True)
def _no_requests() -> Iterator[None]:
    stopping.reset()
    yield
    stopping.reset()


def make_run(tmp_path: Path) -> Run:
    record = RunRecord(identity="i", cell="c", seed=0, label="x=1", choices={}, overridden=[])
    return Run(tmp_path / "study/runs/x=1-c/seed=0", record, {"x": 1}, checkpoint_seconds=1000.0)


def test_a_request_is_honored_at_the_next_checkpoint(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    steps = []
    with run.attempt():
        for step in range(5):
            if step == 2:
                stopping.request("the scheduler needs its machine")
            run.save({"step": step})
            steps.append(step)
    assert steps == [0, 1]
    record = read_record(run.directory)
    assert record is not None
    assert (record.status, record.error) == ("interrupted", "the scheduler needs its machine")
    assert (run.directory / CHECKPOINT).exists()
    assert stopping.has_saved()
    with run.attempt():
        assert run.restore() == {"step": 2}


def test_what_differs_from_the_machine_that_planned() -> None:
    planned = {"code": "a", "python": "3.11.7", "packages": {"numpy": "2.0", "torch": "2.6"}}
    assert differences(planned, {**planned, "commit": "c"}) == {}
    here = {"code": "b", "python": "3.11.7", "packages": {"numpy": "2.0", "torch": "2.7"}}
    assert differences(planned, here) == {"differs": {"code": ["a", "b"], "packages.torch": ["2.6", "2.7"]}}
    assert differences({}, here) == {}
