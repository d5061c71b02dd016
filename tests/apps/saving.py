"""A program that saves a checkpoint after each of its steps, and that sends itself a signal in the third, once."""

import os
import signal
import time

import torch

import ablate


@ablate.main("conf", config_name="saving", metrics=["total"])
def train(cfg, run):
    state = run.restore() or {"step": 0, "total": torch.zeros(())}
    step, total = state["step"], state["total"]
    while step < cfg.steps:
        step += 1
        total = total + cfg.x * step
        time.sleep(cfg.sleeps)
        run.log(step=step, total=float(total))
        if step == 3 and cfg.signal and run.record.attempts == 1:
            os.kill(os.getpid(), getattr(signal, cfg.signal))
        run.save({"step": step, "total": total})
    return {"total": float(total), "attempts": run.record.attempts}


if __name__ == "__main__":
    train()
