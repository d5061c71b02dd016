"""The registry of optimizers: each module registers one optimizer under a name for `optimizer.name`.

    @register("mine", MySettings)
    def mine(settings: MySettings, network: nn.Module) -> torch.optim.Optimizer: ...

Schedules change the `lr` of each parameter group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ablate.vision.registry import Components
from ablate.vision.settings import OptimizerSettings

if TYPE_CHECKING:
    import torch
    from torch import nn

    Builder = Callable[[Any, nn.Module], torch.optim.Optimizer]


OPTIMIZERS: Components[OptimizerSettings, Builder] = Components("optimizer.name", __name__)
register = OPTIMIZERS.builder


def make_optimizer(settings: OptimizerSettings, network: nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer for the parameters of `network`."""
    return OPTIMIZERS[settings.name].build(settings, network)
