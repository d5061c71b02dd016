"""`VisionExperiment`: describes the included experiment to the engine."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.engine.experiment import Experiment
from ablate.vision.settings import NETWORK_SECTIONS

if TYPE_CHECKING:
    import torch

    from ablate.vision.config import Config
    from ablate.vision.settings import Data


class VisionExperiment(Experiment):
    """Networks for images of 32x32 pixels. Imports torch when the first configuration is resolved."""

    code = ("ablate.vision", "ablate.integrations.torch")
    packages = ("torch", "torchvision", "pillow")
    first_seed = 0

    def resolve(self, cfg: DictConfig) -> Mapping[str, Any] | None:
        """Check a configuration, decode its images, and resolve `auto` for data and precision.

        With summary=true, request no run: `show` prints a table of the network.
        """
        from ablate.vision.config import from_hydra
        from ablate.vision.data import class_count
        from ablate.vision.devices import choose_device
        from ablate.vision.networks import outline

        config = from_hydra(cfg)
        device = choose_device(config.device)
        outline(config, class_count(config.data))  # raises UsageError for incompatible settings
        if config.summary:
            return None
        found = resolve_images(config.data)
        note_single_batches(config.optimizer.batch_size, config.data.model_copy(update={"source": found["data.source"]}))
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
        """The traced graph in place of the network's settings, and the other settings that are in use."""
        from ablate.vision.graph import network_content

        content = settings.model_dump(exclude={*NETWORK_SECTIONS, "seed"})
        content["augment"] = settings.augment.in_use()
        content["optimizer"] = settings.optimizer.in_use()
        if settings.averaging.name == "none":
            del content["averaging"]  # as in the content of runs from before there was averaging
        else:
            content["averaging"] = settings.averaging.in_use()
        used = settings.schedule.in_use(settings.optimizer.skip_first_batch)
        content["schedule"] = {name: content["schedule"][name] for name in ("name", *used)}
        content["data"] = {name: value for name, value in content["data"].items() if name not in ("root", "cache")}
        return {**content, "network": network_content(settings)}

    def cost(self, settings: Config, processes: int) -> float | None:
        """Estimate the seconds of one run from a few timed steps."""
        from ablate.vision.cost import seconds

        return seconds(settings, processes)

    def describe(self, settings: Config) -> Description:
        """Describe the results of a run."""
        from ablate.vision.description import describe

        return describe(settings)


@functools.cache
def resolve_images(data: Data) -> Mapping[str, Any]:
    """Decode and cache the images, and resolve data=auto with a message on the first call.

    Returns:
        The keys data.source and data.digest.

    Raises:
        UsageError: if the images of an explicitly chosen source are not available.
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


@functools.cache
def note_single_batches(batch_size: int, data: Data) -> None:
    """Print a note, once, if a batch is larger than the training set: larger batches then train alike."""
    from ablate.vision.data import training_size

    if batch_size > (size := training_size(data)):
        print(f"optimizer.batch_size={batch_size}: there are only {size} training images, so an epoch is one batch of these.")


_CHOSEN = {
    "cifar10": "data=auto: CIFAR-10.",
    "builtin": "data=auto: CIFAR-10 is not on this machine and cannot be downloaded, so images are generated "
    "(data=builtin). Claims about CIFAR-10 cannot be tested with these.",
}


@functools.cache
def resolve_precision(device: torch.device) -> str:
    """Resolve precision=auto for a device, with a message on the first call."""
    from ablate.vision import precision

    chosen = precision.resolve("auto", device)
    measured = f", where a matrix product in bfloat16 is {precision.cpu_speedup():.1f} times as fast as in float32"
    print(f"precision=auto: {chosen} on this {device.type}{measured if device.type == 'cpu' else ''}.")
    return chosen
