"""The model family `fast`: a plain convolutional network that learns CIFAR-10 in a few epochs.

Its ingredients were published by others, and each is a key here:

- a first layer of 2x2 convolutions that whitens the patches of the training images and stays frozen (Page 2018, "How to train
  your ResNet", part 8; with 2x2 patches in hlb-CIFAR10, https://github.com/tysam-code/hlb-CIFAR10);
- 3x3 convolutions that begin as identities as far as they can (Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
  arXiv 2404.00498, `dirac`), who also takes the maximum over all positions at the end and scales the logits down;
- pooling before batch normalization, which then has a quarter of the work (Page 2018).

Layers are named by their role: `first`, `block2.conv1`, `linear`. Places for BN are those after the convolutions.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ablate.core.errors import UsageError
from ablate.vision.config import Config
from ablate.vision.models import register
from ablate.vision.networks import activation
from ablate.vision.places import matching, trunk_places
from ablate.vision.settings import SIZE, ModelSettings, Positive, PositiveNumber

PATCH = 2  # pixels: height and width of the first layer
FIRST_WIDTH = 2 * 3 * PATCH**2  # channels of the first layer: each eigenvector of the patches, and its negative
CHUNK = 500  # images whose patches are in memory at a time


class FastSettings(ModelSettings):
    """A first layer, blocks of 3x3 convolutions with a 2x2 max-pooling in each, and a linear layer."""

    first: Literal["whitened", "dirac", "plain", "none"]  # the 2x2 convolution before the blocks
    whitening_epsilon: PositiveNumber  # added to the variances of the patches before their roots are divided by
    widths: Annotated[list[Positive], Field(min_length=1)]  # channels of each block
    depth: Positive  # 3x3 convolutions per block; the pooling belongs to the first
    pool_position: Literal["before", "after"]  # before or after BN and activation
    dirac: bool  # the 3x3 convolutions pass on their first input channels unchanged when training begins
    logit_scale: PositiveNumber  # factor of the logits


@register("fast", FastSettings)
def fast(config: Config, classes: int, size: int) -> nn.Module:
    """Build the network of a configuration on torch's default device. There is no stem."""
    return FastNetwork(config, classes, size)


class FastNetwork(nn.Module):
    """Images (B, 3, H, W) to logits (B, classes), where H and W are `size`.

    Raises:
        UsageError: if a pattern of `norm.places` matches no place, or if the image is too small for the blocks.
    """

    def __init__(self, config: Config, classes: int = 10, size: int = SIZE) -> None:
        super().__init__()
        model = config.model
        assert isinstance(model, FastSettings)
        left = (size if model.first == "none" else size - PATCH + 1) // 2 ** len(model.widths)
        if left < 1:
            raise UsageError(f"model.widths={model.widths}: {size} pixels cannot be halved once for each block.")
        places = [place for place in trunk_places(len(model.widths), model.depth) if not place.endswith(".pool")]
        normed = matching("norm.places", config.norm.places, places) if config.norm.kind == "batch" else []
        self.scale = model.logit_scale
        self.layers = nn.Sequential()
        channels = 3
        if model.first != "none":
            self.layers.add_module("first", _first_layer(model))
            self.layers.add_module("first_act", activation(config.activation.name))
            channels = FIRST_WIDTH
        for number, width in enumerate(model.widths, start=1):
            block = nn.Sequential()
            for index in range(1, model.depth + 1):
                has_norm = f"block{number}.conv{index}" in normed
                _add_convolution(block, index, channels, width, has_norm, config)
                channels = width
            self.layers.add_module(f"block{number}", block)
        self.layers.add_module("pool", nn.MaxPool2d(left))
        self.layers.add_module("flatten", nn.Flatten())
        self.layers.add_module("linear", nn.Linear(channels, classes, bias=False))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits * self.scale


def _first_layer(model: FastSettings) -> nn.Module:
    match model.first:
        case "whitened":
            return WhiteningConv2d(model.whitening_epsilon)
        case "dirac":
            return DiracConv2d(3, FIRST_WIDTH, PATCH)
    return nn.Conv2d(3, FIRST_WIDTH, PATCH)


def _add_convolution(block: nn.Sequential, index: int, channels: int, width: int, has_norm: bool, config: Config) -> None:
    """A 3x3 convolution with its BN and activation, and the block's pooling if it is the first."""
    model = config.model
    assert isinstance(model, FastSettings)
    kind = DiracConv2d if model.dirac else nn.Conv2d
    layers: list[tuple[str, nn.Module]] = [(f"act{index}", activation(config.activation.name))]
    if has_norm:
        layers.insert(0 if config.norm.position == "before" else 1, (f"norm{index}", nn.BatchNorm2d(width)))
    if index == 1:
        layers.insert(0 if model.pool_position == "before" else len(layers), ("pool", nn.MaxPool2d(2)))
    # A bias before BN has no effect
    bias = not (has_norm and config.norm.position == "before")
    block.add_module(f"conv{index}", kind(channels, width, 3, padding=1, bias=bias))
    for name, layer in layers:
        block.add_module(name, layer)


class DiracConv2d(nn.Conv2d):
    """A convolution whose first output channels are initialized as copies of the input channels."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        nn.init.dirac_(self.weight[: self.in_channels])


class WhiteningConv2d(nn.Conv2d):
    """A frozen convolution (3, 2x2) to 24 channels that whitens the patches of the training images; its bias is trained.

    Its filters are the eigenvectors of the patches' covariance, divided by the standard deviation along them, and their
    negatives. They are random until `fit_images` is called.

    Args:
        epsilon: added to the variances.
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__(3, FIRST_WIDTH, PATCH)
        self.epsilon = epsilon
        frozen = self.weight.data
        del self.weight
        self.register_buffer("weight", frozen)  # not a parameter: no gradient, no weight decay

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    @torch.no_grad()
    def fit_images(self, images: Tensor) -> None:
        """Compute the filters from normalized images (N, 3, H, W)."""
        variances, vectors = torch.linalg.eigh(patch_covariance(images))
        # Of the two signs of an eigenvector, take the one with a positive largest component, whatever the library returns
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
        filters = (vectors * largest.sign() / (variances + self.epsilon).sqrt()).T.reshape(-1, 3, PATCH, PATCH)
        self.weight.copy_(torch.cat([filters, -filters]))


def patch_covariance(images: Tensor) -> Tensor:
    """The covariance (12, 12) of all 2x2 patches of images (N, 3, H, W), on the CPU in float64."""
    size = 3 * PATCH**2
    total, products, count = torch.zeros(size, dtype=torch.float64), torch.zeros(size, size, dtype=torch.float64), 0
    for chunk in torch.split(images, CHUNK):
        patches = nn.functional.unfold(chunk.cpu().contiguous(), PATCH).transpose(1, 2).reshape(-1, size)
        total += patches.sum(0, dtype=torch.float64)
        products += (patches.T @ patches).double()
        count += len(patches)
    mean = total / count
    return products / count - mean[:, None] * mean
