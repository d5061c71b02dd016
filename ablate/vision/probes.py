"""Compare the running statistics of batch normalization in a trained network with those of the test images."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablate.vision.networks import used_layers


@dataclass(frozen=True)
class Shift:
    """The shift at one use of a BN layer. A layer that is used at two places has two shifts.

    Attributes:
        place: the name of this use of the layer.
        variance_ratio: the variance of the input over the running variance, each summed over channels; 1 if they are equal
            (the variance shift of Li et al. 2018, arXiv 1801.05134).
        mean_offset: the distance between the means of the input and the running means, in running standard deviations, as a
            root mean square over channels weighted by their variance.
    """

    place: str
    variance_ratio: float
    mean_offset: float


def norm_shifts(network: nn.Module, batches: Iterable[Tensor]) -> list[Shift]:
    """The shift at each use of a BN layer, in their order, in evaluation mode, over normalized images (B, 3, H, W)."""
    places = [(name, layer) for name, layer in used_layers(network) if isinstance(layer, nn.BatchNorm2d)]
    names: dict[nn.Module, list[str]] = {}
    for name, layer in places:
        names.setdefault(layer, []).append(name)
    met: dict[str, list[Tensor]] = {name: [] for uses in names.values() for name in uses}
    uses_of_pass: dict[nn.Module, int] = dict.fromkeys(names, 0)

    def see(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        uses = names[layer]
        x = inputs[0].float()
        sums = torch.stack([x.sum((0, 2, 3)), (x * x).sum((0, 2, 3)), torch.full_like(x[0, :, 0, 0], x.numel() / x.shape[1])])
        met[uses[uses_of_pass[layer] % len(uses)]].append(sums.cpu().double())  # some devices have no float64
        uses_of_pass[layer] += 1

    hooks = [layer.register_forward_pre_hook(see) for layer in names]
    mode = network.training
    network.eval()
    try:
        with torch.no_grad():
            for batch in batches:
                network(batch)
    finally:
        network.train(mode)
        for hook in hooks:
            hook.remove()
    return [_shift(name, layer, met[name]) for name, layer in places]


def largest(shifts: Iterable[Shift]) -> float | None:
    """The variance ratio furthest from 1, inverted if below 1, so that the result is >= 1; 1 without BN.

    None if the input of a layer is constant or not finite.
    """
    ratios = [shift.variance_ratio for shift in shifts]
    if not all(0 < ratio < math.inf for ratio in ratios):
        return None
    return max((max(ratio, 1 / ratio) for ratio in ratios), default=1.0)


def _shift(name: str, layer: nn.BatchNorm2d, sums: list[Tensor]) -> Shift:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    total, squares, count = torch.stack(sums).sum(0)
    mean = total / count
    variance = (squares / count - mean * mean).clamp(min=0).sum()
    expected = layer.running_var.cpu().double().sum()
    offset = (mean - layer.running_mean.cpu().double()).square().sum()
    return Shift(name, float(variance / expected), float((offset / expected).sqrt()))
