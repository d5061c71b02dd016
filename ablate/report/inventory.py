"""What an earlier report left in its folder: the list of its files, which alone a later one may remove, and its results."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from ablate.core.errors import UsageError
from ablate.storage.files import write_atomically

LIST = "files.txt"
HEAD = "# Written by ablate.report; a later report removes those of these files that it does not write again:"
EARLIER_HEADS = ("# Written by ablate.report, which takes away what a later report does not write again:",)
VERDICTS = "verdicts.json"
CONFIGURATIONS = "cells.csv"


def files_of_earlier_report(folder: Path) -> set[str]:
    """The paths of files that an earlier report wrote into the folder.

    A folder with only empty folders or hidden files counts as empty, because an interrupted report may leave these.

    Raises:
        UsageError: if the folder contains files but no report.
        OSError: if it is not a folder.
    """
    if (listed := _listed(folder / LIST)) is not None:
        return listed
    if (folder / "report.md").is_file() and (folder / CONFIGURATIONS).is_file():  # written by a version without this list
        return {VERDICTS} if (folder / VERDICTS).is_file() else set()
    if folder.exists() and any(not _free(path) for path in folder.iterdir()):
        raise UsageError(f"{folder} contains files that are not from a report: choose another folder, or move them.")
    return set()


def verdicts_of_earlier_report(folder: Path) -> list[dict[str, Any]]:
    """The rows of verdicts.json in the folder; empty if there is no such file, or it is not one of a report."""
    try:
        rows = json.loads((folder / VERDICTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    known = isinstance(rows, list) and all(isinstance(row, dict) and {"id", "verdict"} <= row.keys() for row in rows)
    return rows if known else []


def configurations_of_earlier_report(folder: Path) -> set[str]:
    """The digests in cells.csv in the folder; empty if there is no such file, or it is not one of a report."""
    try:
        with (folder / CONFIGURATIONS).open(encoding="utf-8", newline="") as file:
            return {row["cell"] for row in csv.DictReader(file) if row.get("cell")}
    except (OSError, ValueError, csv.Error):
        return set()


def write_list(folder: Path, names: Iterable[str]) -> None:
    """Write the list of files."""
    write_atomically(folder / LIST, "\n".join([HEAD, *sorted(names)]) + "\n")


def _free(path: Path) -> bool:
    return path.name.startswith(".") or (path.is_dir() and not any(path.iterdir()))


def _listed(path: Path) -> set[str] | None:
    """The paths in the list, without any outside the folder; None if the file is not such a list."""
    try:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    if head not in (HEAD, *EARLIER_HEADS):
        return None
    names = [PurePosixPath(line) for line in lines if line]
    return {str(name) for name in names if not name.is_absolute() and ".." not in name.parts}
