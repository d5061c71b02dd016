"""The article's family of networks, assembled from data.

A network is a stem of 1x1 convolutions, a trunk of blocks, and a head. Every layer has a name that is its role in the
network, such as `block2.conv1`; a *place* is where BN or dropout can stand: after a convolution (`block2.conv1`) or after
a block's pooling (`block3.pool`); patterns such as `block*.conv1` name several, and `last.pool` is that of the last block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from ablate.core.errors import UsageError
from ablate.integrations.torch import initialize
from ablate.vision.config import Config

ACTIVATION_MODULES: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "none": nn.Identity}


class Network(nn.Module):
    """Images (B, 3, H, W) to logits (B, classes).

    H and W are `size`; each block halves it, and the head's last convolution covers what is left.

    Raises UsageError if a pattern of places matches none, or if the image is too small for the blocks.
    """

    def __init__(self, config: Config, classes: int = 10, size: int = 32) -> None:
        super().__init__()
        left = size // 2 ** len(config.model.widths)
        if left < 1:
            raise UsageError(f"model.widths={config.model.widths}: {size} pixels cannot be halved once for each block.")
        places = trunk_places(config)
        normed = _matching("norm.places", config.norm.places, places) if config.norm.kind == "batch" else []
        dropped = _matching("model.dropout_places", config.model.dropout_places, places) if config.model.dropout else []
        norms = _trunk_norms(config, normed)

        channels = 3
        if config.stem.widths:
            self.stem, channels = _stem(config)
        for number, width in enumerate(config.model.widths, start=1):
            block = nn.Sequential()
            for index in range(1, config.model.depth + 1):
                place = f"block{number}.conv{index}"
                _add_convolution(block, f"conv{index}", channels, width, config.model.padding)
                _add_activation_and_norm(block, index, config.activation.name, norms.get(place), config.norm.position)
                if place in dropped:
                    block.add_module(f"drop{index}", _dropout(config))
                channels = width
            block.add_module("pool", nn.MaxPool2d(2))
            if f"block{number}.pool" in norms:
                block.add_module("pool_norm", norms[f"block{number}.pool"])
            if f"block{number}.pool" in dropped:
                block.add_module("pool_drop", _dropout(config))
            self.add_module(f"block{number}", block)
        self.head = nn.Sequential()
        self.head.add_module("conv1", nn.Conv2d(channels, config.model.head_width, 1))
        self.head.add_module("act1", ACTIVATION_MODULES[config.activation.name]())
        self.head.add_module("conv2", nn.Conv2d(config.model.head_width, classes, left))
        self.head.add_module("flatten", nn.Flatten())

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for part in self.children():  # in the order of construction
            x = part(x)
        return x


def trunk_places(config: Config) -> list[str]:
    """The places of the trunk, in the order of the data's way."""
    return [
        place
        for number in range(1, len(config.model.widths) + 1)
        for place in (*(f"block{number}.conv{index}" for index in range(1, config.model.depth + 1)), f"block{number}.pool")
    ]


def outline(config: Config, classes: int = 10, size: int = 32) -> Network:
    """The network without memory for its weights, on torch's meta device: to check, to count, to build from."""
    with torch.device("meta"):
        return Network(config, classes, size)


def build(config: Config, classes: int = 10, size: int = 32) -> Network:
    """The initialised network of an experiment, on the CPU, in channels_last."""
    network = outline(config, classes, size).to_empty(device="cpu")
    initialize(network, config.seed)
    return network.to(memory_format=torch.channels_last)


def used_layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Name and layer of every use, in order; a layer that is used twice comes twice."""
    for name, layer in network.named_modules(remove_duplicate=False):
        if not list(layer.children()) and not isinstance(layer, nn.Sequential):
            yield name, layer


def _stem(config: Config) -> tuple[nn.Sequential, int]:
    stem, channels = nn.Sequential(), 3
    widths = config.stem.widths
    for index, width in enumerate(widths, start=1):
        stem.add_module(f"conv{index}", nn.Conv2d(channels, width, 1))
        normed = config.norm.kind == "batch" and index > len(widths) - config.stem.norm_last
        _add_activation_and_norm(
            stem,
            index,
            config.activation.name if config.stem.activation else "none",
            nn.BatchNorm2d(width) if normed else None,
            config.stem.norm_position,
        )
        channels = width
    return stem, channels


def _add_convolution(block: nn.Sequential, name: str, channels: int, width: int, padding: str) -> None:
    if padding == "module":
        block.add_module(name.replace("conv", "pad"), nn.ConstantPad2d(1, 0.0))
    block.add_module(name, nn.Conv2d(channels, width, 3, padding=1 if padding == "conv" else 0))


def _add_activation_and_norm(block: nn.Sequential, index: int, activation: str, norm: nn.Module | None, position: str) -> None:
    layers: list[tuple[str, nn.Module]] = []
    if activation != "none":
        layers.append((f"act{index}", ACTIVATION_MODULES[activation]()))
    if norm is not None:
        layers.append((f"norm{index}", norm))
    for name, layer in layers if position == "after" else reversed(layers):
        block.add_module(name, layer)


def _dropout(config: Config) -> nn.Module:
    return (nn.Dropout2d if config.model.dropout_kind == "channel" else nn.Dropout)(config.model.dropout_rate)


def _trunk_norms(config: Config, places: Sequence[str]) -> dict[str, nn.Module]:
    """A BN for each place; the last two places have one between them if that is asked for and they are equally wide."""
    width_of = {place: config.model.widths[int(place.removeprefix("block").split(".")[0]) - 1] for place in places}
    norms: dict[str, nn.Module] = {place: nn.BatchNorm2d(width_of[place]) for place in places}
    if config.norm.shared and len(places) >= 2 and width_of[places[-1]] == width_of[places[-2]]:
        norms[places[-1]] = norms[places[-2]]
    return norms


def _matching(key: str, patterns: Sequence[str], places: Sequence[str]) -> list[str]:
    last_block = places[-1].split(".")[0]
    found: set[str] = set()
    for pattern in patterns:
        named = [place for place in places if fnmatchcase(place, pattern.replace("last.", f"{last_block}."))]
        if not named:
            raise UsageError(f"{key}: '{pattern}' is no place of this trunk; there are {', '.join(places)}.")
        found.update(named)
    return [place for place in places if place in found]
