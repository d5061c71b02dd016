"""The source files that a run has imported, with their digests: whether a result was made by other code than there is now.

Python does not keep the source that it has imported, so the files are read a little later, when a run begins and ends. A file
that was saved in between may not be what this process executes. It gets a mark in place of its digest (`EDITED`), which
equals nothing: such a run counts as made by other code.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ablate.storage.files import started_at

log = logging.getLogger("ablate")
FILES = "files"  # the key in `RunRecord.provenance`
SEEDING = "ablate.core.seeding"  # not imported here: it needs NumPy, and `--help` imports this module
PACKAGE = Path(__file__).resolve().parents[1]
OTHERS = {"site-packages", "dist-packages"}
EDITED = "edited"  # with a number of its own: in place of the digest of a file that was saved after it may have been imported
START_SECONDS = 0.02  # after it starts, Python imports its own modules for longer than this
MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg", ".project-root")

_IMPORTED = time.time()
_loaded: dict[Path, str] = {}  # as they were when this process first saw them imported: what it executes
_looked_at: dict[Path, set[str]] = {}  # by root, names of modules: there are thousands, and each run looks at them twice
_looked: dict[Path, float] = {}  # by root, when: what is new since was imported later


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
    root, now = root.resolve(), time.time()
    looked_at, since = _looked_at.setdefault(root, set()), _looked.get(root, _started())
    for name in sys.modules.keys() - looked_at:
        path = _own(getattr(sys.modules.get(name), "__file__", None), root)
        if path is None or path in _loaded:
            looked_at.add(name)
        elif (found := _digest(path)) is not None:
            _loaded[path] = mark_edited(path) if saved_after(path, since) else found
    _looked[root] = now
    below = {path.relative_to(root).as_posix(): digest for path, digest in _loaded.items() if path.is_relative_to(root)}
    return dict(sorted({**below, SEEDING: _seeding_digest()}.items()))


def saved_after(path: Path, seconds: float | None = None) -> bool:
    """Whether a file was saved after a time, in seconds since 1970, by default that at which this process started."""
    try:
        found = path.stat()
    except OSError:
        return True
    return max(found.st_mtime, found.st_ctime) > (_started() if seconds is None else seconds)


def mark_edited(path: Path) -> str:
    """A mark in place of the digest of a file that was saved while this process may have been importing it; logs a warning."""
    log.warning(
        "%s was saved while it was being imported: which version is executed is unknown, so it counts as other code.", path
    )
    return f"{EDITED}-{os.urandom(4).hex()}"


@functools.cache
def _started() -> float:
    """When this process started, in seconds since 1970, a little late: before it imported any module of a project."""
    found = started_at(os.getpid())
    return _IMPORTED if found is None else found + START_SECONDS


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
