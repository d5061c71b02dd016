"""The source files that a run has imported, with their digests: whether a result was made by other code than there is now."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILES = "files"  # the key in `RunRecord.provenance`
SEEDING = "ablate.core.seeding"  # not imported here: it needs NumPy, and `--help` imports this module
PACKAGE = Path(__file__).resolve().parents[1]
OTHERS = {"site-packages", "dist-packages"}
MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg", ".project-root")

_loaded: dict[Path, str] = {}  # as they were when this process first saw them imported: what it executes
_looked_at: dict[Path, set[str]] = {}  # by root, names of modules: there are thousands, and each run looks at them twice


def project_root(program: Path) -> Path:
    """The folder of a program's project: the nearest with .git, pyproject.toml or the like; otherwise that of its package."""
    folder = program.resolve().parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    candidates = [folder, *folder.parents]
    return next((each for each in candidates if each != Path.home() and any((each / mark).exists() for mark in MARKS)), folder)


def imported(root: Path) -> dict[str, str]:
    """The digests of the files below `root` that this process has imported, by their paths, and that of ablate's seeding.

    Installed packages and ablate itself are left out.
    """
    root = root.resolve()
    looked_at = _looked_at.setdefault(root, set())
    for name in sys.modules.keys() - looked_at:
        path = _own(getattr(sys.modules.get(name), "__file__", None), root)
        if path is None or path in _loaded:
            looked_at.add(name)
        elif (found := _digest(path)) is not None:
            _loaded[path] = found
    below = {path.relative_to(root).as_posix(): digest for path, digest in _loaded.items() if path.is_relative_to(root)}
    return dict(sorted({**below, SEEDING: _seeding_digest()}.items()))


def _own(file: object, root: Path) -> Path | None:
    """The path of a module's file, if it belongs to the project."""
    if not isinstance(file, str) or not file.endswith(".py"):
        return None
    path = Path(file).resolve()
    return path if path.is_relative_to(root) and not path.is_relative_to(PACKAGE) and not OTHERS & {*path.parts} else None


def note_executed(files: Iterable[Path]) -> None:
    """Note files that a command executes in a process of its own, as they are now: `imported` lists them too."""
    for path in (each.resolve() for each in files):
        if (found := _digest(path)) is not None:
            _loaded[path] = found


def made_by_other_code(provenance: Mapping[str, Any], code: str | None, root: Path | None) -> bool:
    """Whether a run was made by other code than there is now.

    Args:
        provenance: that of the run's record.
        code: the current digest of the program's file, for a run that does not list the files that it imported.
        root: the folder of the project; None if the program names its code itself.
    """
    files = provenance.get(FILES)
    if root is None or not isinstance(files, dict):
        return provenance.get("code") != code
    return bool(changed(files, root))


def changed(files: Mapping[str, str], root: Path) -> list[str]:
    """The files that are not as they were: changed in more than comments, docstrings and layout, or removed."""
    now = {name: _seeding_digest() if name == SEEDING else _current(root.resolve() / name) for name in files}
    return [name for name, digest in files.items() if now[name] != digest]


def outdated(runs: Mapping[str, Mapping[str, str]]) -> set[str]:
    """The runs that were made by an older version of a file than another run.

    Args:
        runs: the files of each run, in the order in which the runs were started.
    """
    newest = {name: digest for files in runs.values() for name, digest in files.items()}
    return {run for run, files in runs.items() if any(newest[name] != digest for name, digest in files.items())}


def source_digest(text: str) -> str:
    """A digest of Python source that does not depend on comments, docstrings and layout.

    >>> source_digest("x = 1  # one") == source_digest("x=1") != source_digest("x = 2")
    True
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode(errors="replace")).hexdigest()[:16]


def _current(path: Path) -> str | None:
    return _loaded[path] if path in _loaded else _digest(path)


def _digest(path: Path) -> str | None:
    try:
        return _digest_of(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=10_000)
def _digest_of(path: Path, _changed: int) -> str:
    return source_digest(path.read_text(encoding="utf-8"))


def _seeding_digest() -> str:
    spec = importlib.util.find_spec(SEEDING)
    assert spec is not None
    return _digest(Path(str(spec.origin))) or ""
