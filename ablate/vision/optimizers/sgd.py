"""Stochastic gradient descent with classical or Nesterov momentum."""

from __future__ import annotations

from typing import Any, Self

import torch
from pydantic import model_validator
from torch import nn

from ablate.core.errors import UsageError
from ablate.vision.optimizers import register
from ablate.vision.settings import OptimizerSettings, PositiveNumber, Share


class SgdSettings(OptimizerSettings):
    """The settings of torch.optim.SGD."""

    momentum: Share
    nesterov: bool
    norm_bias_factor: PositiveNumber  # of the learning rate, for the biases of BN; their weight decay is divided by it

    def in_use(self) -> dict[str, Any]:
        return self.model_dump(exclude={"norm_bias_factor"} if self.norm_bias_factor == 1 else set())

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise UsageError("optimizer.nesterov=true needs optimizer.momentum > 0.")
        return self


@register("sgd", SgdSettings)
def sgd(settings: SgdSettings, network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        _groups(settings, network),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _groups(settings: SgdSettings, network: nn.Module) -> list[dict[str, Any]]:
    """The parameters; with a factor, the biases of BN in a group of their own.

    Biases of BN that learn faster shorten a training (Page 2018, "How to train your ResNet", part 8; Jordan 2024, arXiv
    2404.00498, where the factor is 64).
    """
    factor = settings.norm_bias_factor
    biases = [
        layer.bias
        for layer in network.modules()
        if isinstance(layer, nn.BatchNorm2d) and layer.bias is not None and factor != 1
    ]
    chosen = set(map(id, biases))
    groups: list[dict[str, Any]] = [{"params": [each for each in network.parameters() if id(each) not in chosen]}]
    if biases:
        faster = {"lr": factor * settings.learning_rate, "weight_decay": settings.weight_decay / factor}
        groups.append({"params": biases, **faster})
    return groups
