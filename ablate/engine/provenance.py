"""Provenance of a run: a digest of its code, the commit, and the versions of packages."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import ablate
from ablate.core import seeding
from ablate.core.errors import UsageError
from ablate.storage import fingerprint
from ablate.storage.code_files import mark_edited, saved_after

KNOWN = {  # modules whose versions affect results, and their distributions; not those that ablate itself imports
    **{name: name for name in ("torch", "torchvision", "torchaudio", "lightning", "transformers", "datasets", "accelerate",
                               "timm", "torchmetrics", "jax", "flax", "tensorflow", "keras", "xgboost", "lightgbm", "catboost",
                               "gymnasium", "diffusers", "peft", "tokenizers")},
    "sklearn": "scikit-learn", "pytorch_lightning": "pytorch-lightning", "stable_baselines3": "stable-baselines3",
    "torch_geometric": "torch-geometric",
}  # fmt: skip


def of(source: Path, code: Sequence[str], packages: Sequence[str]) -> dict[str, Any]:
    """The facts about a program for run.json.

    Args:
        source: the file of the program.
        code: further packages and modules whose source affects the results.
        packages: distributions whose versions are recorded.
    """
    return {
        "code": code_digest(source, tuple(code)),
        "commit": commit(source),
        "packages": {"ablate": ablate.__version__, **{name: _version(name) for name in ("hydra-core", "numpy", *packages)}},
        "python": sys.version.split()[0],
    }


@functools.cache
def code_digest(source: Path, packages: tuple[str, ...]) -> str:
    """The digest of all source that affects the results: the program's file, these packages and modules, and ablate's seeding.

    If one of them was saved since this process started, the digest equals no other: an older version may be executed.

    Raises:
        UsageError: if a module does not exist.
    """
    files = {source.name: source}
    for package in (seeding.__name__, *packages):
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:  # of its parent
            spec = None
        if spec is None or spec.origin is None:
            raise UsageError(f"Experiment.code: no module {package} with a source file.")
        files[package] = Path(spec.origin)
        for folder in spec.submodule_search_locations or []:
            files |= {f"{package}/{path.relative_to(folder).as_posix()}": path for path in Path(folder).rglob("*.py")}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    edited = next((path for path in files.values() if saved_after(path)), None)
    return fingerprint.digest([texts, mark_edited(edited)] if edited else texts)


@functools.cache
def commit(source: Path) -> str | None:
    """The commit of the repository that tracks `source`, with a + for uncommitted changes; None if there is none."""
    git = functools.partial(subprocess.run, capture_output=True, text=True, check=True, timeout=10, cwd=source.parent)
    try:
        git(["git", "ls-files", "--error-unmatch", source.name])
        return git(["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def loaded_packages() -> dict[str, str]:
    """The versions of well-known packages that this process has imported, for programs that name none."""
    found = {name: _version(name) for module, name in KNOWN.items() if module in sys.modules}
    return {name: version for name, version in found.items() if version is not None}


@functools.cache  # read from disk, and asked for by each run
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
