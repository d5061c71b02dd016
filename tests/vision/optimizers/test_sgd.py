"""SGD: torch's own, with the settings of the configuration."""

from collections.abc import Callable

import torch
from torch import nn

from ablate.vision.config import Config
from ablate.vision.optimizers import make_optimizer
from ablate.vision.training import make_schedule


def test_it_is_torchs_with_its_settings(experiment: Callable[..., Config]) -> None:
    settings = experiment("optimizer=nesterov", "optimizer.learning_rate=0.2").optimizer
    optimizer = make_optimizer(settings, nn.Linear(3, 2))
    assert type(optimizer) is torch.optim.SGD
    (group,) = optimizer.param_groups
    found = {key: group[key] for key in ("lr", "momentum", "nesterov", "weight_decay", "fused")}
    assert found == {"lr": 0.2, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0005, "fused": True}


def test_biases_of_bn_learn_by_a_factor_faster_and_decay_as_much(experiment: Callable[..., Config]) -> None:
    """A step by hand: bias -= factor lr (gradient + decay / factor bias); everything else as without the factor."""
    changes = (
        "optimizer.norm_bias_factor=4",
        "optimizer.learning_rate=0.1",
        "optimizer.weight_decay=0.5",
        "optimizer.momentum=0",
    )
    settings = experiment(*changes, "optimizer.nesterov=false").optimizer
    network = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm2d(2))
    optimizer = make_optimizer(settings, network)
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    nn.init.constant_(network[1].bias, 2.0)
    before["1.bias"].fill_(2.0)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    for name, value in network.named_parameters():
        factor = 4 if name == "1.bias" else 1
        expected = before[name] - 0.1 * factor * (1 + 0.5 / factor * before[name])
        assert torch.allclose(value, expected), name


def test_a_schedule_scales_the_learning_rate_of_all_groups(experiment: Callable[..., Config]) -> None:
    config = experiment("optimizer.norm_bias_factor=4", "optimizer.learning_rate=0.1", "schedule=onecycle", "budget.epochs=2")
    optimizer = make_optimizer(config.optimizer, nn.Sequential(nn.Linear(1, 2), nn.BatchNorm2d(2)))
    schedule, _ = make_schedule(config, optimizer, 5)
    peaks = [0.0, 0.0]
    for _ in range(9):
        peaks = [max(peak, group["lr"]) for peak, group in zip(peaks, optimizer.param_groups, strict=True)]
        optimizer.step()
        schedule.step()
    assert peaks[0] <= 0.1
    assert peaks[1] == 4 * peaks[0]
