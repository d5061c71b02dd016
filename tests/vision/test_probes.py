"""What BN meets in evaluation mode, by hand."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from ablate.vision.config import Config
from ablate.vision.networks import build
from ablate.vision.probes import Shift, largest, norm_shifts


def test_a_layer_whose_statistics_are_those_of_its_input_has_no_shift() -> None:
    x = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 + 1
    network = nn.Sequential()
    network.add_module("norm", nn.BatchNorm2d(3))
    network.norm.running_mean.copy_(x.mean((0, 2, 3)))
    network.norm.running_var.copy_(x.var((0, 2, 3), unbiased=False))
    (found,) = norm_shifts(network, x.split(10))
    assert found.place == "norm"
    assert found.variance_ratio == pytest.approx(1, abs=1e-5)
    assert found.mean_offset == pytest.approx(0, abs=1e-5)


def test_one_layer_in_two_places_expects_one_thing_and_meets_two() -> None:
    """x has the variance 1 and the mean 0; three times it, less 6, has 9 and -6: ratios 1 / 4 and 9 / 4, offsets 0 and 3."""
    x = torch.randn(4096, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    x = (x - x.mean()) / x.std(unbiased=False)
    norm = nn.BatchNorm2d(1, affine=True)
    norm.running_var.fill_(4.0)
    scale = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        scale.weight.fill_(6.0)  # the norm has divided by 2
        scale.bias.fill_(-6.0)
    network = nn.Sequential()
    for name, layer in (("first", norm), ("scale", scale), ("second", norm)):
        network.add_module(name, layer)
    network.train()
    first, second = norm_shifts(network, [x])
    assert (first.place, second.place) == ("first", "second")
    assert (first.variance_ratio, second.variance_ratio) == (pytest.approx(0.25, rel=1e-4), pytest.approx(9 / 4, rel=1e-4))
    assert (first.mean_offset, second.mean_offset) == (pytest.approx(0, abs=1e-4), pytest.approx(3, rel=1e-4))
    assert largest([first, second]) == pytest.approx(4, rel=1e-4)
    assert network.training


def test_the_network_of_stage_89_has_six_uses_of_five_layers(experiment: Callable[..., Config]) -> None:
    network = build(experiment("experiment=stage89", "model.widths=[8,12,16]"))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = norm_shifts(network, [torch.rand(4, 3, 32, 32)])
    assert [shift.place for shift in found] == [
        "stem.norm3", "stem.norm4", "block1.norm1", "block2.norm1", "block3.norm1", "block3.pool_norm",
    ]  # fmt: skip
    assert all(math.isfinite(shift.variance_ratio) for shift in found)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(layer._forward_pre_hooks for layer in network.modules())


def test_without_bn_there_is_nothing_to_shift() -> None:
    assert norm_shifts(nn.Sequential(nn.Conv2d(3, 4, 1)), [torch.rand(1, 3, 4, 4)]) == []
    assert largest([]) == 1.0
    assert largest([Shift("a", 0.5, 0), Shift("b", 1.5, 0)]) == pytest.approx(2)
    assert largest([Shift("a", 0.0, 0), Shift("b", 1.5, 0)]) is None
    assert largest([Shift("a", 2.0, 0), Shift("b", math.nan, 0)]) is None
