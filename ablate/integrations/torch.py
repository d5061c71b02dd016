"""Paired initial weights for PyTorch modules."""

from __future__ import annotations

import torch
from torch import nn

from ablate.core.seeding import derive
from ablate.engine.run import Run


def initialize(module: nn.Module, seed: int | Run) -> None:
    """Initialize a module with PyTorch's defaults, using a separate random stream for each layer.

    The stream is derived from the seed and the name of the layer in `module`. Two networks therefore get equal weights in all
    layers with the same name and shape, whatever other layers they have. Weights are drawn on the CPU, so that a seed gives the
    same network on every device. The global generator is not changed. Parameters of modules without `reset_parameters` keep
    their values.

    Args:
        module: the module, initialized in place.
        seed: a seed, or a run, which stands for its seed.

    >>> shallow, deep = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    >>> initialize(shallow, seed=0)
    >>> initialize(deep, seed=0)
    >>> bool((shallow[0].weight == deep[0].weight).all())
    True
    """
    number = seed.seed if isinstance(seed, Run) else seed
    with torch.random.fork_rng(devices=[]):
        for role, layer in module.named_modules():
            if callable(reset := getattr(layer, "reset_parameters", None)):
                torch.default_generator.manual_seed(derive(number, "weights", role))  # only that of the CPU
                device = next((parameter.device for parameter in layer.parameters()), torch.device("cpu"))
                on_device = device.type not in ("cpu", "meta")
                if on_device:
                    layer.to("cpu")
                reset()
                if on_device:
                    layer.to(device)
