"""What a run does for torch: initial weights, and checkpoints in its format, read back without running code.

Imported when a run first asks for it: the engine itself knows nothing of torch.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from types import NoneType
from typing import Any

import torch
from torch import Tensor, nn

from ablate.core.errors import UsageError
from ablate.core.seeding import derive


def dump(content: dict[str, Any]) -> bytes:
    """Tensors, numbers, texts, None, and lists and dictionaries of them, as bytes.

    Raises UsageError, which names what it is, if `content` holds anything that `load` would refuse.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    odd = next((found for name, value in content.items() for found in _odd(value, name)), None)
    if odd is not None:
        try:
            load(buffer.getvalue())
        except ValueError:
            path, value = odd
            raise UsageError(
                f"run.save: {path} is of the type {type(value).__name__}, and what is saved may hold tensors, numbers, texts, "
                "None, and lists and dictionaries of them: an array of NumPy is kept as torch.from_numpy(array), a scalar as "
                "scalar.item()."
            ) from None
    return buffer.getvalue()


def _odd(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What is of no type that can surely be read again, with its place."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _odd(each, f"{path}[{key!r}]")
    elif type(value) in (list, tuple):
        for index, each in enumerate(value):
            yield from _odd(each, f"{path}[{index}]")
    elif not isinstance(value, Tensor) and type(value) not in (int, float, str, bool, NoneType):
        yield path, value


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


def initialise(module: nn.Module, seed: int) -> None:
    """PyTorch's default initialisation, each layer's from a stream of its own, named by the layer's role in `module`.

    Two networks then share the weights of all layers that they have in common, whatever stands between them. Weights are
    drawn on the CPU, wherever they lie: one seed gives the same network on every device. The global generator is left as it
    was.
    """
    with torch.random.fork_rng(devices=[]):
        for role, layer in module.named_modules():
            if callable(reset := getattr(layer, "reset_parameters", None)):
                torch.default_generator.manual_seed(derive(seed, "weights", role))  # of the CPU alone
                device = next((parameter.device for parameter in layer.parameters()), torch.device("cpu"))
                elsewhere = device.type not in ("cpu", "meta")
                if elsewhere:
                    layer.to("cpu")
                reset()
                if elsewhere:
                    layer.to(device)
