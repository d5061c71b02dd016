"""What a run writes, keeps and resumes from."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ablate.core.errors import RunLockedError, UsageError
from ablate.engine.run import Run
from ablate.storage import locks
from ablate.storage.records import RunRecord, read_record


def make(directory: Path) -> Run:
    record = RunRecord(identity="i" * 64, cell="c" * 8, seed=3, label="base", choices={}, overridden=[])
    return Run(directory, record, {"x": 1})


def test_a_run_whose_time_is_up_stops_at_its_checkpoint_and_goes_on_later(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.deadline = time.time()
    run.checkpoint_seconds = 1e9
    with run.attempt():
        for epoch in (1, 2):
            run.log(epoch=epoch)
            run.save({"epoch": epoch})
    record = read_record(tmp_path)
    assert record is not None
    assert (record.status, record.error) == ("interrupted", "study.max_hours ran out")
    again = make(tmp_path)
    with again.attempt():
        assert again.restore() == {"epoch": 1}
    assert (tmp_path / "history.csv").read_text() == "epoch\n1\n"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"w": np.ones(2)}, "state['w'] has the type ndarray"), ({"a": [1, {"b": np.float64(1)}]}, "state['a'][1]['b'] has the"),
        ({"f": Path("x")}, "state['f'] has the type PosixPath"),
    ],
)  # fmt: skip
def test_a_state_that_could_not_be_read_again_is_refused_when_it_is_saved(state: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        make(tmp_path).save(state)
    assert said in str(caught.value)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_what_optimizers_and_schedules_hold_can_be_saved(tmp_path: Path) -> None:
    network = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    schedules = [
        torch.optim.lr_scheduler.OneCycleLR(torch.optim.SGD(network.parameters(), lr=0.1), 1.0, total_steps=9),
        torch.optim.lr_scheduler.MultiStepLR(torch.optim.SGD(network.parameters(), lr=0.1), [1, 2]),
    ]
    state = {
        "n": network.state_dict(),
        "o": optimizer.state_dict(),
        "s": [each.state_dict() for each in schedules],
        "x": (1, None),
    }
    run = make(tmp_path)
    run.log(epoch=1)
    run.save({**state, "dtype": torch.float32})
    again = make(tmp_path).restore()
    assert again is not None
    assert torch.equal(again["n"]["weight"], network.weight)
    assert again["dtype"] == torch.float32


def test_checkpoints_keep_their_distance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    run = make(tmp_path)
    run.checkpoint_seconds = 60
    kept = []
    for epoch, minutes in enumerate((0, 0.5, 1.1, 1.2), start=1):
        now[0] = 1000 + 60 * minutes
        run.log(epoch=epoch)
        run.save({"epoch": epoch})
        kept.append(make(tmp_path).restore())
    assert kept == [{"epoch": 1}, {"epoch": 1}, {"epoch": 3}, {"epoch": 3}]


def test_a_run_that_another_host_took_over_stops_and_writes_nothing_more(tmp_path: Path) -> None:
    run = make(tmp_path)

    def overtaken() -> None:
        with run.attempt():
            assert run._lease is not None
            run._lease.lost = True
            (tmp_path / "run.json").write_text("theirs")
            run.log(epoch=1)

    with pytest.raises(RunLockedError, match="another host"):
        overtaken()
    assert (tmp_path / "run.json").read_text() == "theirs"
    assert not (tmp_path / "history.csv").exists()


def test_what_other_code_made_is_made_again_if_that_is_asked_for(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.record.provenance["code"] = "old"
    with run.attempt():
        pass
    for same_code, done in ((False, True), (True, False)):
        again = make(tmp_path)
        again.record.provenance["code"] = "new"
        again.same_code = same_code
        assert (again.done_before() is not None) == done


def test_a_run_that_gets_on_is_not_given_up_for_what_it_died_of_before(tmp_path: Path) -> None:
    run = make(tmp_path)
    (tmp_path / locks.DEATHS).write_text("died\n")
    run.log(epoch=1)
    assert locks.deaths(tmp_path) == 1
    run.save({"epoch": 1})
    assert locks.deaths(tmp_path) == 0


def test_a_resumed_run_keeps_the_types_of_its_history(tmp_path: Path) -> None:
    """As the rows that are logged after it: a logger and a program compare them with numbers."""
    run = make(tmp_path)
    run.log(epoch=1, loss=0.1, best=True, note=None)
    run.save({"epoch": 1})
    text = (tmp_path / "history.csv").read_text()
    again = make(tmp_path)
    assert again.restore() == {"epoch": 1}
    assert again._rows == [{"epoch": 1, "loss": 0.1, "best": True, "note": None}]
    again.log(epoch=2, loss=0.05, best=False, note="x")
    assert (tmp_path / "history.csv").read_text() == text + "2,0.05,False,x\n"


def test_a_configuration_that_another_sweep_wrote_meanwhile_is_put_right(tmp_path: Path) -> None:
    run = make(tmp_path)
    (tmp_path / "config.yaml").write_text("x: 2\n")
    with run.attempt():
        assert (tmp_path / "config.yaml").read_text() == "x: 1\n"
        (tmp_path / "config.yaml").write_text("x: 2\n")
    assert (tmp_path / "config.yaml").read_text() == "x: 1\n"


def test_a_row_of_other_columns_is_refused(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(epoch=1)
    with pytest.raises(ValueError, match=r"run.log: history.csv has the columns \['epoch'\]; this row has \['loss'\]."):
        run.log(loss=1)
