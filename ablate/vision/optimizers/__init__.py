"""The registry of optimizers: each module registers one optimizer under a name for `optimizer.name`.

    @register("mine", MySettings)
    def mine(settings: MySettings, network: nn.Module) -> torch.optim.Optimizer: ...

Schedules change the `lr` of each parameter group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.vision.registry import Registry
from ablate.vision.settings import OptimizerSettings

if TYPE_CHECKING:
    import torch
    from torch import nn

    Builder = Callable[[Any, nn.Module], torch.optim.Optimizer]


@dataclass(frozen=True)
class Entry:
    """A registered optimizer: its settings class and its builder."""

    settings: type[OptimizerSettings]
    build: Builder


OPTIMIZERS: Registry[Entry] = Registry("optimizer.name", __name__)


def register(name: str, settings: type[OptimizerSettings]) -> Callable[[Builder], Builder]:
    """Decorator: register the builder of an optimizer."""

    def decorate(build: Builder) -> Builder:
        OPTIMIZERS.register(name, Entry(settings, build))
        return build

    return decorate


def make_optimizer(settings: OptimizerSettings, network: nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer for the parameters of `network`."""
    return OPTIMIZERS[settings.name].build(settings, network)
