"""Build and initialize the network of a configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ablate.integrations.torch import initialize
from ablate.vision.config import Config
from ablate.vision.models import MODELS
from ablate.vision.settings import SIZE

CLASSES = 10


def outline(config: Config, classes: int = CLASSES, size: int = SIZE) -> nn.Module:
    """Build the network on torch's meta device, without memory for its weights."""
    with torch.device("meta"):
        return MODELS[config.model.name].build(config, classes, size)


def build(config: Config, classes: int = CLASSES, size: int = SIZE) -> nn.Module:
    """Build the initialized network of a run on the CPU, in channels_last."""
    network = outline(config, classes, size).to_empty(device="cpu")
    initialize(network, config.seed)
    return network.to(memory_format=torch.channels_last)


@runtime_checkable
class Fitted(Protocol):
    """A layer whose weights are computed from training images before the training."""

    def fit_images(self, images: Tensor) -> None:
        """Compute the weights from normalized images (N, 3, H, W)."""


def fitted_layers(network: nn.Module) -> list[Fitted]:
    """The layers to fit to training images."""
    return [layer for layer in network.modules() if isinstance(layer, Fitted)]


def activation(name: str) -> nn.Module:
    """Make an activation layer from `activation.name`.

    ReLU works in place: its gradient needs only its output, and a convolution or BN before it does not need the overwritten
    output. It must not follow a layer with an output that is used elsewhere.
    """
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "gelu":
            return nn.GELU()
        case "silu":
            return nn.SiLU()
        case "none":
            return nn.Identity()
    raise AssertionError(name)


def used_layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The name and layer of every use in order; a layer that is used twice is listed twice."""
    for name, layer in network.named_modules(remove_duplicate=False):
        if not list(layer.children()) and not isinstance(layer, nn.Sequential):
            yield name, layer
