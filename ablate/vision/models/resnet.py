"""ResNet-18 for images of 32x32 pixels (He et al. 2015, arXiv 1512.03385): a 3x3 stem and no max-pooling before the stages.

With the published widths and 10 classes it has 11,173,962 parameters.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from ablate.vision.config import Config
from ablate.vision.models import register
from ablate.vision.networks import activation
from ablate.vision.settings import ModelSettings, Positive


class ResNetSettings(ModelSettings):
    """The stages: the first one keeps the image size, each later one halves it."""

    widths: Annotated[list[Positive], Field(min_length=1)]  # channels of each stage
    blocks: Positive  # residual blocks (of two 3x3 convolutions) per stage


@register("resnet", ResNetSettings)
def resnet(config: Config, classes: int, size: int) -> nn.Module:  # noqa: ARG001 - it averages over images of any size
    """Build the network of a configuration on torch's default device. Stem and BN are fixed."""
    model = config.model
    assert isinstance(model, ResNetSettings)
    return ResNet(model, config.activation.name, classes)


class ResNet(nn.Module):
    """Images (B, 3, H, W) to logits (B, classes)."""

    def __init__(self, model: ResNetSettings, kind: str, classes: int) -> None:
        super().__init__()
        channels = model.widths[0]
        self.conv = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.act = activation(kind)
        self.stages = nn.Sequential()
        for number, width in enumerate(model.widths, start=1):
            stage = nn.Sequential()
            for index in range(1, model.blocks + 1):
                stride = 2 if number > 1 and index == 1 else 1
                stage.add_module(f"block{index}", BasicBlock(channels, width, stride, kind))
                channels = width
            self.stages.add_module(f"stage{number}", stage)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.act(self.norm(self.conv(images)))
        x = self.pool(self.stages(x))
        logits: Tensor = self.linear(self.flatten(x))
        return logits


class BasicBlock(nn.Module):
    """Two 3x3 convolutions plus a shortcut: the identity, or a 1x1 convolution if the shape changes."""

    def __init__(self, channels: int, width: int, stride: int, kind: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.act1 = activation(kind)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut.add_module("conv", nn.Conv2d(channels, width, 1, stride, bias=False))
            self.shortcut.add_module("norm", nn.BatchNorm2d(width))
        self.act2 = activation(kind)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act1(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        result: Tensor = self.act2(y + self.shortcut(x))
        return result
