"""torch: initial weights that are paired across configurations."""

from __future__ import annotations

import torch
from torch import nn

from ablate.core.seeding import derive
from ablate.engine.run import Run


def initialize(module: nn.Module, seed: int | Run) -> None:
    """Initialize a module as PyTorch does by default, each layer from a random stream of its own.

    The stream of a layer is named by the layer's place in `module`, so that two networks share the weights of all layers that
    they have in common, whatever is between them. Weights are drawn on the CPU: one seed gives the same network on every
    device. The global generator is left as it was; parameters that belong to no layer with `reset_parameters` stay as they are.

    Args:
        module: changed in place.
        seed: of the run, or the run itself.

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
                torch.default_generator.manual_seed(derive(number, "weights", role))  # of the CPU alone
                device = next((parameter.device for parameter in layer.parameters()), torch.device("cpu"))
                on_device = device.type not in ("cpu", "meta")
                if on_device:
                    layer.to("cpu")
                reset()
                if on_device:
                    layer.to(device)
