"""A program that is killed: steps that take a moment, random numbers, a checkpoint after each step, and an array at the end."""

from __future__ import annotations

import time

from omegaconf import DictConfig

import ablate

STEP_SECONDS = 0.2


@ablate.main("conf")
def train(cfg: DictConfig, run: ablate.Run) -> dict[str, float]:
    state = run.restore() or {"step": 0, "total": 0.0}
    while state["step"] < cfg.steps:
        time.sleep(STEP_SECONDS)
        step = state["step"] + 1
        total = state["total"] + cfg.x + run.stream("noise", step).normal()
        run.log(step=step, total=total)
        state = {"step": step, "total": float(total)}
        run.save(state)
    run.keep("noise", values=run.stream("array").normal(size=1000))
    return {"total": state["total"]}


if __name__ == "__main__":
    train()
