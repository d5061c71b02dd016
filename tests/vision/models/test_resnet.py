"""ResNet-18 against its published size, and its residual connections."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ablate.core.errors import UsageError
from ablate.vision.config import Config
from ablate.vision.networks import build, outline
from ablate.vision.summary import macs, parameters, rows

Experiment = Callable[..., Config]
SMALL = ["model=resnet18", "model.widths=[4,6]", "model.blocks=1"]


def test_resnet18_has_the_published_number_of_parameters(experiment: Experiment) -> None:
    """11,173,962 for 10 classes, and 0.56 GMACs: kuangliu/pytorch-cifar, models/resnet.py."""
    network = outline(experiment("model=resnet18"))
    assert parameters(network) == 11_173_962
    assert macs(network) == 555_422_720
    assert parameters(outline(experiment("model=resnet18"), classes=100)) == 11_173_962 + 90 * 513


def test_the_shapes_of_the_stages(experiment: Experiment) -> None:
    found = [row for row in rows(outline(experiment("model=resnet18"))) if row.kind == "Conv2d"]
    assert found[0].shape == (64, 32, 32)
    assert [row.shape for row in found if row.name.endswith("block2.conv2")] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4),
    ]  # fmt: skip
    assert sum(".shortcut." in row.name for row in found) == 3


def test_a_block_adds_its_input(experiment: Experiment) -> None:
    """With weights of zero in its last BN, a block of one shape is a ReLU."""
    block = build(experiment(*SMALL)).get_submodule("stages.stage1.block1")
    nn.init.zeros_(block.norm2.weight)
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(block(x), x.relu())


def test_it_trains_and_takes_the_activation_of_the_configuration(experiment: Experiment) -> None:
    network = build(experiment(*SMALL, "activation=silu"))
    assert any(isinstance(layer, nn.SiLU) for layer in network.modules())
    network(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_keys_of_another_family_are_refused(experiment: Experiment) -> None:
    with pytest.raises(UsageError) as caught:
        experiment("model=resnet18", "+model.dropout=true")
    assert str(caught.value) == "model.dropout: unknown key. Available: name, widths, blocks."
