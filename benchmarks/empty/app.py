"""A program whose runs do nothing: what is left is the engine's own cost."""

from __future__ import annotations

from omegaconf import DictConfig

import ablate


@ablate.main("conf")
def train(cfg: DictConfig, run: ablate.Run) -> dict[str, float]:
    run.log(epoch=1, score=cfg.x)
    return {"score": cfg.x}


if __name__ == "__main__":
    train()
