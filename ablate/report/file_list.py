"""What a report wrote into its folder: the next one takes away what it does not write again, and touches nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ablate.core.errors import UsageError
from ablate.storage.records import write_atomically

LIST = "files.txt"
HEAD = "# Written by ablate.report, which takes away what a later report does not write again:"
VERDICTS = "verdicts.json"


def earlier(folder: Path) -> set[str]:
    """The files that an earlier report wrote into the folder, by their paths within it.

    Raises UsageError if the folder holds files, hidden ones aside, and no report; OSError if it is no folder.
    """
    if (listed := _listed(folder / LIST)) is not None:
        return listed
    if (folder / "report.md").is_file() and (folder / "cells.csv").is_file():  # of a version that kept no list
        return {VERDICTS} if (folder / VERDICTS).is_file() else set()
    if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise UsageError(f"{folder} holds files, and none is a report: name another folder, or move them away.")
    return set()


def write_list(folder: Path, names: Iterable[str]) -> None:
    """Say which files are the report's."""
    write_atomically(folder / LIST, "\n".join([HEAD, *sorted(names)]) + "\n")


def _listed(path: Path) -> set[str] | None:
    """Nothing outside the folder, whatever the file says; None if no report wrote it."""
    try:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    names = [PurePosixPath(line) for line in lines if line]
    return {str(name) for name in names if not name.is_absolute() and ".." not in name.parts} if head == HEAD else None
