"""Building networks: initial weights by the roles of the layers, whatever else the network has."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ablate.vision.config import Config
from ablate.vision.networks import activation, build, outline

Experiment = Callable[..., Config]


def test_common_layers_begin_equal_whatever_is_inserted(experiment: Experiment) -> None:
    base = build(experiment()).state_dict()
    for overrides in (["model.dropout=true"], ["stem=direct"], ["norm=every"], ["activation=gelu"], ["model.padding=module"]):
        other = build(experiment(*overrides)).state_dict()
        layers = {key.rsplit(".", 1)[0] for key in base if key in other and base[key].shape != other[key].shape}
        common = [key for key in base if key in other and key.rsplit(".", 1)[0] not in layers]
        assert len([key for key in common if ".conv" in key]) >= 20
        assert all(torch.equal(base[key], other[key]) for key in common)
    other = build(experiment("seed=1")).state_dict()
    convolutions = [key for key in base if ".conv" in key]
    assert not any(torch.equal(base[key], other[key]) for key in convolutions)


def test_layers_of_one_shape_begin_with_weights_of_their_own(experiment: Experiment) -> None:
    network = build(experiment())
    assert not torch.equal(network.get_submodule("block3.conv2").weight, network.get_submodule("block3.conv3").weight)


def test_the_initialisation_is_torchs_own(experiment: Experiment) -> None:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases: torch's documentation of Conv2d."""
    before = torch.get_rng_state()
    layer = build(experiment()).get_submodule("block2.conv2").requires_grad_(False)
    bound = (128 * 9) ** -0.5
    assert layer.weight.abs().max() <= bound
    assert layer.weight.abs().max() > 0.99 * bound
    assert float(layer.weight.std()) == pytest.approx(bound / 3**0.5, rel=0.01)
    assert layer.bias.abs().max() <= bound
    assert torch.equal(torch.get_rng_state(), before)


def test_an_outline_has_no_memory_for_weights(experiment: Experiment) -> None:
    network = outline(experiment(), classes=7)
    assert all(parameter.is_meta for parameter in network.parameters())
    assert network(torch.empty(2, 3, 32, 32, device="meta")).shape == (2, 7)


def test_a_network_is_in_channels_last(experiment: Experiment) -> None:
    assert build(experiment()).get_submodule("block2.conv2").weight.is_contiguous(memory_format=torch.channels_last)


def test_activations_have_names() -> None:
    found = {name: type(activation(name)) for name in ("relu", "gelu", "silu", "none")}
    assert found == {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "none": nn.Identity}
