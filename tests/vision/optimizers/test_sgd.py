"""SGD: torch's own, with the settings of the configuration."""

from collections.abc import Callable

import torch
from torch import nn

from ablate.vision.config import Config
from ablate.vision.optimizers import make_optimizer


def test_it_is_torchs_with_its_settings(experiment: Callable[..., Config]) -> None:
    settings = experiment("optimizer=nesterov", "optimizer.learning_rate=0.2").optimizer
    optimizer = make_optimizer(settings, nn.Linear(3, 2))
    assert type(optimizer) is torch.optim.SGD
    (group,) = optimizer.param_groups
    found = {key: group[key] for key in ("lr", "momentum", "nesterov", "weight_decay", "fused")}
    assert found == {"lr": 0.2, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0005, "fused": True}
