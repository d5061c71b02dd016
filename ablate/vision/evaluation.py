"""Evaluate a network on the test images under each protocol, without affecting its training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from ablate.core import seeding
from ablate.engine.run import Run
from ablate.vision import data as images
from ablate.vision.config import Config
from ablate.vision.data import Images, Normalizer
from ablate.vision.devices import accelerator_of
from ablate.vision.precision import autocast
from ablate.vision.settings import PROTOCOLS, Protocol


def prefix(protocol: str) -> str:
    """The prefix of a protocol's metric names."""
    return "" if protocol == "standard" else f"{protocol}_"


@dataclass
class Scores:
    """The results under one protocol so far."""

    METRICS: ClassVar = (
        "final_test_accuracy", "peak_test_accuracy", "final_test_loss", "epochs_to_target", "seconds_to_target"
    )  # fmt: skip

    target: float
    final_loss: float = math.nan
    peak: float = -1.0
    epochs_to_target: int | None = None
    seconds_to_target: float | None = None
    last: NDArray[np.bool_] = field(
        default_factory=lambda: np.zeros(0, bool)
    )  # whether each test image was correct, last epoch
    best: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))  # and at the (first) best epoch

    def add(self, epoch: int, seconds: float, loss: float, right: NDArray[np.bool_]) -> None:
        accuracy = float(right.mean())
        self.final_loss, self.last = loss, right
        if accuracy > self.peak:
            self.peak, self.best = accuracy, right
        if self.epochs_to_target is None and accuracy >= self.target:
            self.epochs_to_target, self.seconds_to_target = epoch, seconds

    def state(self) -> dict[str, Any]:
        """The content for a checkpoint."""
        return {name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        for name, value in state.items():
            setattr(self, name, value.numpy() if isinstance(value, torch.Tensor) else value)

    def metrics(self) -> dict[str, float | None]:
        """The metrics in METRICS."""
        found = (float(self.last.mean()), self.peak, self.final_loss, self.epochs_to_target, self.seconds_to_target)
        return dict(zip(self.METRICS, found, strict=True))


def evaluate(
    protocol: str, config: Config, run: Run, network: nn.Module, data: Images, epoch: int
) -> tuple[float, NDArray[np.bool_]]:
    """Return the mean loss, and for each image (N,) whether it was classified correctly.

    Protocols: `standard` uses evaluation mode and unmodified images. `article` is the article's: training mode (batch
    statistics in BN, active dropout) and random flips. `batch` and `flipped` differ from `standard` only in batch statistics
    and only in flips. Running statistics, modes and random generators are restored.
    """
    how = PROTOCOLS[protocol]
    device = data.images.device
    normalize = Normalizer(config.augment, device)
    flipped = images.flips(len(data), run.stream("test flip", epoch)).to(device) if how.flips else None
    size = config.evaluation.batch_size
    if how.batch_statistics:
        size = config.evaluation.article_batch_size or config.optimizer.batch_size
    loss_sum = torch.zeros((), device=device)
    right = []
    with _untouched(network, device), torch.no_grad():
        _set_modes(network, how)
        if how.dropout:
            torch.manual_seed(seeding.derive(run.seed, "test dropout", epoch))
        for chosen in torch.split(torch.arange(len(data), device=device), size):
            batch, labels = data.images[chosen], data.labels[chosen]
            if flipped is not None:
                batch = images.flip(batch, flipped[chosen])
            with autocast(device, config.precision):
                logits = network(normalize(batch)).float()
            loss_sum += F.cross_entropy(logits, labels, reduction="sum")
            right.append(logits.argmax(1) == labels)
    return loss_sum.item() / len(data), torch.cat(right).cpu().numpy()


def _set_modes(network: nn.Module, how: Protocol) -> None:
    network.eval()
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.train(how.batch_statistics)
        elif isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.train(how.dropout)


@contextmanager
def _untouched(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Restore the modes and buffers of the network, and torch's global generators, after the body."""
    mode = network.training
    buffers = [buffer.clone() for buffer in network.buffers()]
    accelerator = accelerator_of(device)
    with torch.random.fork_rng(devices=[]):
        state = accelerator.get_rng_state() if accelerator else None
        try:
            yield
        finally:
            if accelerator and state is not None:
                accelerator.set_rng_state(state)
            with torch.no_grad():
                for buffer, before in zip(network.buffers(), buffers, strict=True):
                    buffer.copy_(before)
            network.train(mode)
