"""Where the runs of a study lie, and the digests by which they are known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from ablate.core import designs
from ablate.storage import fingerprint


def study_directory(cfg: DictConfig) -> Path:
    """The folder of the study that `cfg` belongs to."""
    return Path(str(cfg.study.root), str(cfg.study.name))


def run_identity(cell: str, seed: int) -> str:
    """The digest of what a run means: its cell (see `Application.cell`) and its seed."""
    return fingerprint.digest([cell, seed])


def short_cell(digest: str) -> str:
    """A cell's digest, as it stands in the names of folders, in run.json and in study.yaml."""
    return digest[:8]


def short_experiment(digest: str) -> str:
    """An experiment's digest, as it stands in study.yaml."""
    return digest[:16]


def run_directory(study: Path, folder: str, seed: int) -> Path:
    """The folder of a run. `folder` is that of its cell: see `cell_folder`."""
    return study / "runs" / folder / f"seed={seed}"


def known_cells(study: Path) -> dict[str, str]:
    """The folders of the cells of a study, by the first eight digits of their digest."""
    try:
        names = sorted(path.name for path in (study / "runs").iterdir())
    except OSError:
        return {}
    return {name.rpartition("-")[2]: name for name in reversed(names)}


def cell_folder(known: Mapping[str, str], cell: str, label: str) -> str:
    """The name of a cell's folder. A cell that was run before under another label keeps its folder."""
    return known.get(short_cell(cell), f"{designs.slug(label)[:100]}-{short_cell(cell)}")
