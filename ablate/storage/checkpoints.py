"""Serialize and read checkpoint.pt, the state of an unfinished run in torch's format. Loading never executes code.

Imports torch on first use."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from ablate.core.errors import UsageError
from ablate.storage.code_files import FILES, changed
from ablate.storage.records import CHECKPOINT


def read(directory: Path) -> dict[str, Any]:
    """Read checkpoint.pt from the folder of a run. Raises as `load`, and FileNotFoundError if there is none."""
    return load((directory / CHECKPOINT).read_bytes())


def dump(content: dict[str, Any]) -> bytes:
    """Serialize tensors, numbers, strings, None, and lists and dictionaries of these.

    Raises:
        UsageError: if `content` contains anything that `load` would reject; the message names the value.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    unsafe = next((found for name, value in content.items() for found in _unsafe(value, name)), None)
    if unsafe is not None:
        try:
            load(buffer.getvalue())
        except ValueError:
            path, value = unsafe
            raise UsageError(
                f"run.save: {path} has the type {type(value).__name__}; a checkpoint may contain tensors, numbers, strings, "
                "None, and lists and dictionaries of these. Convert a NumPy array with torch.from_numpy(array), a NumPy scalar "
                "with scalar.item()."
            ) from None
    return buffer.getvalue()


def load(data: bytes) -> dict[str, Any]:
    """Deserialize to the CPU.

    Raises:
        ValueError: if the data are damaged, or contain anything that `dump` does not accept.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about old formats; such a file is either usable or rejected below
            state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes can raise anything
        raise ValueError((str(error) or type(error).__name__).splitlines()[0]) from None
    if not isinstance(state, dict):
        raise ValueError("it is not a dictionary")
    return state


def _unsafe(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Values that `load` may reject because of their type, each with its path in the content."""
    import torch

    if isinstance(value, dict):
        for key, each in value.items():
            yield from _unsafe(each, f"{path}[{key!r}]")
    elif type(value) in (list, tuple):
        for index, each in enumerate(value):
            yield from _unsafe(each, f"{path}[{index}]")
    elif not isinstance(value, torch.Tensor) and type(value) not in (int, float, str, bool, NoneType):
        yield path, value


def made_by_this(content: Mapping[str, Any], made_by: str, root: Path | None) -> bool:
    """Whether the code and the numerics that made a checkpoint are those of this run.

    Args:
        content: the checkpoint as `Run.save` writes it.
        made_by: the digest of the run's facts.
        root: the folder of the project; None if the program names its code itself.

    Raises:
        KeyError: if the checkpoint does not say what made it.
    """
    return content["made_by"] == made_by and not (root is not None and changed(content.get(FILES) or {}, root))
