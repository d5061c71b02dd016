"""The registry of optimizers: one module an optimizer, which registers it under the name that `optimizer.name` gives.

    @register("mine", MySettings)
    def mine(settings: MySettings, network: nn.Module) -> torch.optim.Optimizer: ...

The learning rate that a schedule changes is the `lr` of each parameter group.
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
    """An optimizer: the class of its settings, and the function that makes one for a network."""

    settings: type[OptimizerSettings]
    build: Builder


OPTIMIZERS: Registry[Entry] = Registry("optimizer.name", __name__)


def register(name: str, settings: type[OptimizerSettings]) -> Callable[[Builder], Builder]:
    """A decorator that registers the builder of an optimizer."""

    def decorate(build: Builder) -> Builder:
        OPTIMIZERS.register(name, Entry(settings, build))
        return build

    return decorate


def make_optimizer(settings: OptimizerSettings, network: nn.Module) -> torch.optim.Optimizer:
    """The optimizer that `settings` describe, for the parameters of `network`."""
    return OPTIMIZERS[settings.name].build(settings, network)
