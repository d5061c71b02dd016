"""Averages of the weights over the steps of a training, which are evaluated in place of the last weights.

- `ema`: an exponential moving average (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv 1703.01780).
- `swa`: the mean over the end of the training (Izmailov et al. 2018, arXiv 1803.05407).
- `lookahead`: an exponential moving average from which the training goes on (Zhang et al. 2019, arXiv 1907.08610).

The running statistics of BN are averaged likewise by ema and swa; lookahead takes those of the network.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

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
        self._average: AveragedModel | None = None
        if settings.name != "none":
            mean = None if settings.name == "swa" else get_ema_multi_avg_fn(settings.decay)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(network, multi_avg_fn=mean, use_buffers=settings.name != "lookahead")
        if settings.name == "lookahead" and self._average is not None:
            self._average.update_parameters(network)  # the slow weights begin at the initial weights

    @property
    def evaluated(self) -> nn.Module:
        """The network to evaluate: the average, or the network itself as long as there is no average."""
        if self._average is None or int(self._average.n_averaged) == 0:
            return self.network
        averaged: nn.Module = self._average.module
        return averaged

    @torch.no_grad()
    def step(self) -> None:
        """Update the average after a training step, if it is due."""
        self.steps += 1
        if self._average is None or self.steps % self.settings.every or self.steps <= self.start:
            return
        self._average.update_parameters(self.network)
        if self.settings.name == "lookahead":
            for fast, slow in zip(self.network.parameters(), self._average.module.parameters(), strict=True):
                fast.copy_(slow)

    def state(self) -> dict[str, Any]:
        """The content for a checkpoint."""
        return {"steps": self.steps, "average": None if self._average is None else self._average.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.steps = state["steps"]
        if self._average is not None:
            self._average.load_state_dict(state["average"])
