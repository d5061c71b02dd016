"""A program whose config group has dataclasses of one base class, which have other fields."""

from dataclasses import dataclass, field
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class Optimizer:
    lr: float = 0.1


@dataclass
class Momentum(Optimizer):
    momentum: float = 0.9


@dataclass
class Adam(Optimizer):
    betas: list[float] = field(default_factory=lambda: [0.5, 0.25])


@dataclass
class Schema:
    defaults: list[Any] = field(default_factory=lambda: [{"opt": "plain"}, "_self_"])
    opt: Optimizer = MISSING
    seed: int = 0


store = ConfigStore.instance()
store.store(name="config", node=Schema)
for name, node in (("plain", Optimizer), ("momentum", Momentum), ("adam", Adam)):
    store.store(group="opt", name=name, node=node)


@hydra.main(version_base="1.3", config_name="config", config_path=None)
def main(cfg):
    options = dict(cfg.opt)
    return options["lr"] + options.get("momentum", 0) + sum(options.get("betas", ()))


if __name__ == "__main__":
    main()
