"""The registry of model families: one module a family, which registers it under the name that `model.name` gives.

    @register("mine", MySettings)
    def mine(config: Config, classes: int, size: int) -> nn.Module:
        '''Images (B, 3, size, size) to logits (B, classes).'''

A family may read `config.model` (an instance of its settings), `config.stem`, `config.norm` and `config.activation`, and
nothing else of the configuration. Its layers get PyTorch's default weights by their names (ablate/vision/networks.py), so
weights that a constructor sets are lost: a layer that needs others overrides `reset_parameters`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.vision.registry import Registry
from ablate.vision.settings import ModelSettings

if TYPE_CHECKING:
    from torch import nn

    from ablate.vision.config import Config

    Builder = Callable[[Config, int, int], nn.Module]


@dataclass(frozen=True)
class Family:
    """A model family: the class of its settings, and the function that builds a network."""

    settings: type[ModelSettings]
    build: Builder


MODELS: Registry[Family] = Registry("model.name", __name__)


def register(name: str, settings: type[ModelSettings]) -> Callable[[Builder], Builder]:
    """A decorator that registers the builder of a model family."""

    def decorate(build: Builder) -> Builder:
        MODELS.register(name, Family(settings, build))
        return build

    return decorate
