"""Fold a linear stem into one 1x1 convolution: a composition of affine maps is an affine map."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ablate.core.errors import UsageError


def fold_stem(network: nn.Module) -> nn.Module:
    """Return a copy of a network whose `stem` is one 1x1 convolution with the same output in evaluation mode.

    Convolutions 1x1 map the channels of each pixel by an affine function, and so does BN in evaluation mode; without an
    activation between them, so does the stem. Its matrix and its offset are computed in float64.

    Args:
        network: a network with a `stem`, an `nn.Sequential` of 1x1 convolutions and BN, on the CPU.

    Raises:
        UsageError: if there is no stem, or a layer of it is not linear.

    Example:
        >>> network = nn.Sequential()
        >>> network.stem = nn.Sequential(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 12, 1), nn.BatchNorm2d(12)).eval()
        >>> images = torch.randn(2, 3, 8, 8)
        >>> bool(torch.allclose(fold_stem(network).stem(images), network.stem(images), atol=1e-5))
        True
    """
    stem = getattr(network, "stem", None)
    if not isinstance(stem, nn.Sequential):
        raise UsageError("the network has no stem to fold.")
    matrix, offset = torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for name, layer in stem.named_children():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
            weight = layer.weight.detach().double().flatten(1)
            matrix, offset = weight @ matrix, weight @ offset
            if layer.bias is not None:
                offset = offset + layer.bias.detach().double()
        elif isinstance(layer, nn.BatchNorm2d):
            scale, shift = _affine(layer)
            matrix, offset = scale[:, None] * matrix, scale * offset + shift
        elif not isinstance(layer, nn.Identity):
            raise UsageError(f"stem.{name} ({type(layer).__name__}) is not linear, so the stem cannot be folded.")
    folded = nn.Conv2d(3, len(matrix), 1)
    with torch.no_grad():
        folded.weight.copy_(matrix[:, :, None, None])
        assert folded.bias is not None
        folded.bias.copy_(offset)
    result = copy.deepcopy(network)
    result.stem = nn.Sequential(folded).to(memory_format=torch.channels_last)
    return result


def _affine(norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """The factor and the summand of each channel in evaluation mode."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    shift = -norm.running_mean.double() * scale
    if norm.affine:
        weight, bias = norm.weight.detach().double(), norm.bias.detach().double()
        scale, shift = scale * weight, shift * weight + bias
    return scale, shift
