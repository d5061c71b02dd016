"""A program whose keys resolve differently in each job: to the seed, Hydra's facts, the time, and random numbers."""

import itertools
import os
import random

from omegaconf import OmegaConf

import ablate

count = itertools.count()
OmegaConf.register_new_resolver("draw", lambda: random.SystemRandom().random(), replace=True)
OmegaConf.register_new_resolver("draw_once", lambda: random.SystemRandom().random(), use_cache=True, replace=True)
OmegaConf.register_new_resolver("count", lambda: next(count), replace=True)
OmegaConf.register_new_resolver("twice", lambda key, *, _root_: 2 * _root_[key], replace=True)


class Remover:
    """A logger that removes the configuration of a run, after everything else has been written."""

    def begin(self, directory, record, levels):  # noqa: ARG002
        self.directory = directory

    def row(self, step, values):
        pass

    def end(self, record, metrics):  # noqa: ARG002
        if record.label == "x=2":
            (self.directory / "config.yaml").unlink()


@ablate.main("conf", "resolvers")
def train(cfg, run):
    assert cfg.manual_seed == cfg.twice_seed / 2 == run.seed
    if cfg.changes_environment:
        os.environ["ABLATE_TEST_LR"] = str(random.random())
    return {"score": cfg.x + run.seed}


if __name__ == "__main__":
    train()
