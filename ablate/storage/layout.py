"""Where the runs of a study are on disk, and the short digests in the names of their folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from ablate.core import designs
from ablate.storage import fingerprint
from ablate.storage.records import RECORD

LABEL_LENGTH = 100  # of the levels in the name of a cell's folder


def study_directory(cfg: DictConfig) -> Path:
    """The folder of the study that `cfg` belongs to."""
    return Path(str(cfg.study.root), str(cfg.study.name))


def run_identity(cell: str, seed: int) -> str:
    """The digest of a run: of its cell (the full digest) and its seed."""
    return fingerprint.digest([cell, seed])


def short_cell(digest: str) -> str:
    """A cell's digest as used in the names of folders, in run.json and in study.yaml."""
    return digest[:8]


def short_experiment(digest: str) -> str:
    """The digest of what a cell builds, as used in study.yaml."""
    return digest[:16]


def run_directory(study: Path, folder: str, seed: int) -> Path:
    """The folder of a run. `folder` is the name of its cell's folder, see `cell_folder`."""
    return study / "runs" / folder / f"seed={seed}"


def run_directories(study: Path) -> list[Path]:
    """The folders of all runs of a study that have a record, in a fixed order."""
    return sorted(path.parent for path in (study / "runs").glob(f"*/seed=*/{RECORD}"))


def known_cells(study: Path) -> dict[str, str]:
    """The names of the cells' folders of a study, by the short digest that they end in."""
    try:
        names = sorted(path.name for path in (study / "runs").iterdir())
    except OSError:
        return {}
    return {name.rpartition("-")[2]: name for name in reversed(names)}


def cell_folder(known: Mapping[str, str], cell: str, label: str) -> str:
    """The name of a cell's folder. A cell that ran before under another label keeps its folder."""
    return known.get(short_cell(cell), f"{designs.slug(label)[:LABEL_LENGTH]}-{short_cell(cell)}")
