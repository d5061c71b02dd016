"""What a run writes, keeps and resumes from."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ablate.core.errors import RunLockedError, UsageError
from ablate.engine.run import Run
from ablate.storage import files, locks
from ablate.storage.records import RunRecord, read_record, write_record


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


def test_files_of_the_program_stay_whatever_their_names(tmp_path: Path) -> None:
    """From its own checkpoint, a program continues after a crash; its weights and its history are results."""
    own = {"state.npz": "state", "checkpoint.pt": "weights", "history.csv": "epoch,loss"}
    for attempt in (1, 2):
        run = make(tmp_path)
        with run.attempt():
            assert attempt == 1 or {name: (tmp_path / name).read_text() for name in own} == own
            for name, text in own.items():
                (tmp_path / name).write_text(text)
            if attempt == 1:
                run.keep("arrays", a=np.ones(2))
                raise RuntimeError("it crashed")
            run.record.metrics = {"acc": 0.5}
    assert {name: (tmp_path / name).read_text() for name in own} == own
    assert not (tmp_path / "arrays.npz").exists(), "an array of the first attempt, which the second did not keep"


def test_files_of_a_run_that_an_earlier_version_made_are_its_own(tmp_path: Path) -> None:
    run = make(tmp_path)
    with run.attempt():
        run.log(epoch=1)
        run.save({"epoch": 1})
        raise RuntimeError("it crashed")
    record = read_record(tmp_path)
    assert record is not None
    assert record.written == ["history.csv", "checkpoint.pt"]
    record.written = None
    write_record(tmp_path, record)
    again = make(tmp_path)
    with again.attempt():
        assert again.restore() == {"epoch": 1}
    assert sorted(path.name for path in tmp_path.glob("[ch]*")) == ["config.yaml", "history.csv"]


def test_a_number_of_epochs_that_a_record_cannot_have_is_refused(tmp_path: Path) -> None:
    """Its record could not be read again, so that the run would be repeated."""
    run = make(tmp_path)
    with run.attempt():
        run.expect(0)
        run.expect(-1)
    record = read_record(tmp_path)
    assert record is not None
    assert (record.status, record.epochs) == ("failed", 0)
    assert record.error == "run.expect(-1): expected a number >= 0; do not call it if the number is unknown."


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
    assert again._history.rows == [{"epoch": 1, "loss": 0.1, "best": True, "note": None}]
    again.log(epoch=2, loss=0.05, best=False, note="x")
    assert (tmp_path / "history.csv").read_text() == text + "2,0.05,False,x\n"


def test_a_configuration_that_another_sweep_wrote_meanwhile_is_put_right(tmp_path: Path) -> None:
    run = make(tmp_path)
    (tmp_path / "config.yaml").write_text("x: 2\n")
    with run.attempt():
        assert (tmp_path / "config.yaml").read_text() == "x: 1\n"
        (tmp_path / "config.yaml").write_text("x: 2\n")
    assert (tmp_path / "config.yaml").read_text() == "x: 1\n"


def test_a_column_that_appears_later_is_empty_in_earlier_rows(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(epoch=1)
    run.log(epoch=2, validation_loss=0.5)
    run.log(epoch=3)
    assert (tmp_path / "history.csv").read_text() == "epoch,validation_loss\n1,\n2,0.5\n3,\n"


def test_scalars_of_numpy_and_torch_are_logged_as_numbers(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(a=np.float64(0.25), b=np.int64(3), c=np.bool_(True), d=torch.tensor(0.5, requires_grad=True), e=np.array(2), f=None)
    assert (tmp_path / "history.csv").read_text() == "a,b,c,d,e,f\n0.25,3,True,0.5,2,\n"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.zeros(2), "Tensor of shape (2,) is not a number"),
        (np.zeros((1, 1)), "ndarray of shape (1, 1) is not a number"),
        ({"a": 1}, "dict {'a': 1} is not a number"),
        ([1.0], "list [1.0] is not a number"),
        (1j, "complex 1j is not a number"),
        (10**400, "the number is beyond the range of a float"),
        ("x" * 20_000, "is not a number"),
    ],
)
def test_what_is_not_a_number_is_refused_and_not_logged_as_text(tmp_path: Path, value: object, said: str) -> None:
    run = make(tmp_path)
    with pytest.raises(UsageError) as caught:
        run.log(epoch=1, loss=value)
    assert str(caught.value).startswith("run.log: loss: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    assert not (tmp_path / "history.csv").exists()


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".", "..", ".hidden", "a\\b", "x ", "a\x1b", "字" * 80, "a:b"])
def test_arrays_are_kept_in_the_folder_of_the_run_only(tmp_path: Path, name: str) -> None:
    run = make(tmp_path / "runs" / "cell")
    run.directory.mkdir(parents=True)
    with pytest.raises(UsageError, match=r"run\.keep\(.*expected a file name without a folder"):
        run.keep(name, a=np.zeros(1))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^run\.keep\('a'\): y contains Python objects; expected numbers or texts\.$"):
        make(tmp_path).keep("a", x=np.array(["text"]), y=np.array([{}], dtype=object))


def test_a_fact_that_json_cannot_represent_is_refused_and_forgotten(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.note(device="cpu")
    with pytest.raises(UsageError, match=r"run\.note\(scale\): Unable to serialize unknown type"):
        run.note(scale=object())
    run.note(threads=1)
    record = read_record(tmp_path)
    assert record is not None
    assert record.provenance == {"device": "cpu", "threads": 1}


def test_a_run_that_was_taken_over_saves_nothing_more(tmp_path: Path) -> None:
    run = make(tmp_path)

    def overtaken() -> None:
        with run.attempt():
            assert run._lease is not None
            run._lease.lost = True
            run.save({"epoch": 1})

    with pytest.raises(RunLockedError, match="another host"):
        overtaken()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_files_are_synchronized_once_a_run_has_taken_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name.partition(f".{files.owner()}")[0])
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    run = make(tmp_path / "run")
    with run.attempt():
        run.log(epoch=1)
        run.save({"epoch": 1})
        assert synced == []
        now[0] += 1
        run.save({"epoch": 1})
        assert synced == ["history.csv", ".checkpoint.pt", "run"]
        run._syncing = 0.03  # more than 2 % of the time
        run.save({"epoch": 1})
        assert len(synced) == 3
        synced.clear()
    assert synced == ["history.csv", ".run.json", "run"]


def test_the_end_of_the_time_is_no_error_that_a_program_could_catch(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.deadline = time.time()
    passed = []
    with run.attempt():
        for epoch in (1, 2):
            try:
                run.save({"epoch": epoch})
            except Exception:
                passed.append(epoch)
    assert passed == []
    found = read_record(tmp_path)
    assert found is not None
    assert found.status == "interrupted"
