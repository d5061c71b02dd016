"""Muon: momentum whose update is orthogonalized by a Newton-Schulz iteration.

After the description of Keller Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks",
https://kellerjordan.github.io/posts/muon. The weights of hidden layers are updated by Muon, a convolution's as a matrix (out,
in x height x width); biases, the gains of BN and the weights of the last layer are updated by AdamW, as described there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import ParamsT

from ablate.vision.optimizers import register
from ablate.vision.settings import NonNegative, OptimizerSettings, Positive, Share

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # coefficients of the quintic polynomial, as published
ADAM_BETAS = (0.9, 0.95)
EPSILON = 1e-8


class MuonSettings(OptimizerSettings):
    """The settings of Muon. Weight decay is decoupled."""

    momentum: Share
    nesterov: bool
    iterations: Positive  # of Newton-Schulz
    adamw_learning_rate: NonNegative  # learning rate of the parameters that AdamW updates


@register("muon", MuonSettings)
def muon(settings: MuonSettings, network: nn.Module) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    matrices = [parameter for parameter in parameters if parameter.ndim >= 2][:-1]  # all but the last layer's
    chosen = set(map(id, matrices))
    others = [parameter for parameter in parameters if id(parameter) not in chosen]
    groups = [
        {"params": matrices, "lr": settings.learning_rate, "orthogonalized": True},
        {"params": others, "lr": settings.adamw_learning_rate, "orthogonalized": False},
    ]
    return Muon(
        [group for group in groups if group["params"]],
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        iterations=settings.iterations,
        weight_decay=settings.weight_decay,
    )


class Muon(torch.optim.Optimizer):
    """Muon for parameter groups with `orthogonalized`, AdamW for the others."""

    def __init__(
        self, parameters: ParamsT, *, momentum: float, nesterov: bool, iterations: int, weight_decay: float, lr: float = 0.02
    ) -> None:
        super().__init__(
            parameters,
            {
                "lr": lr,
                "momentum": momentum,
                "nesterov": nesterov,
                "iterations": iterations,
                "weight_decay": weight_decay,
                "orthogonalized": True,
            },
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update the parameters that have a gradient: each matrix by itself, all else for a group at once."""
        assert closure is None
        for group in self.param_groups:
            updated = [parameter for parameter in group["params"] if parameter.grad is not None]
            if updated:
                torch._foreach_mul_(updated, 1 - group["lr"] * group["weight_decay"])
                update = self._muon if group["orthogonalized"] else self._adamw
                update(updated, [parameter.grad for parameter in updated], group)

    def _muon(self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        momenta = self._states(parameters, "momentum")
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        updates = torch._foreach_lerp(gradients, momenta, group["momentum"]) if group["nesterov"] else momenta
        for parameter, update in zip(parameters, updates, strict=True):
            matrix = orthogonalize(update.reshape(len(update), -1), group["iterations"])
            rows, columns = matrix.shape
            parameter.add_(matrix.reshape(parameter.shape), alpha=-group["lr"] * max(1, rows / columns) ** 0.5)

    def _adamw(self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        means, squares = self._states(parameters, "mean"), self._states(parameters, "square")
        steps = [self.state[parameter].get("steps", 0) + 1 for parameter in parameters]
        for parameter, done in zip(parameters, steps, strict=True):
            self.state[parameter]["steps"] = done
        torch._foreach_lerp_(means, gradients, 1 - ADAM_BETAS[0])
        torch._foreach_mul_(squares, ADAM_BETAS[1])
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - ADAM_BETAS[1])
        spreads = torch._foreach_div(squares, [1 - ADAM_BETAS[1] ** done for done in steps])
        torch._foreach_sqrt_(spreads)
        torch._foreach_add_(spreads, EPSILON)
        torch._foreach_addcdiv_(parameters, means, spreads, [-group["lr"] / (1 - ADAM_BETAS[0] ** done) for done in steps])

    def _states(self, parameters: list[Tensor], name: str) -> list[Tensor]:
        for parameter in parameters:
            if name not in self.state[parameter]:
                self.state[parameter][name] = torch.zeros_like(parameter)
        return [self.state[parameter][name] for parameter in parameters]


def orthogonalize(matrix: Tensor, iterations: int) -> Tensor:
    """Move the singular values of a matrix (rows, columns) close to 1 by Newton-Schulz iterations.

    Each iteration is X <- a X + (b A + c A A) X with A = X X^T, which acts on the singular values s as a s + b s^3 + c s^5.
    """
    a, b, c = COEFFICIENTS
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.T
