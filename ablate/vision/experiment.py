"""The experiment that ships, as the engine sees it: networks for small images, trained and evaluated with PyTorch."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.engine.experiment import Experiment

if TYPE_CHECKING:
    import torch

    from ablate.vision.config import Config
    from ablate.vision.settings import Data

NETWORK_SECTIONS = ("model", "stem", "norm", "activation")


class VisionExperiment(Experiment):
    """Networks for images of 32x32 pixels. torch is imported when the first configuration is resolved."""

    code = ("ablate.vision", "ablate.integrations.torch")
    packages = ("torch", "torchvision", "pillow")

    def resolve(self, cfg: DictConfig) -> Mapping[str, Any] | None:
        """Check a configuration; decode its images, and decide what `auto` means for data and precision.

        summary=true asks for no run, but for the table of the network.
        """
        from ablate.vision.config import from_hydra
        from ablate.vision.data import class_count
        from ablate.vision.devices import choose_device
        from ablate.vision.networks import outline

        config = from_hydra(cfg)
        device = choose_device(config.device)
        outline(config, class_count(config.data))  # raises UsageError if the parts of the network do not fit
        if config.summary:
            return None
        found = resolve_images(config.data)
        if config.precision == "auto":
            found = {**found, "precision": resolve_precision(device)}
        return found

    def show(self, cfg: DictConfig, title: str) -> None:
        """Print the table of the network."""
        from ablate.report.terminal import console
        from ablate.vision.config import from_hydra
        from ablate.vision.data import class_count
        from ablate.vision.networks import outline
        from ablate.vision.summary import table

        config = from_hydra(cfg)
        console().print(table(outline(config, class_count(config.data)), title=title))

    def read(self, cfg: DictConfig) -> Config:
        """The validated configuration."""
        from ablate.vision.config import from_hydra

        return from_hydra(cfg)

    def fingerprint(self, settings: Config) -> Any:
        """The graph of the network instead of the settings that describe it, and of the other settings those in use."""
        from ablate.vision.graph import network_content

        content = settings.model_dump(exclude={*NETWORK_SECTIONS, "seed"})
        content["schedule"] = {name: content["schedule"][name] for name in ("name", *settings.schedule.in_use())}
        content["data"] = {name: value for name, value in content["data"].items() if name not in ("root", "cache")}
        return {**content, "network": network_content(settings)}

    def cost(self, settings: Config, processes: int) -> float | None:
        """The estimated seconds of one run, from a few steps of its network."""
        from ablate.vision.cost import seconds

        return seconds(settings, processes)

    def describe(self, settings: Config) -> Description:
        """The metrics of a run, and what a report says about them."""
        from ablate.vision.description import describe

        return describe(settings)


@functools.cache
def resolve_images(data: Data) -> Mapping[str, Any]:
    """Decode and cache the images of a configuration, and decide what data=auto means. Says so once.

    Returns:
        The keys data.source and data.digest.

    Raises:
        UsageError: if the images of a source that was named are not available.
    """
    from ablate.vision import data as images
    from ablate.vision.datasets import AUTO

    source = images.resolve(data)
    try:
        digest = images.prepare(data.model_copy(update={"source": source}))
    except UsageError as error:
        if data.source != AUTO or source == images.FALLBACK:
            raise
        print(f"data=auto: {error}")
        source = images.FALLBACK
        digest = images.prepare(data.model_copy(update={"source": source}))
    if data.source == AUTO:
        print(_CHOSEN[source])
    return {"data.source": source, "data.digest": digest}


_CHOSEN = {
    "cifar10": "data=auto: CIFAR-10.",
    "builtin": "data=auto: CIFAR-10 is not here and cannot be downloaded, so the images are drawn by the program "
    "(data=builtin). Claims about CIFAR-10 cannot be tested on them.",
}


@functools.cache
def resolve_precision(device: torch.device) -> str:
    """Decide what precision=auto means on a device. Says so once."""
    from ablate.vision import precision

    chosen = precision.resolve("auto", device)
    measured = f", where a matrix product in bfloat16 is {precision.cpu_speedup():.1f} times as fast as in float32"
    print(f"precision=auto: {chosen} on this {device.type}{measured if device.type == 'cpu' else ''}.")
    return chosen
