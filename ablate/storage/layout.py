"""Paths of a study: its folder, the folders of its runs, and the short digests in their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from ablate.core import designs
from ablate.storage import fingerprint
from ablate.storage.records import RECORD

LABEL_LENGTH = 100  # maximum length of the levels in a folder name


def study_directory(cfg: DictConfig) -> Path:
    """The folder of the study, from study.root and study.name: absolute, because a run may change the working folder."""
    return Path(str(cfg.study.root), str(cfg.study.name)).absolute()


def run_identity(cell: str, seed: int) -> str:
    """The digest of a run, from the full digest of its cell and its seed."""
    return fingerprint.digest([cell, seed])


def short_cell(digest: str) -> str:
    """The short form of a cell's digest, used in folder names, run.json and study.yaml."""
    return digest[:8]


def short_experiment(digest: str) -> str:
    """The short form of the digest of what a cell builds, used in study.yaml."""
    return digest[:16]


def run_directory(study: Path, folder: str, seed: int) -> Path:
    """The folder of a run. `folder` is the folder name of its cell, see `cell_folder`."""
    return study / "runs" / folder / f"seed={seed}"


def run_directories(study: Path) -> list[Path]:
    """The folders of all runs that have a record, sorted."""
    return sorted(path.parent for path in (study / "runs").glob(f"*/seed=*/{RECORD}"))


def known_cells(study: Path) -> dict[str, str]:
    """The folder names of the cells of a study, by the short digest at their end."""
    try:
        names = sorted(path.name for path in (study / "runs").iterdir())
    except OSError:
        return {}
    return {name.rpartition("-")[2]: name for name in reversed(names)}


def cell_folder(known: Mapping[str, str], cell: str, label: str) -> str:
    """The folder name of a cell. An existing folder is kept even if the label of the cell has changed."""
    return known.get(short_cell(cell), f"{designs.slug(label)[:LABEL_LENGTH]}-{short_cell(cell)}")
