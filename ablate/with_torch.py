"""What a run does for torch: initial weights, and checkpoints in its format, read back without running code.

Imported when a run first asks for it: the engine itself knows nothing of torch.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import torch
from torch import nn

from ablate.study.streams import derive


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
