"""AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from ablate.vision.optimizers import register
from ablate.vision.settings import OptimizerSettings, Share


class AdamWSettings(OptimizerSettings):
    """The settings of torch.optim.AdamW."""

    beta1: Share  # decay of the running mean of the gradients
    beta2: Share  # decay of the running mean of their squares
    epsilon: Annotated[float, Field(gt=0)]


@register("adamw", AdamWSettings)
def adamw(settings: AdamWSettings, network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        network.parameters(),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
        fused=True,
    )
