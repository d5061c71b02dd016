"""PyTorch Lightning with the product's network and the DataLoader of the common loop."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import time
import warnings
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks import product
from benchmarks.loops.case import WARM_UP, Case, synchronize
from benchmarks.loops.common import WORKERS
from benchmarks.loops.datasets import PilImages, common_transform, endless

PACKAGES = ("lightning.pytorch", "pytorch_lightning")  # the same library under its two names
LEAST = 3  # batches that count


def missing() -> str | None:
    """Why Lightning cannot be measured here; None if it can."""
    if any(importlib.util.find_spec(name.split(".")[0]) for name in PACKAGES):
        return None
    return "Lightning is not installed: pip install lightning"


class LightningLoop:
    """`Trainer.fit` of a LightningModule, without a logger, checkpoints and a progress bar."""

    def __init__(self, case: Case) -> None:
        self.case = case
        name = next(name for name in PACKAGES if importlib.util.find_spec(name.split(".")[0]))
        self.library = importlib.import_module(name)
        for logger in ("lightning.pytorch", "pytorch_lightning"):
            logging.getLogger(logger).setLevel(logging.ERROR)
        self.loader = endless(PilImages(case.overrides, common_transform()), case.batch, WORKERS)
        network = product.make_network(case.overrides, case.device, case.precision)
        self.module = _module(self.library, network.to(memory_format=torch.contiguous_format))

    def measure(self, seconds: float) -> float:
        clock = _clock(self.library, seconds, self.case.device, self.case.batch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # hints about the number of workers
            self.library.Trainer(
                accelerator="gpu" if self.case.device == "cuda" else "cpu",
                devices=1,
                max_epochs=1,
                precision="bf16-mixed" if self.case.precision == "bfloat16" else "32-true",
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                callbacks=[clock],
            ).fit(self.module, self.loader)
        return float(clock.images / (clock.ended - clock.began))


def _module(library: Any, network: torch.nn.Module) -> Any:
    class Module(library.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> torch.Tensor:
            images, labels = batch
            return F.cross_entropy(self.network(images), labels)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01, momentum=0.9)

    return Module()


def _clock(library: Any, seconds: float, device: str, batch: int) -> Any:
    class Clock(library.Callback):  # type: ignore[misc]
        """Counts images after the warm-up, and ends the training when the time is over."""

        images = 0
        began = ended = 0.0

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            done = trainer.global_step - WARM_UP
            if done == 0:
                synchronize(device)
                self.began = time.perf_counter()
            if done > 0:
                self.images += batch
            if done >= LEAST and time.perf_counter() - self.began >= seconds:
                synchronize(device)
                self.ended = time.perf_counter()
                trainer.should_stop = True

    return Clock()
