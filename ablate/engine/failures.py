"""What is kept of the error of a run: its message, shortened, in run.json, and its traceback in traceback.txt."""

from __future__ import annotations

import traceback
from pathlib import Path

from ablate.core.errors import AblateError
from ablate.core.text import cut, printable
from ablate.storage.files import write_atomically
from ablate.storage.records import ERROR_LENGTH, TRACEBACK

TRACEBACK_LENGTH = 1_000_000  # characters


def message_of(error: BaseException) -> str:
    """The message of an error, with its type unless the type is one of ablate's; at most about `ERROR_LENGTH` characters.

    >>> message_of(ValueError("no such layer")), message_of(MemoryError())
    ('ValueError: no such layer', 'MemoryError: out of memory')
    """
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # an error whose message fails
        text = "its message cannot be read"
    if not text and isinstance(error, MemoryError):
        text = "out of memory"
    if not isinstance(error, AblateError):
        text = f"{name}: {text}" if text else name
    return printable(cut(text, ERROR_LENGTH), lines=True)


def write_traceback(directory: Path, error: BaseException) -> None:
    """Write the traceback of an error into the folder of its run, cut to TRACEBACK_LENGTH characters.

    Raises:
        OSError: if the file cannot be written.
    """
    text = cut("".join(traceback.format_exception(error)), TRACEBACK_LENGTH)
    write_atomically(directory / TRACEBACK, printable(text, lines=True))
