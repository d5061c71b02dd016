"""Read and write config.yaml, the configuration of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ablate.core.errors import AblateError
from ablate.storage.files import write_atomically
from ablate.storage.manifest import YAML_LOADER
from ablate.storage.records import CONFIG
from ablate.storage.yaml_text import to_yaml


def render_config(values: Mapping[str, Any]) -> str:
    """Render the content of config.yaml."""
    return to_yaml(values)


def write_config(directory: Path, text: str) -> None:
    """Write config.yaml into the folder of a run, unless it already has this content."""
    path = directory / CONFIG
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, ValueError):
        directory.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def read_config(directory: Path) -> dict[str, Any]:
    """Read config.yaml from the folder of a run.

    Raises:
        AblateError: if it cannot be read.
    """
    path = directory / CONFIG
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=YAML_LOADER)
        if not isinstance(content, dict):
            raise ValueError("it is not a mapping")
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise AblateError(f"{path}, written when the run was planned, cannot be read ({error}).") from None
    return content
