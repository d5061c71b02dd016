"""Checkpoints: state of a run as bytes in torch's format, read back without running code. Imports torch when first used."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from types import NoneType
from typing import Any

from ablate.core.errors import UsageError


def dump(content: dict[str, Any]) -> bytes:
    """Tensors, numbers, texts, None, and lists and dictionaries of them, as bytes.

    Raises:
        UsageError: naming the value, if `content` holds anything that `load` would refuse.
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
                f"run.save: {path} is of the type {type(value).__name__}; a checkpoint may hold tensors, numbers, texts, None, "
                "and lists and dictionaries of them. Convert a NumPy array with torch.from_numpy(array), a NumPy scalar with "
                "scalar.item()."
            ) from None
    return buffer.getvalue()


def load(data: bytes) -> dict[str, Any]:
    """The content that was dumped, on the CPU.

    Raises:
        ValueError: if the data are damaged, or hold anything that `dump` does not accept.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the format of a foreign file: it is refused, or it is usable
            state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes can raise anything
        raise ValueError((str(error) or type(error).__name__).splitlines()[0]) from None
    if not isinstance(state, dict):
        raise ValueError("it holds no dictionary")
    return state


def _unsafe(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Values whose type `load` may refuse, each with its place."""
    import torch

    if isinstance(value, dict):
        for key, each in value.items():
            yield from _unsafe(each, f"{path}[{key!r}]")
    elif type(value) in (list, tuple):
        for index, each in enumerate(value):
            yield from _unsafe(each, f"{path}[{index}]")
    elif not isinstance(value, torch.Tensor) and type(value) not in (int, float, str, bool, NoneType):
        yield path, value
