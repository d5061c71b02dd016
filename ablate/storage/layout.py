"""Paths of a study: its folder, the folders of its runs, and the short digests in their names.

Folder names end with 16 hexadecimal digits of the digest of their cell, those of earlier versions with 8. A record has the full
digest of its run, so that cells with the same short digest are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ablate.core import designs
from ablate.core.errors import UsageError
from ablate.core.text import cut_to_bytes
from ablate.storage import fingerprint
from ablate.storage.manifest import MANIFEST
from ablate.storage.records import DONE, RECORD, read_record

ROOT = Path("outputs")  # where studies are, unless study.root says otherwise
PLAN = "plan.csv"  # the planned runs of a study
DIGITS = 16
EARLIER_DIGITS = 8  # in studies of earlier versions
LABEL_LENGTH = 100  # maximum length of the levels in a folder name, in characters
LABEL_BYTES = 160  # in bytes: file systems allow 255 for a name, which also has a digest


def study_directory(root: str, name: str | int) -> Path:
    """The folder of the study, from study.root and study.name: absolute, because a run may change the working folder."""
    return Path(root, str(name)).absolute()


def run_identity(cell: str, seed: int) -> str:
    """The digest of a run, from the full digest of its cell and its seed."""
    return fingerprint.digest([cell, seed])


def short_cell(digest: str) -> str:
    """The short form of a cell's digest, used in folder names, run.json and study.yaml."""
    return digest[:DIGITS]


def short_experiment(digest: str) -> str:
    """The short form of the digest of what a cell builds, used in study.yaml."""
    return digest[:16]


def run_directory(study: Path, folder: str, seed: int) -> Path:
    """The folder of a run. `folder` is the folder name of its cell, see `cell_folder`."""
    return study / "runs" / folder / f"seed={seed}"


def is_study(path: Path) -> bool:
    """Whether a folder holds a study: its manifest, or runs."""
    return (path / MANIFEST).is_file() or bool(run_directories(path) if path.is_dir() else ())


def find_study(name: str | Path) -> Path | None:
    """The folder of a study, from its path or its name in `outputs/`; None if it is no study."""
    return next((path for path in (Path(name), ROOT / name) if is_study(path)), None)


def studies_in(root: Path) -> Iterator[Path]:
    """The studies in a folder, sorted by name."""
    if root.is_dir():
        yield from (path for path in sorted(root.iterdir()) if path.is_dir() and is_study(path))


def run_directories(study: Path) -> list[Path]:
    """The folders of all runs that have a record, sorted."""
    return sorted(path.parent for path in (study / "runs").glob(f"*/seed=*/{RECORD}"))


def some_run_is_done(study: Path) -> bool:
    """Whether a study has results."""
    records = map(read_record, (path.parent for path in (study / "runs").glob(f"*/seed=*/{RECORD}")))
    return any(record is not None and record.status in DONE for record in records)


def known_cells(study: Path) -> dict[str, str]:
    """The folder names of the cells of a study, by the short digest at their end."""
    try:
        names = sorted(path.name for path in (study / "runs").iterdir())
    except OSError:
        return {}
    return {split_folder(name)[1]: name for name in reversed(names)}


def cell_folder(known: Mapping[str, str], short: str, name: str) -> str:
    """The folder name of a cell. An existing folder is kept even if the name of the cell has changed."""
    return known.get(short, f"{cut_to_bytes(designs.slug(name)[:LABEL_LENGTH], LABEL_BYTES)}-{short}")


def split_folder(folder: str) -> tuple[str, str]:
    """The name of a cell and its short digest, from the name of its folder.

    >>> split_folder("stem=direct,lr=1e-3-0123456789abcdef")
    ('stem=direct,lr=1e-3', '0123456789abcdef')
    """
    name, _, short = folder.rpartition("-")
    return name, short


def known_digest(study: Path, known: Mapping[str, str], digest: str, label: str) -> str | None:
    """The short digest under which a study has runs of a cell; None if it has no runs of it.

    Args:
        study: the folder of the study.
        known: see `known_cells`.
        digest: the full digest of the cell.
        label: its levels as text.

    Raises:
        UsageError: if the folder with this digest belongs to another cell.
    """
    for short in (short_cell(digest), digest[:EARLIER_DIGITS]):
        if short not in known:
            continue
        if not (other := _other_cell(study / "runs" / known[short], digest, label)):
            return short
        if len(short) == DIGITS:
            raise UsageError(
                f"{study / 'runs' / known[short]} belongs to another configuration, {other}, whose digest begins with the same "
                f"{DIGITS} digits as that of {label}: choose another study.name for one of them."
            )
    return None


def _other_cell(folder: Path, digest: str, label: str) -> str | None:
    """The label of the cell that a folder belongs to, if it is another one according to its records."""
    records = list(filter(None, (read_record(path.parent) for path in sorted(folder.glob(f"seed=*/{RECORD}")))))
    if any(record.identity == run_identity(digest, record.seed) for record in records):
        return None
    return next((record.label for record in records if record.label != label), None)
