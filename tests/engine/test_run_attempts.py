"""How a run records its attempts, and resumes from its checkpoint."""

import json
import os
import pickle
import subprocess
import sys
from asyncio import CancelledError
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock

from ablate.core.errors import AblateError, Diverged, RunLockedError, UsageError
from ablate.engine.run import DoneMeanwhile, Run
from ablate.storage.history import read_history
from ablate.storage.records import RunRecord, read_record

ROOT = Path(__file__).parents[2]


def make(directory: Path) -> Run:
    record = RunRecord(identity="i" * 64, cell="c" * 8, seed=3, label="base", choices={}, overridden=[])
    return Run(directory, record, {"x": 1})


def test_a_run_that_ends_well_is_finished_with_what_it_recorded(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    with run.attempt():
        assert json.loads((run.directory / "run.json").read_text())["status"] == "running"
        run.log(epoch=1, loss=0.5)
        run.log(epoch=2, loss=0.25)
        run.keep("right", last=np.array([True, False]))
        run.note(numerics={"device": "cpu"})
        run.record.metrics = {"accuracy": 0.5}
    record = read_record(run.directory)
    assert record is not None
    assert (record.status, record.attempts, record.metrics) == ("finished", 1, {"accuracy": 0.5})
    assert record.provenance["numerics"] == {"device": "cpu"}
    assert (run.directory / "history.csv").read_text() == "epoch,loss\n1,0.5\n2,0.25\n"
    assert np.load(run.directory / "right.npz")["last"].tolist() == [True, False]
    assert (run.directory / "config.yaml").read_text() == "x: 1\n"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Diverged("not finite in epoch 2"), "diverged", "not finite in epoch 2"),
        (ValueError("no such thing"), "failed", "ValueError: no such thing"),
        (UsageError("fix the path"), "failed", "fix the path"),
        (SystemExit("no images"), "failed", "SystemExit: no images"),
        (GeneratorExit("gone"), "failed", "GeneratorExit: gone"),
        (CancelledError(), "failed", "CancelledError"),
    ],
)
def test_an_error_is_recorded_and_not_raised(tmp_path: Path, error: BaseException, status: str, said: str) -> None:
    run = make(tmp_path)
    with run.attempt():
        raise error
    record = read_record(tmp_path)
    assert record is not None
    assert (record.status, record.error) == (status, said)
    assert (tmp_path / "traceback.txt").exists() == (not isinstance(error, AblateError))


def test_ctrl_c_is_recorded_and_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), make(tmp_path).attempt():
        raise KeyboardInterrupt
    record = read_record(tmp_path)
    assert record is not None
    assert record.status == "interrupted"


def test_ctrl_c_goes_on_even_if_it_cannot_be_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk: a sweep that took it for the failure of one run would begin the next."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def interrupt() -> None:
        monkeypatch.setattr("ablate.engine.run.write_record", full)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), make(tmp_path).attempt():
        interrupt()


def test_attempts_are_counted_and_the_history_begins_anew(tmp_path: Path) -> None:
    for error in (RuntimeError("first"), None):
        run = make(tmp_path)
        with run.attempt():
            run.log(epoch=1)
            if error:
                run.keep("right", last=np.zeros(1))
                raise error
    record = read_record(tmp_path)
    assert record is not None
    assert (record.attempts, record.status) == (2, "finished")
    assert (tmp_path / "history.csv").read_text() == "epoch\n1\n"
    assert not (tmp_path / "traceback.txt").exists()
    assert not (tmp_path / "right.npz").exists()


def test_a_run_that_another_process_finished_meanwhile_is_left_alone(tmp_path: Path) -> None:
    with make(tmp_path).attempt():
        pass
    with pytest.raises(DoneMeanwhile) as caught, make(tmp_path).attempt():
        raise AssertionError("it ran again")
    assert caught.value.record.status == "finished"


def test_two_processes_do_not_share_a_run(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(RunLockedError), make(tmp_path).attempt():
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="cannot write to .*file/run: Not a directory"),
        make(tmp_path / "file" / "run").attempt(),
    ):
        pass


def test_a_checkpoint_brings_back_the_state_and_the_history_up_to_then(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(epoch=1, loss=1 / 3)
    run.save({"weights": torch.arange(3), "epoch": 1, "note": None})
    run.log(epoch=2, loss=0.2)  # died before it saved
    again = make(tmp_path)
    with again.attempt():
        state = again.restore()
        again.log(epoch=2, loss=0.2)
    assert state is not None
    assert torch.equal(state["weights"], torch.arange(3))
    assert (tmp_path / "history.csv").read_text() == f"epoch,loss\n1,{1 / 3}\n2,0.2\n"
    assert not (tmp_path / "checkpoint.pt").exists()
    record = read_record(tmp_path)
    assert record is not None
    assert record.timing["resumed"]


def test_a_checkpoint_of_other_numerics_or_code_is_not_used(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(epoch=1)
    run.save({"epoch": 1})
    for fact in ({"numerics": {"threads": 9}}, {"code": "other"}):
        other = make(tmp_path)
        other.record.provenance.update(fact)
        assert other.restore() is None
    assert make(tmp_path).restore() == {"epoch": 1}


@pytest.mark.parametrize("content", [b"", b"torn", pickle.dumps({"state": {}, "rows": 0, "made_by": ""})])
def test_a_torn_or_foreign_checkpoint_is_set_aside(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    run = make(tmp_path)
    run.log(epoch=1)
    run.save({"epoch": 1})
    (tmp_path / "checkpoint.pt").write_bytes(content)
    assert make(tmp_path).restore() is None
    assert "checkpoint.pt is " in caplog.text
    assert "the run starts from the beginning" in caplog.text


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "exploded",))

    run = make(tmp_path)
    run.log(epoch=1)
    torch.save({"state": Bomb(), "rows": 1, "made_by": ""}, tmp_path / "checkpoint.pt")
    assert run.restore() is None
    assert not (tmp_path / "exploded").exists()


def test_a_history_cut_in_the_middle_of_a_line_beside_a_whole_checkpoint_is_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = make(tmp_path)
    run.log(epoch=1, accuracy=0.91)
    run.log(epoch=2, accuracy=0.95)
    run.save({"epoch": 2})
    text = (tmp_path / "history.csv").read_text()
    for cut in (1, 2, 5):
        (tmp_path / "history.csv").write_text(text[:-cut])
        assert make(tmp_path).restore() is None
    assert "starts from the beginning: history.csv lacks rows that were logged before it" in caplog.text
    (tmp_path / "history.csv").unlink()
    assert make(tmp_path).restore() is None
    assert "starts from the beginning: history.csv is missing" in caplog.text


@pytest.mark.parametrize(
    ("error", "said"),
    [(MemoryError(), "MemoryError: out of memory"), (KeyError(), "KeyError"), (AssertionError(""), "AssertionError")],
)
def test_an_error_without_a_message_is_named(tmp_path: Path, error: Exception, said: str) -> None:
    with make(tmp_path).attempt():
        raise error
    record = read_record(tmp_path)
    assert record is not None
    assert record.error == said


def test_an_endless_message_with_escape_sequences_is_cut_and_made_harmless(tmp_path: Path) -> None:
    with make(tmp_path).attempt():
        raise ValueError("\x1b[31mred\x07\udcff" + "x" * 10_000_000)
    record = read_record(tmp_path)
    assert record is not None
    assert record.error is not None
    assert record.error.startswith("ValueError: \\x1b[31mred\\x07\\udcffxxx")
    assert len(record.error) < 2100
    assert "characters left out" in record.error
    text = (tmp_path / "traceback.txt").read_text()
    assert len(text) < 1_000_100
    assert "\x1b" not in text
    assert (tmp_path / "run.json").stat().st_size < 4000


def test_an_error_that_cannot_be_shown_is_recorded(tmp_path: Path) -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no message")

    with make(tmp_path).attempt():
        raise BrokenError
    record = read_record(tmp_path)
    assert record is not None
    assert record.error == "BrokenError: its message cannot be read"


def test_the_next_attempt_removes_what_killed_processes_left(tmp_path: Path) -> None:
    for name in (".checkpoint.pt.abcdefgh", ".history.csv.12345678", ".right.npz._1234567", ".run.json.aaaaaaaa"):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (0, 0))  # of an earlier version, whose names do not tell which process wrote them
    (tmp_path / ".config.yaml.new_file").write_bytes(b"a plan is being written")
    with make(tmp_path).attempt():
        pass
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"config.yaml", "run.json", ".lock", ".config.yaml.new_file"}


def test_a_history_of_an_earlier_attempt_does_not_stay_with_a_run_that_logs_nothing(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(epoch=1)
    run.save({"epoch": 1})
    with make(tmp_path).attempt():
        pass
    assert not (tmp_path / "history.csv").exists()


def test_a_run_on_a_full_disk_ends_with_a_message(tmp_path: Path) -> None:
    """In a process of its own, whose files may have 4 KB."""
    program = f"""
import resource, signal
from pathlib import Path
from tests.engine.test_run_attempts import make
from ablate.core.errors import UsageError
run = make(Path({str(tmp_path / "run")!r}))
with run.attempt():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    for epoch in range(2000):
        run.log(epoch=epoch, loss=0.5)
print(run.record.status, run.record.error)
run = make(Path({str(tmp_path / "other")!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 4096))
try:
    with run.attempt():
        pass
except UsageError as error:
    print(error)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert answer.stdout.splitlines() == [
        "failed OSError: [Errno 27] File too large",
        f"cannot write to {tmp_path / 'other'}: File too large.",
    ]
    record = read_record(tmp_path / "run")
    assert record is not None
    assert record.status == "failed"
    rows = read_history(tmp_path / "run" / "history.csv")
    assert [row["epoch"] for row in rows] == list(range(len(rows)))
