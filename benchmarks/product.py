"""Everything that the benchmarks use of `ablate`, in one module: adapt this one when the API changes.

Commands of the project (`python -m ablate.run`, `python -m ablate.report`) are run by the sections themselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray
from torch import nn

from ablate.engine.run import Run
from ablate.run import conf
from ablate.storage.records import RunRecord
from ablate.vision import data as product_data
from ablate.vision.config import Config, from_hydra
from ablate.vision.devices import choose_device, set_numerics
from ablate.vision.networks import build, outline
from ablate.vision.precision import resolve
from ablate.vision.summary import macs
from ablate.vision.training import Trainer


def make_config(overrides: Sequence[str]) -> Config:
    """The experiment of conf/ with `overrides`, checked."""
    with initialize_config_dir(str(conf()), version_base="1.3"):
        return from_hydra(compose("config", list(overrides)))


def set_up(overrides: Sequence[str], device: str, precision: str) -> tuple[Config, torch.device]:
    """The configuration and the device of a process that trains; sets the threads and the arithmetic of torch."""
    fixed = (f"device={device}", f"threads={torch.get_num_threads()}", f"precision={precision}")
    config = make_config([*overrides, *fixed])
    chosen = choose_device(config.device)
    set_numerics(config, chosen)
    return config, chosen


def make_network(overrides: Sequence[str], device: str, precision: str = "float32") -> nn.Module:
    """The network of an experiment on its device, in channels_last; torch is set up as a run would set it up."""
    config, chosen = set_up(overrides, device, precision)
    return build(config).to(chosen)


def precision_of(device: str) -> str:
    """The precision that `precision=auto` takes on a device of this machine."""
    return resolve("auto", torch.device(device))


def flops_per_image(overrides: Sequence[str]) -> float:
    """Floating-point operations of one training image: two for each multiply-accumulate, forward and twice that backward."""
    return 3 * 2 * float(macs(outline(make_config(overrides))))


def training_images(overrides: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The training images (N, 32, 32, 3) and their labels (N,) of an experiment."""
    train = product_data.load(make_config(overrides).data, torch.device("cpu")).train
    return train.images.numpy(), train.labels.numpy()


def decode_images(overrides: Sequence[str]) -> None:
    """Decode the images of an experiment into its cache, unless they are there; check them as a run does."""
    product_data.prepare(make_config(overrides).data)


def load_images(overrides: Sequence[str]) -> object:
    """The images of an experiment in the memory of this process, as a run holds them."""
    return product_data.load(make_config(overrides).data, torch.device("cpu"))


class Training:
    """The product's own training loop over the images of an experiment."""

    def __init__(self, overrides: Sequence[str], device: str, precision: str) -> None:
        config, chosen = set_up(overrides, device, precision)
        self._folder = tempfile.TemporaryDirectory()
        record = RunRecord(identity="", cell="", seed=config.seed, label="", choices={}, overridden=[])
        run = Run(Path(self._folder.name), record, {})
        data = product_data.load(config.data, chosen)
        self._trainer = Trainer(config, run, build(config, len(data.classes)).to(chosen), data.train, chosen)
        self._images = len(data.train)
        self._epochs = 0

    def epoch(self) -> int:
        """Train on every image once, until the device is done; the number of images."""
        self._epochs += 1
        self._trainer.epoch(self._epochs)
        return self._images
