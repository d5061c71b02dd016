"""Read history.csv, restoring the types of the logged values."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

_WORDS: dict[str, Any] = {"": None, "True": True, "False": False}


def read_history(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a history: integers, floats, booleans and None; anything else is a string.

    Raises:
        OSError, ValueError, csv.Error: if the file cannot be read.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: _value(text) for name, text in row.items()} for row in csv.DictReader(file)]


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
