"""Stochastic gradient descent with classical or Nesterov momentum."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import model_validator
from torch import nn

from ablate.core.errors import UsageError
from ablate.vision.optimizers import register
from ablate.vision.settings import OptimizerSettings, Share


class SgdSettings(OptimizerSettings):
    """The settings of torch.optim.SGD."""

    momentum: Share
    nesterov: bool

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise UsageError("optimizer.nesterov=true needs optimizer.momentum > 0.")
        return self


@register("sgd", SgdSettings)
def sgd(settings: SgdSettings, network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
        fused=True,
    )
