"""The model family `article`: the networks of the article and variants.

A network has a stem of 1x1 convolutions, a trunk of blocks, and a head. Layers are named by their role, such as `block2.conv1`.
A *place* is a position for BN or dropout: after a convolution (`block2.conv1`) or after the pooling of a block (`block3.pool`).
Patterns such as `block*.conv1` match several places; `last.pool` is the pooling of the last block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from ablate.core.errors import UsageError
from ablate.vision.config import Config
from ablate.vision.models import register
from ablate.vision.networks import activation
from ablate.vision.places import matching, trunk_places
from ablate.vision.settings import SIZE, ModelSettings, Positive, Share


class ArticleSettings(ModelSettings):
    """The trunk: blocks of 3x3 convolutions, a 2x2 max-pooling after each, and a head of two convolutions."""

    widths: Annotated[list[Positive], Field(min_length=1)]  # channels of each block
    depth: Positive  # 3x3 convolutions per block
    head_width: Positive  # channels between the head's two convolutions
    padding: Literal["conv", "module"]  # conv: Conv2d(padding=1); module: a ConstantPad2d before the convolution
    dropout: bool
    dropout_rate: Share
    dropout_kind: Literal["channel", "element"]  # channel: Dropout2d; element: Dropout
    dropout_places: list[str]  # patterns of places in the trunk, such as block1.conv2 or block*.pool
    initialization: Literal["torch", "he"]  # of the trunk and the head: torch's default, or that of He et al.


@register("article", ArticleSettings)
def article(config: Config, classes: int, size: int) -> nn.Module:
    """Build the network of a configuration on torch's default device."""
    return Network(config, classes, size)


class Network(nn.Module):
    """Images (B, 3, H, W) to logits (B, classes).

    H and W must be `size`. Each block halves the size, and the last convolution of the head covers the remaining area.

    Raises:
        UsageError: if a pattern matches no place, or if the image is too small for the blocks.
    """

    def __init__(self, config: Config, classes: int = 10, size: int = SIZE) -> None:
        super().__init__()
        model = config.model
        assert isinstance(model, ArticleSettings)
        left = size // 2 ** len(model.widths)
        if left < 1:
            raise UsageError(f"model.widths={model.widths}: {size} pixels cannot be halved once for each block.")
        places = trunk_places(len(model.widths), model.depth)
        normed = matching("norm.places", config.norm.places, places) if config.norm.kind == "batch" else []
        dropped = matching("model.dropout_places", model.dropout_places, places) if model.dropout else []
        norms = _trunk_norms(model, normed, config.norm.shared)

        channels = 3
        if config.stem.widths:
            self.stem, channels = _stem(config)
        for number, width in enumerate(model.widths, start=1):
            block = nn.Sequential()
            for index in range(1, model.depth + 1):
                place = f"block{number}.conv{index}"
                _add_convolution(block, f"conv{index}", channels, width, model)
                _add_activation_and_norm(block, index, config.activation.name, norms.get(place), config.norm.position)
                if place in dropped:
                    block.add_module(f"drop{index}", _dropout(model))
                channels = width
            block.add_module("pool", nn.MaxPool2d(2))
            if f"block{number}.pool" in norms:
                block.add_module("pool_norm", norms[f"block{number}.pool"])
            if f"block{number}.pool" in dropped:
                block.add_module("pool_drop", _dropout(model))
            self.add_module(f"block{number}", block)
        self.head = nn.Sequential()
        convolution = _convolution(model)
        self.head.add_module("conv1", convolution(channels, model.head_width, 1))
        self.head.add_module("act1", activation(config.activation.name))
        self.head.add_module("conv2", convolution(model.head_width, classes, left))
        self.head.add_module("flatten", nn.Flatten())

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for part in self.children():  # in order of construction
            x = part(x)
        return x


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


def _add_convolution(block: nn.Sequential, name: str, channels: int, width: int, model: ArticleSettings) -> None:
    if model.padding == "module":
        block.add_module(name.replace("conv", "pad"), nn.ConstantPad2d(1, 0.0))
    block.add_module(name, _convolution(model)(channels, width, 3, padding=1 if model.padding == "conv" else 0))


def _convolution(model: ArticleSettings) -> type[nn.Conv2d]:
    return HeConv2d if model.initialization == "he" else nn.Conv2d


class HeConv2d(nn.Conv2d):
    """A convolution that keeps the variance of its inputs through a ReLU when training begins; its biases begin at 0.

    He et al. 2015, "Delving Deep into Rectifiers", arXiv 1502.01852. Torch's default has a sixth of this variance, so that the
    signal fades from layer to layer in a deep network without BN.
    """

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)


def _add_activation_and_norm(block: nn.Sequential, index: int, kind: str, norm: nn.Module | None, position: str) -> None:
    layers: list[tuple[str, nn.Module]] = []
    if kind != "none":
        layers.append((f"act{index}", activation(kind)))
    if norm is not None:
        layers.append((f"norm{index}", norm))
    for name, layer in layers if position == "after" else reversed(layers):
        block.add_module(name, layer)


def _dropout(model: ArticleSettings) -> nn.Module:
    return (nn.Dropout2d if model.dropout_kind == "channel" else nn.Dropout)(model.dropout_rate)


def _trunk_norms(model: ArticleSettings, places: Sequence[str], shared: bool) -> dict[str, nn.Module]:
    """Make a BN for each place. If `shared`, the last two places share one, provided that they have the same width."""
    width_of = {place: model.widths[int(place.removeprefix("block").split(".")[0]) - 1] for place in places}
    norms: dict[str, nn.Module] = {place: nn.BatchNorm2d(width_of[place]) for place in places}
    if shared and len(places) >= 2 and width_of[places[-1]] == width_of[places[-2]]:
        norms[places[-1]] = norms[places[-2]]
    return norms
