"""Make the folder of a single run Hydra's output folder.

In a sweep, Hydra does this itself: the plan gives it the folders (ablate/engine/jobs.py). The folder of a single run is only
known when its configuration has been read, after Hydra has chosen an output folder and set up logging.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log
from hydra.utils import to_absolute_path
from omegaconf import open_dict, read_write

from ablate.engine.config_values import typed_values

HYDRAS_FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")


def unused_folders(typed: Sequence[str], study: Path) -> list[str]:
    """A sentence if one of Hydra's output folders was typed: the files of a run are always in its study.

    In a program's own configuration they are usual, and no news.

    Args:
        typed: the overrides of Hydra's configuration.
        study: the study's folder.
    """
    values = typed_values(typed)
    choices = [f"{key}={values[key]}" for key in HYDRAS_FOLDERS if key in values]
    if not choices:
        return []
    verb = "has" if len(choices) == 1 else "have"
    return [f"{' and '.join(choices)} {verb} no effect: the runs are in {study}; study.root and study.name choose this folder."]


@contextmanager
def folder_of_command() -> Iterator[bool]:
    """Within the body, the working folder is that of the command, on which the folder of a study depends.

    Yields whether Hydra has changed it (`hydra.job.chdir`, or by default before version_base 1.2).
    """
    working_folder, hydra = Path.cwd(), HydraConfig.get()
    changed = working_folder == Path(hydra.runtime.output_dir).resolve() != Path(hydra.runtime.cwd).resolve()
    if changed and Path(hydra.runtime.cwd).is_dir():  # another machine may not have it
        os.chdir(hydra.runtime.cwd)
    try:
        yield bool(hydra.job.chdir) or changed
    finally:
        os.chdir(working_folder)


@contextmanager
def output_folder(directory: Path, chdir: bool) -> Iterator[None]:
    """Within the body, `hydra.runtime.output_dir` is `directory`, and log files lie there; `chdir`: work in it."""
    config: Any = HydraConfig.instance().cfg
    hydra = config.hydra
    working_folder = Path.cwd()
    for node in (hydra, hydra._get_root().hydra):  # Hydra resolves its own interpolations in the second one
        with read_write(node), open_dict(node):
            node.runtime.output_dir = str(directory)
    before = _log_files()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        if chdir:
            os.chdir(directory)
        if before:
            configure_log(hydra.job_logging, hydra.verbose)
            for path in before - _log_files():
                if path.exists() and path.stat().st_size == 0:
                    path.unlink()
        yield
    finally:
        os.chdir(working_folder)


def located(path: str) -> Path:
    """A path from the configuration; a relative one is relative to the folder of the command, even with hydra.job.chdir."""
    found = Path(path).expanduser()
    absolute = Path(to_absolute_path(str(found)))
    return found if found.absolute() == absolute else absolute


def _log_files() -> set[Path]:
    """The files that the root logger writes to."""
    return {Path(handler.baseFilename) for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler)}
