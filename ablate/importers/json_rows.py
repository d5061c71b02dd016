"""Read the rows of a JSON file of another program: an object on each line (JSON lines), or an array of objects.

table = read_json(Path("results.jsonl"))  # {"config": {"lr": 0.1}, "acc": 0.9} has the columns config.lr and acc
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.core.errors import UsageError
from ablate.importers.table import Table

SUFFIXES = (".json", ".jsonl", ".ndjson")
EXPECTED = (
    'expected an object on each line, such as {"method": "ours", "seed": 0, "accuracy": 0.9}, or an array of such objects; '
    'pandas writes them with orient="records"'
)


def read_json(path: Path) -> Table:
    """Read a JSON file as texts, as in a CSV file of it: empty where a row has no value.

    Objects in a row become columns such as `config.lr`. Arrays stay together, as JSON.

    Raises:
        UsageError: if the file cannot be read, has no rows, or a line is not an object; the message names the line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as a JSON file ({error}).") from None
    rows = list(_rows(path, text))
    if not rows:
        raise UsageError(f"{path} has no rows; {EXPECTED}.")
    columns = dict.fromkeys(name for _, row in rows for name in row)
    frame = pd.DataFrame({name: pd.Series([row.get(name, "") for _, row in rows], dtype=object) for name in columns})
    return Table(str(path), frame, [place for place, _ in rows], notes=("JSON",))


def _rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with its place."""
    try:
        content = _loaded(text)
    except RecursionError:
        raise UsageError(f"{path} has arrays or objects that are nested too deeply to be read; {EXPECTED}.") from None
    except ValueError as error:  # also of integers with thousands of digits
        if text.lstrip().startswith("["):
            raise UsageError(f"{path} is not JSON: {error}. If the file was cut off, write it again.") from None
        yield from _lines(path, text)
        return
    if isinstance(content, Mapping) and "\n" not in text.strip() and path.suffix.lower() != ".json":
        raise UsageError(f"{path} has one run; a comparison needs two or more.")
    if not isinstance(content, list):
        raise UsageError(f"{path} is one {'object' if isinstance(content, Mapping) else 'value'}, not rows; {EXPECTED}.")
    yield from ((place := f"{path.name}, row {number}", _row(place, row)) for number, row in enumerate(content, 1))


def _lines(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: a text in a row may contain other separators
        if line.strip():
            place = f"{path.name}, line {number}"
            try:
                yield place, _row(place, _loaded(line))
            except ValueError as error:
                raise UsageError(
                    f"{place} is not JSON ({error}); {EXPECTED}. If the program was stopped while it wrote the line, delete it."
                ) from None


def _row(place: str, content: object) -> dict[str, str]:
    """The fields of a row as texts, with those of nested objects under `outer.inner`."""
    if not isinstance(content, Mapping):
        raise UsageError(f"{place} is not an object; {EXPECTED}.")
    found: dict[str, str] = {}
    for key, value in content.items():
        name = key.strip() or "(without a name)"
        inside = _row(place, value).items() if isinstance(value, Mapping) else None
        for whole, text in [(name, _text(value))] if inside is None else [(f"{name}.{inner}", text) for inner, text in inside]:
            if whole in found:
                raise UsageError(f"{place} has {whole} twice; rename one.")
            found[whole] = text
    return found


def _loaded(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; a name that stands twice is an error, where Python would take the last value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if sum(other == name for other, _ in pairs) > 1)
        raise ValueError(f"the name {twice!r} appears twice in an object")
    return found


def _text(value: object) -> str:
    """As in a CSV file: `true`, `0.1`, `[64, 128]`, and empty for null."""
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode(errors="replace").decode()  # half of a character cannot be written to any file
