"""The folder of a run as one archive, for machines without a shared folder."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ablate.engine.jobs import RunContext
from ablate.storage.files import remove_abandoned, temporary_prefix
from ablate.storage.locks import DEATHS, LEASE, LOCK
from ablate.storage.records import CHECKPOINT, RECORD, remove_checkpoint

OF_THIS_MACHINE = (LOCK, LEASE, DEATHS)


def pack(directory: Path) -> bytes:
    """The files of a run in one archive, without its locks."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.name.startswith((LOCK, LEASE)) and path.name not in OF_THIS_MACHINE:
                archive.add(path, path.relative_to(directory).as_posix())
    return content.getvalue()


def unpack(content: bytes, directory: Path) -> None:
    """Replace the files of a run by those of an archive: run.json, which says what the others are, comes last.

    The archive is unpacked beside the folder first, so that a full disk or a crash leaves the run as it was.
    """
    directory.mkdir(parents=True, exist_ok=True)
    remove_abandoned(directory.parent)
    temporary = Path(tempfile.mkdtemp(dir=directory.parent, prefix=temporary_prefix(directory.name)))
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # without it in Python before 3.11.4
            archive.extractall(temporary)
        files = [path for path in temporary.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: path.name == RECORD):
            target = directory / path.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        if not any(path.name == CHECKPOINT for path in files):
            remove_checkpoint(directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def elsewhere(overrides: Sequence[str], sent: bytes) -> Iterator[tuple[list[str], Path]]:
    """A temporary folder with the files of a run, and the overrides of its job with this folder in place of the original."""
    context = RunContext.from_overrides(list(overrides))
    with tempfile.TemporaryDirectory(prefix=temporary_prefix("ablate-job")) as root:
        directory = Path(root, *Path(context.directory).parts[-4:])  # study/runs/cell/seed
        unpack(sent, directory)
        yield [*overrides[:-1], replace(context, directory=str(directory)).as_override()], directory
