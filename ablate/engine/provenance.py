"""What made a run: its code, the commit, the versions of packages."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ablate.core import seeding
from ablate.storage import fingerprint


def of(source: Path, code: Sequence[str], packages: Sequence[str]) -> dict[str, Any]:
    """The facts that run.json holds of an application: its file, the code that it names, the distributions that it names."""
    return {
        "code": code_digest(source, tuple(code)),
        "commit": commit(source),
        "packages": {name: _version(name) for name in ("ablate", "hydra-core", "numpy", *packages)},
        "python": sys.version.split()[0],
    }


@functools.cache
def code_digest(source: Path, packages: tuple[str, ...]) -> str:
    """The digest of the source that decides the numbers: the application's file, the named packages and modules, the streams.

    Raises ModuleNotFoundError for a name that is not there.
    """
    files = {source.name: source}
    for package in (seeding.__name__, *packages):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"{package}, named as code of the application, is no module with a source")
        files[package] = Path(spec.origin)
        for folder in spec.submodule_search_locations or []:
            files |= {f"{package}/{path.relative_to(folder).as_posix()}": path for path in Path(folder).rglob("*.py")}
    return fingerprint.digest({name: path.read_text(encoding="utf-8") for name, path in files.items()})


@functools.cache
def commit(source: Path) -> str | None:
    """The commit of the checkout that tracks `source`, with a + if files differ from it; None where none does."""
    git = functools.partial(subprocess.run, capture_output=True, text=True, check=True, timeout=10, cwd=source.parent)
    try:
        git(["git", "ls-files", "--error-unmatch", source.name])
        return git(["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
