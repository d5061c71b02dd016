"""A program without torch and without images: what the engine promises to anybody's function."""

import os
import signal
import time

import ablate


class Checked(ablate.Experiment):
    def resolve(self, cfg):
        if cfg.x > 100:
            raise ablate.UsageError(f"x={cfg.x}: at most 100.")
        return {}


@ablate.main("conf", experiment=Checked())
def train(cfg, run):
    noise = run.stream("noise").normal() + cfg.rule.get("noise", 0) * run.stream("more noise").normal()
    for epoch in (1, 2):
        time.sleep(cfg.sleeps)
        run.log(epoch=epoch, score=cfg.rule.sign * cfg.x * epoch + noise)
    if cfg.x == 99:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
    if cfg.fails or cfg.x == 66:
        raise RuntimeError("it was asked to fail")
    if cfg.x == 13:
        raise ablate.Diverged("x is unlucky")
    return {"score": cfg.rule.sign * cfg.x + noise, "missing": None}


if __name__ == "__main__":
    train()
