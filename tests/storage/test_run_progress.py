"""How far a run has come, by its files."""

from pathlib import Path

from ablate.storage.records import CONFIG, HISTORY, RunRecord, write_record
from ablate.storage.run_progress import RunProgress


def test_a_run_is_as_far_as_its_history_and_its_record_say(tmp_path: Path) -> None:
    assert RunProgress.read(tmp_path) == RunProgress(None, [])
    (tmp_path / CONFIG).write_text("{}\n")
    write_record(tmp_path, RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[], epochs=4))
    (tmp_path / HISTORY).write_text(
        "epoch,train_loss,test_accuracy\n1,0.5,0.25\n2,0.4,0.5\n3,0."
    )  # the last row is being written
    found = RunProgress.read(tmp_path)
    assert (len(found.rows), found.epochs, found.share, found.metric) == (2, 4, 0.5, "test_accuracy")


def test_without_a_readable_history_or_a_number_of_epochs_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / HISTORY).write_bytes(b"epoch\n\xff\n")
    found = RunProgress.read(tmp_path)
    assert (found.rows, found.share, found.metric) == ([], 0.0, "")
    (tmp_path / HISTORY).write_text("epoch\n1\n")
    assert RunProgress.read(tmp_path).share == 0.0


def test_a_history_that_the_program_wrote_itself_is_no_progress(tmp_path: Path) -> None:
    record = RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[], epochs=4, written=[])
    (tmp_path / CONFIG).write_text("{}\n")
    write_record(tmp_path, record)
    (tmp_path / HISTORY).write_text("epoch\n1\n2\n")
    assert RunProgress.read(tmp_path).rows == []
    write_record(tmp_path, record.model_copy(update={"written": [HISTORY]}))
    assert RunProgress.read(tmp_path).share == 0.5
