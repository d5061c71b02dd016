"""The command: one cell, or with -m a sweep.

    python -m ablate.run
    python -m ablate.run -m model.dropout=true,false stem=pyramid,direct

Here Hydra ends: below this file nothing knows of it. torch is imported when a run begins.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

import ablate
from ablate.vision.config import Data, from_hydra


def conf() -> Path:
    """The folder of the configuration: inside the package where it was installed, else beside it in a checkout."""
    packaged = Path(__file__).resolve().parent / "conf"
    return packaged if packaged.is_dir() else packaged.parent.parent / "conf"


def prepare(cfg: DictConfig, label: str) -> Mapping[str, Any] | None:
    """Check a configuration, and say which images it means. With summary=true, print the network instead."""
    config = from_hydra(cfg)
    from ablate.vision.devices import choose_device
    from ablate.vision.network import outline

    choose_device(config.device)
    network = outline(config)  # raises if its parts do not fit
    if config.summary:
        from ablate.report.terminal import console
        from ablate.vision.summary import table

        console().print(table(network, title=label if label != "base" else cfg.study.name))
        return None
    return _images(config.data)


@functools.cache
def _images(data: Data) -> dict[str, Any]:
    from ablate.vision import data as images

    source = images.resolve(data)
    try:
        digest = images.prepare(replace(data, source=source))
    except ablate.UsageError as error:
        if data.source != "auto" or source != "cifar10":
            raise
        print(f"data=auto: {error}")
        source, digest = "builtin", images.prepare(replace(data, source="builtin"))
    if data.source == "auto":
        print(_SAID[source])
    return {"data.source": source, "data.digest": digest}


_SAID = {
    "cifar10": "data=auto: CIFAR-10.",
    "builtin": "data=auto: CIFAR-10 is not here and cannot be had, so the images are drawn by the program (data=builtin). "
    "What the article claims of CIFAR-10 cannot be tested on them.",
}


def experiment(cfg: DictConfig) -> dict[str, Any]:
    """What a configuration builds: its network rather than the words that describe it, and all that is in use of the rest."""
    from ablate.vision.network import outline
    from ablate.vision.summary import structure

    config = from_hydra(cfg)
    rest = {
        name: value for name, value in asdict(config).items() if name not in ("model", "stem", "norm", "activation", "seed")
    }
    rest["schedule"] = {name: rest["schedule"][name] for name in ("name", *config.schedule.in_use())}
    rest["data"] = {name: value for name, value in rest["data"].items() if name not in ("root", "cache")}
    return {**rest, "network": structure(outline(config))}


def cost(cfg: DictConfig, processes: int) -> float:
    """The seconds of one run, from a few steps of its network."""
    from ablate.vision.cost import seconds

    return seconds(from_hydra(cfg), processes)


def metrics(cfg: DictConfig) -> list[str]:
    """The names of what a run returns."""
    from ablate.vision.training import metrics

    return metrics(from_hydra(cfg))


class _Experiment(ablate.Experiment):
    code = ("ablate.vision", "ablate.integrations.torch")
    packages = ("torch", "torchvision", "pillow")

    def resolve(self, cfg: DictConfig) -> Mapping[str, Any] | None:
        return prepare(cfg, self.label)

    def fingerprint(self, settings: DictConfig) -> Any:
        return experiment(settings)

    def cost(self, settings: DictConfig, processes: int) -> float:
        return cost(settings, processes)

    def describe(self, settings: DictConfig) -> ablate.Description:
        return ablate.Description(tuple(map(ablate.MetricSpec.guess, metrics(settings))))


@ablate.main(conf(), experiment=_Experiment())
def train(cfg: DictConfig, run: ablate.Run) -> Mapping[str, float | None]:
    from ablate.vision.training import train

    return train(from_hydra(cfg), run)


if __name__ == "__main__":
    train()
