"""AdamW: torch's own, with the settings of the configuration."""

from collections.abc import Callable

import torch
from torch import nn

from ablate.vision.config import Config
from ablate.vision.optimizers import make_optimizer


def test_it_is_torchs_with_its_settings(experiment: Callable[..., Config]) -> None:
    optimizer = make_optimizer(experiment("optimizer=adamw", "optimizer.beta2=0.95").optimizer, nn.Linear(3, 2))
    assert type(optimizer) is torch.optim.AdamW
    (group,) = optimizer.param_groups
    found = {key: group[key] for key in ("lr", "betas", "eps", "weight_decay")}
    assert found == {"lr": 0.001, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.01}
