"""history.csv: append the logged rows of a run, read them with their types, and cut them back to those before a checkpoint.

A row is appended at the end of the file. A crash or a full disk can leave an incomplete last line, which all readers ignore. A
checkpoint contains the number, the columns and a digest of the rows before it (`History.mark`). A resumed run therefore
continues with exactly these rows, or starts from the beginning.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.core.errors import UsageError
from ablate.core.text import printable
from ablate.core.values import plain_number
from ablate.storage.files import sync, write_atomically

TEXT_LENGTH = 10_000  # characters of a text
_WORDS: dict[str, Any] = {"": None, "True": True, "False": False}


def history_value(name: str, value: Any) -> int | float | bool | str | None:
    """A value for history.csv. Raises a UsageError, which names it, if it is no number and no text."""
    if isinstance(value, str) and len(value) <= TEXT_LENGTH:
        return printable(value)
    try:
        return plain_number(value)
    except ValueError as error:
        raise UsageError(
            f"run.log: {printable(name)}: {error}; expected a number, a tensor without dimensions, a text of at most "
            f"{TEXT_LENGTH:,} characters, or None. Save arrays with run.keep."
        ) from None


class History:
    """The rows of a run in progress, in memory and in the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self._digest = hashlib.sha256()  # of the content that the file should have
        self._size = 0  # bytes

    def append(self, row: Mapping[str, Any]) -> None:
        """Append a row; a column that it lacks is empty. For new columns, the file is rewritten with a longer header.

        The file is also rewritten if it does not have the expected size, for example after a write that failed.
        """
        new = [name for name in row if name not in self.columns]
        first = not self.rows
        self.columns += new
        for earlier in self.rows if new else ():
            earlier.update(dict.fromkeys(new))
        self.rows.append({name: row.get(name) for name in self.columns})
        if first or new:
            self._rewrite()
            return
        line = _render(self.columns, self.rows[-1:]).encode()
        whole = _size(self.path) == self._size
        self._digest.update(line)
        self._size += len(line)
        if not whole:
            self._rewrite()
            return
        with self.path.open("ab") as file:
            file.write(line)

    def mark(self) -> dict[str, Any]:
        """What a checkpoint has to contain for `restore`."""
        return {"rows": len(self.rows), "columns": list(self.columns), "digest": self._digest.hexdigest()}

    def restore(self, mark: Mapping[str, Any]) -> None:
        """Read the rows before a checkpoint, and remove later ones from the file.

        Args:
            mark: the result of `mark`; in checkpoints of earlier versions, it has only the number of rows.

        Raises:
            OSError, ValueError, KeyError, TypeError: if the file cannot be read, or lacks some of these rows. Nothing is
                changed then.
        """
        rows = read_history(self.path, mark["rows"]) if mark["rows"] else []
        columns = list(mark["columns"]) if "columns" in mark else list(rows[0] if rows else ())
        rows = [{name: row.get(name) for name in columns} for row in rows]
        if len(rows) < mark["rows"]:
            raise ValueError(f"{self.path.name} lacks rows that were logged before it")
        text = _with_header(columns, rows)
        if "digest" in mark and hashlib.sha256(text.encode()).hexdigest() != mark["digest"]:
            raise ValueError(f"{self.path.name} differs from the rows that were logged before it")
        self.columns, self.rows = columns, rows
        self._rewrite()

    def sync(self) -> None:
        """Wait until the file is on disk, see `ablate.storage.records`."""
        if self.rows:
            sync(self.path)

    def _rewrite(self) -> None:
        data = _with_header(self.columns, self.rows).encode()
        self._digest, self._size = hashlib.sha256(data), len(data)
        if self.rows:
            write_atomically(self.path, data)
        else:
            self.path.unlink(missing_ok=True)


def read_history(path: Path, count: int | None = None) -> list[dict[str, Any]]:
    """Read the complete rows of a history, or the first `count`. Values are integers, floats, booleans, None or strings.

    Raises:
        OSError, ValueError: if the file cannot be read.
    """
    rows = csv.DictReader(io.StringIO(complete_lines(path), newline=""), strict=True)
    try:
        return [{name: _value(text) for name, text in row.items()} for row in itertools.islice(rows, count)]
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None


def complete_lines(path: Path) -> str:
    """The text of a history without an incomplete last line.

    Raises:
        OSError, ValueError: if the file cannot be read.
    """
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1].decode("utf-8")


def _with_header(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    return _render(columns, [dict(zip(columns, columns, strict=True)), *rows]) if columns else ""


def _render(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, fieldnames=columns, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _value(text: str | None) -> Any:
    """Parse a value, but only if writing it again would give the same text."""
    if text is None or text in _WORDS:
        return _WORDS[text or ""]
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text:
            return value
    return text
