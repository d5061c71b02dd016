"""Weight initialization for torch modules. Imported when a run first asks for it: the engine knows nothing of torch."""

from __future__ import annotations

import torch
from torch import nn

from ablate.core.seeding import derive


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
