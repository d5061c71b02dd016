"""Averages of the weights over the steps of a training, which are evaluated in place of the last weights.

- `ema`: an exponential moving average (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv 1703.01780).
- `swa`: the mean over the end of the training (Izmailov et al. 2018, arXiv 1803.05407).
- `lookahead`: an exponential moving average from which the training goes on (Zhang et al. 2019, arXiv 1907.08610).

The running statistics of BN are averaged likewise by ema and swa; lookahead takes those of the network.

`torch.optim.swa_utils.AveragedModel` is not used: it counts the updates in a tensor on the CPU, so that each update waits for
a GPU, and its mean fails there on the integers of BN.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ablate.vision.settings import Averaging


class WeightAverage:
    """The average of the weights of a network in training.

    Args:
        settings: the kind of average.
        network: the network; lookahead changes its weights.
        steps: the number of steps of the whole training.
    """

    def __init__(self, settings: Averaging, network: nn.Module, steps: int) -> None:
        self.settings, self.network = settings, network
        self.start = round(settings.start * steps) if settings.name == "swa" else 0
        self.steps = 0  # done
        self.updates = 0
        self._average = copy.deepcopy(network).requires_grad_(False) if settings.name != "none" else None
        if settings.name == "lookahead":
            self.updates = 1  # the slow weights begin at the initial weights

    @property
    def evaluated(self) -> nn.Module:
        """The network to evaluate: the average, or the network itself as long as there is no average."""
        return self._average if self._average is not None and self.updates else self.network

    @torch.no_grad()
    def step(self) -> None:
        """Update the average after a training step, if it is due. Nothing in it waits for a GPU."""
        self.steps += 1
        if self._average is None or self.steps % self.settings.every or self.steps <= self.start:
            return
        lookahead = self.settings.name == "lookahead"
        share = 1 / (self.updates + 1) if self.settings.name == "swa" else 1 - self.settings.decay
        self.updates += 1
        pairs: list[tuple[Tensor, Tensor]] = list(zip(self._average.parameters(), self.network.parameters(), strict=True))
        buffers = list(zip(self._average.buffers(), self.network.buffers(), strict=True))
        if not lookahead:
            pairs += [pair for pair in buffers if pair[0].is_floating_point()]
        if self.updates == 1:
            share = 1.0
        _move([old for old, _ in pairs], [new for _, new in pairs], share)
        for old, new in buffers:
            if lookahead or not old.is_floating_point():
                old.copy_(new)
        if lookahead:
            for old, new in pairs:
                new.copy_(old)

    def state(self) -> dict[str, Any]:
        """The content for a checkpoint."""
        average = None if self._average is None else self._average.state_dict()
        return {"steps": self.steps, "updates": self.updates, "average": average}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.steps, self.updates = state["steps"], state["updates"]
        if self._average is not None:
            self._average.load_state_dict(state["average"])


def _move(old: list[Tensor], new: list[Tensor], share: float) -> None:
    """Move the tensors `old` this share of the way to `new`."""
    if share == 1.0:  # exactly, whatever the arithmetic of the device
        torch._foreach_copy_(old, new)
    else:
        torch._foreach_lerp_(old, new, share)
