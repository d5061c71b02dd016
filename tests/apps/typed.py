"""A program whose configuration is a dataclass: it stays one, in every cell."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from hydra.core.config_store import ConfigStore

import ablate


class Kind(Enum):
    A = 1
    B = 2


@dataclass
class Schema:
    kind: Kind = Kind.A
    folder: Path = Path("somewhere")
    sizes: list[int] = field(default_factory=lambda: [1, 2])


ConfigStore.instance().store(name="schema", node=Schema, package="_global_")


@ablate.main("conf", config_name="typed")
def train(cfg, run):
    assert isinstance(cfg.kind, Kind)
    assert isinstance(cfg.folder, Path)
    run.log(epoch=1, score=cfg.kind.value)
    return {"score": cfg.kind.value}


if __name__ == "__main__":
    train()
