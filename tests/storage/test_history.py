"""history.csv keeps the types of what was logged, and a checkpoint continues with exactly the rows before it."""

import errno
import time
from pathlib import Path
from typing import Any

import pytest

from ablate.storage.history import History, complete_lines, read_history

ROWS: list[dict[str, Any]] = [{"epoch": epoch, "loss": 1 / epoch, "note": 'a, "b"\nc'} for epoch in (1, 2, 3)]


def written(path: Path, rows: list[dict[str, Any]] = ROWS) -> History:
    history = History(path)
    for row in rows:
        history.append(row)
    return history


def test_values_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("i,f,e,nan,b,none,text,odd,big\n3,0.25,1e-05,nan,True,,warm,1_000,1.0000000000000002\n")
    (row,) = read_history(path)
    assert repr(row) == (
        "{'i': 3, 'f': 0.25, 'e': 1e-05, 'nan': nan, 'b': True, 'none': None, 'text': 'warm', 'odd': '1_000', "
        "'big': 1.0000000000000002}"
    )


def test_a_row_is_appended_and_the_file_is_the_same_as_if_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    history = written(path, ROWS[:1])
    before = path.stat().st_ino
    for row in ROWS[1:]:
        history.append(row)
    assert path.stat().st_ino == before  # not replaced
    assert read_history(path) == ROWS
    assert history.mark()["rows"] == 3


def test_appending_does_not_take_longer_with_more_rows(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    started = time.perf_counter()
    for epoch in range(4000):
        history.append({"epoch": epoch, "loss": 0.5})
    assert time.perf_counter() - started < 5  # rewriting took 12 to 60 s
    assert len(read_history(history.path)) == 4000


def test_an_incomplete_last_line_is_not_a_row(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,accuracy\n1,0.91\n2,0.9")  # of 0.95
    assert read_history(path) == [{"epoch": 1, "accuracy": 0.91}]
    path.write_text("epoch,acc")
    assert read_history(path) == []
    assert complete_lines(path) == ""


def test_a_history_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    mark = written(path, ROWS[:2]).mark()
    text = path.read_text()
    written(path)
    again = History(path)
    again.restore(mark)
    assert (path.read_text(), again.rows, again.mark()) == (text, ROWS[:2], mark)


def test_columns_that_appeared_after_the_checkpoint_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    history = written(path, ROWS[:2])
    mark, text = history.mark(), path.read_text()
    history.append({**ROWS[2], "late": 1})
    again = History(path)
    again.restore(mark)
    assert path.read_text() == text


def test_a_text_of_several_lines_that_was_cut_after_the_checkpoint_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    history = written(path, ROWS[:2])
    mark, text = history.mark(), path.read_text()
    history.append(ROWS[2])
    path.write_bytes(path.read_bytes()[:-3])
    History(path).restore(mark)
    assert path.read_text() == text


def test_a_history_that_lost_or_changed_rows_does_not_continue(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    mark = written(path).mark()
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="lacks rows|unexpected end of data"):
            History(path).restore(mark)
        assert path.read_bytes() == whole[:cut]
    path.write_bytes(whole.replace(b"0.5", b"0.6"))
    with pytest.raises(ValueError, match="history.csv differs from the rows that were logged before it"):
        History(path).restore(mark)


def test_a_checkpoint_of_an_earlier_version_counts_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss\n1,0.5\n2,0.25\n3,0.1")
    history = History(path)
    history.restore({"rows": 2})
    assert path.read_text() == "epoch,loss\n1,0.5\n2,0.25\n"
    with pytest.raises(ValueError, match="lacks rows"):
        History(path).restore({"rows": 3})


def test_a_checkpoint_before_the_first_row_removes_the_history(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    mark = History(path).mark()
    written(path)
    History(path).restore(mark)
    assert not path.exists()
    History(path).restore(mark)


def test_a_write_that_failed_or_a_foreign_change_is_repaired_by_the_next_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.csv"
    history = written(path, ROWS[:1])
    real = Path.open

    def full(self: Path, mode: str = "r", **options: Any) -> Any:
        if mode == "ab":
            with real(self, "ab") as file:
                file.write(b"2,0.")
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, mode, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(OSError, match="No space left"):
            history.append(ROWS[1])
    history.append(ROWS[2])
    assert read_history(path) == ROWS
    path.unlink()
    history.append({**ROWS[0], "epoch": 4})
    assert [row["epoch"] for row in read_history(path)] == [1, 2, 3, 4]
