"""The files of a project that a script imports, found in its source without executing it."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def module_file(name: str, folders: Iterable[Path]) -> Path | None:
    """The file that `python -m name` executes, if the module is in one of these folders; None otherwise."""
    for folder in folders:
        base = folder.joinpath(*name.split("."))
        for file in (base / "__main__.py", base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if file.is_file():
                return file.resolve()
    return None


def search_folders(script: Path, root: Path) -> list[Path]:
    """Where a script finds the modules of its project: beside it, in the working directory, at the root, and on PYTHONPATH."""
    given = map(Path, filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    folders = [script.parent, Path.cwd(), root, root / "src", *given]
    return list(dict.fromkeys(folder.resolve() for folder in folders if folder.is_dir()))


def project_files(script: Path, root: Path) -> list[Path]:
    """A script and the files below `root` that it imports, directly or through each other, also in functions.

    Modules that are imported by a computed name are not found.

    Args:
        script: the file that is executed; its own imports are those of its folder first.
        root: the folder of the project.
    """
    script, root = script.resolve(), root.resolve()
    folders = search_folders(script, root)
    found: dict[Path, None] = {}
    due = [script]
    while due:
        file = due.pop()
        if file in found:
            continue
        found[file] = None
        due += [path for path in _imports(file, folders) if path.is_relative_to(root) and path not in found]
    return list(found)


def _imports(file: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """The files of the modules that a file imports, with the __init__.py of their packages."""
    if file.suffix != ".py":
        return
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name.split("."), folders)
        elif isinstance(node, ast.ImportFrom):
            base = node.module.split(".") if node.module else []
            where = [_parent(file, node.level)] if node.level else folders
            yield from _files(base, where)
            for alias in node.names:
                yield from _files([*base, alias.name], where)


def _parent(file: Path, level: int) -> Path:
    """The folder to which a relative import with `level` dots refers."""
    return file.parents[level - 1] if level <= len(file.parents) else file.parent


def _files(parts: Sequence[str], folders: Iterable[Path]) -> Iterator[Path]:
    """The files that `import a.b` executes, in the first folder that has `a`. Nothing for another attribute than a module."""
    for folder in folders:
        if not parts:
            if (init := folder / "__init__.py").is_file():
                yield init.resolve()
            return
        if not (folder / parts[0]).is_dir() and not (folder / f"{parts[0]}.py").is_file():
            continue
        for part in parts:
            if (init := folder / part / "__init__.py").is_file():
                yield init.resolve()
            elif (module := folder / f"{part}.py").is_file():
                yield module.resolve()
            folder = folder / part
        return
