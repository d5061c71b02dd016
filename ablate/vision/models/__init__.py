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
from typing import TYPE_CHECKING

from ablate.vision.registry import Components
from ablate.vision.settings import ModelSettings

if TYPE_CHECKING:
    from torch import nn

    from ablate.vision.config import Config

    Builder = Callable[[Config, int, int], nn.Module]


MODELS: Components[ModelSettings, Builder] = Components("model.name", __name__)
register = MODELS.builder
