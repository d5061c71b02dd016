"""The registry of model families: each module registers one family under a name for `model.name`.

    @register("mine", MySettings)
    def mine(config: Config, classes: int, size: int) -> nn.Module:
        '''Images (B, 3, size, size) to logits (B, classes).'''

A family may only read `config.model` (an instance of its settings), `config.stem`, `config.norm` and `config.activation`.
Weights are initialized after construction by `reset_parameters` (ablate/vision/networks.py), which overwrites weights set in a
constructor: a layer with its own initialization overrides `reset_parameters`. A layer with `fit_images` computes its weights
from training images before the training (`ablate.vision.networks.Fitted`).
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
    """A model family: its settings class and its builder."""

    settings: type[ModelSettings]
    build: Builder


MODELS: Registry[Family] = Registry("model.name", __name__)


def register(name: str, settings: type[ModelSettings]) -> Callable[[Builder], Builder]:
    """Decorator: register the builder of a model family."""

    def decorate(build: Builder) -> Builder:
        MODELS.register(name, Family(settings, build))
        return build

    return decorate
