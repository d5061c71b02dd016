"""What a logger is told of a run: each row once, whatever happened to the run, and nothing that could end it."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.core.errors import Diverged, UsageError
from ablate.engine.loggers import logged_levels, logger_of
from ablate.engine.run import Run
from ablate.storage.records import RunRecord, read_record


class Listener:
    """Keeps what it is told."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at = fails_at
        self.told: list[object] = []

    def begin(self, directory, record, levels):  # noqa: ARG002
        self.told = [dict(levels)]

    def row(self, step, values):
        if step == self.fails_at:
            raise OSError("the logger is full")
        self.told.append((step, values))

    def end(self, record, metrics):
        self.told.append((record.status, metrics))


def make(directory: Path, listener: Listener | None) -> Run:
    record = RunRecord(
        identity="i" * 64,
        cell="c" * 8,
        seed=3,
        label="x=1",
        choices={"rule": "plus", "logger": "tensorboard"},
        overridden=["x", "sizes"],
    )
    return Run(directory, record, {"x": 1, "sizes": [1, 2], "y": 5}, logger=listener)


def interrupted(run: Run, work: Callable[[Run], None]) -> None:
    """A run that ends in Ctrl-C after its work."""

    def attempt() -> None:
        with run.attempt():
            work(run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt()


def test_a_logger_is_told_the_levels_each_row_and_the_metrics(tmp_path: Path) -> None:
    listener = Listener()
    run = make(tmp_path, listener)
    with run.attempt():
        run.log(epoch=1, loss=0.5, accuracy=None, note="warm")
        run.log(epoch=2, loss=0.25, accuracy=0.75, note="cold")
        run.record.metrics = {"accuracy": 0.75, "missing": None}
    assert listener.told == [
        {"label": "x=1", "seed": 3, "x": 1, "sizes": "[1, 2]", "rule": "plus"},
        (1, {"loss": 0.5}),
        (2, {"loss": 0.25, "accuracy": 0.75}),
        ("finished", {"accuracy": 0.75}),
    ]


def test_a_run_that_goes_on_shows_its_whole_history_once(tmp_path: Path) -> None:
    """The first attempt logs an epoch after its last checkpoint; the second is told of epochs 1 and 2 from history.csv."""

    def epochs(run: Run, first: int, last: int) -> None:
        for epoch in range(first, last + 1):
            run.log(epoch=epoch, loss=1 / epoch)
            if epoch != 3:
                run.save({"epoch": epoch})

    interrupted(make(tmp_path, Listener()), lambda run: epochs(run, 1, 3))
    listener = Listener()
    run = make(tmp_path, listener)
    with run.attempt():
        assert run.restore() == {"epoch": 2}
        epochs(run, 3, 4)
    assert listener.told[1:] == [*((epoch, {"loss": 1 / epoch}) for epoch in (1, 2, 3, 4)), ("finished", {})]


def test_a_run_killed_after_its_last_epoch_still_shows_its_history(tmp_path: Path) -> None:
    def one_epoch(run: Run) -> None:
        run.log(epoch=1, loss=0.5)
        run.save({"epoch": 1})

    interrupted(make(tmp_path, None), one_epoch)
    listener = Listener()
    run = make(tmp_path, listener)
    with run.attempt():
        assert run.restore() == {"epoch": 1}
    assert listener.told[1:] == [(1, {"loss": 0.5}), ("finished", {})]


@pytest.mark.parametrize(
    ("column", "steps"),
    [([0, 1, 2], [0, 1, 2]), ([10, 20, 30], [10, 20, 30]), ([1, 1, 2], [1, 2, 3]), ([0.5, 1.0, 1.5], [1, 2, 3])],
)
def test_steps_are_the_epochs_if_those_increase(tmp_path: Path, column: list[float], steps: list[int]) -> None:
    listener = Listener()
    run = make(tmp_path, listener)
    with run.attempt():
        for epoch in column:
            run.log(epoch=epoch, loss=0.5)
    assert [told[0] for told in listener.told[1:-1]] == steps  # type: ignore[index]


def test_how_a_run_ended_is_told(tmp_path: Path) -> None:
    listener = Listener()
    with make(tmp_path, listener).attempt():
        raise Diverged("not finite")
    assert listener.told[1:] == [("diverged", {})]


def test_a_logger_that_fails_ends_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener(fails_at=2)
    run = make(tmp_path, listener)
    with caplog.at_level(logging.WARNING), run.attempt():
        for epoch in (1, 2, 3):
            run.log(epoch=epoch, loss=0.5)
    assert caplog.messages == ["x=1 seed=3 continues without its logger: OSError: the logger is full"]
    assert listener.told[1:] == [(1, {"loss": 0.5})]
    record = read_record(tmp_path)
    assert record is not None
    assert record.status == "finished"
    assert (tmp_path / "history.csv").read_text() == "epoch,loss\n1,0.5\n2,0.5\n3,0.5\n"


def test_a_key_that_was_added_and_is_gone_is_no_level() -> None:
    record = RunRecord(identity="i", cell="c", seed=0, label="base", choices={}, overridden=["gone"])
    assert logged_levels(record, {}) == {"label": "base", "seed": 0}


def test_what_names_no_logger_is_refused() -> None:
    assert logger_of(None) is None
    for settings, said in (
        ({"_target_": "nosuch.Logger"}, "No module named 'nosuch'"),
        ({"_target_": "ablate.integrations.tensorboard.Nosuch"}, "Error loading 'ablate.integrations.tensorboard.Nosuch'"),
        ({"_target_": "ablate.integrations.tensorboard.TensorBoard", "x": 1}, "unexpected keyword argument 'x'"),
    ):
        with pytest.raises(UsageError, match=said):
            logger_of(settings)
