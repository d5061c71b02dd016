"""The format of checkpoints: torch's, read back without running code. Imported when a run first saves or restores."""

from __future__ import annotations

import io
import warnings
from typing import Any

import torch


def dump(state: dict[str, Any]) -> bytes:
    """Tensors, numbers, texts, None, and lists and dictionaries of them, as bytes."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def load(data: bytes) -> dict[str, Any]:
    """What was dumped, on the CPU. Raises ValueError if it is torn, or holds anything else than `dump` takes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a foreign file's format: it is refused, or it is not
            state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torn bytes can raise anything
        raise ValueError((str(error) or type(error).__name__).splitlines()[0]) from None
    if not isinstance(state, dict):
        raise ValueError("no dictionary")
    return state
