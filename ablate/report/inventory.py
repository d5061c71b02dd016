"""The list of the files that belong to a report: a later report replaces or removes these, and touches no others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ablate.core.errors import UsageError
from ablate.storage.records import write_atomically

LIST = "files.txt"
HEAD = "# Written by ablate.report; a later report removes those of these files that it does not write again:"
EARLIER_HEADS = ("# Written by ablate.report, which takes away what a later report does not write again:",)
VERDICTS = "verdicts.json"


def files_of_earlier_report(folder: Path) -> set[str]:
    """The files that an earlier report wrote into the folder, by their paths within it.

    A folder that holds empty folders alone, or hidden files, is free: a report that was killed early leaves that.

    Raises:
        UsageError: if the folder holds files, and no report.
        OSError: if it is no folder.
    """
    if (listed := _listed(folder / LIST)) is not None:
        return listed
    if (folder / "report.md").is_file() and (folder / "cells.csv").is_file():  # of a version that kept no list
        return {VERDICTS} if (folder / VERDICTS).is_file() else set()
    if folder.exists() and any(not _free(path) for path in folder.iterdir()):
        raise UsageError(f"{folder} holds files that no report wrote: choose another folder, or move them away.")
    return set()


def write_list(folder: Path, names: Iterable[str]) -> None:
    """Record which files belong to the report."""
    write_atomically(folder / LIST, "\n".join([HEAD, *sorted(names)]) + "\n")


def _free(path: Path) -> bool:
    return path.name.startswith(".") or (path.is_dir() and not any(path.iterdir()))


def _listed(path: Path) -> set[str] | None:
    """The names in the list, those alone that stay within the folder; None if no report wrote it."""
    try:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    if head not in (HEAD, *EARLIER_HEADS):
        return None
    names = [PurePosixPath(line) for line in lines if line]
    return {str(name) for name in names if not name.is_absolute() and ".." not in name.parts}
