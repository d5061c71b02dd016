"""One run: train, judge after each epoch under both protocols, say what came of it.

Random numbers: the initial weights, the order of the images and their augmentation come from streams of the run's seed,
drawn on the CPU, one entry an image; torch's global generator belongs to dropout alone. Runs of equal seeds therefore differ
in what their configurations differ in, and in nothing else.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.study.errors import Diverged, UsageError
from ablate.study.records import Run
from ablate.vision import data as images
from ablate.vision.config import Config
from ablate.vision.data import Images, Normaliser
from ablate.vision.network import build
from ablate.vision.summary import macs, parameters

log = logging.getLogger("ablate")


def train(config: Config, run: Run) -> dict[str, float | None]:
    """Train the network of `config` and return its metrics.

    For each protocol (standard without a prefix, `article_` for the article's): final_test_accuracy and
    peak_test_accuracy in [0, 1], final_test_loss, epochs_to_target and seconds_to_target (of training; None if the target
    was not reached). Besides: final_train_loss, final_train_accuracy (on the augmented images, while training),
    images_per_second (of training), parameters (each counted once), macs (multiply-accumulates for one image).

    Raises Diverged, with the epoch, if the training loss is not finite.
    """
    device = choose_device(config.device)
    _set_numerics(config, device, run)
    data = images.load(config.data, device)
    network = build(config, classes=len(data.classes)).to(device)
    trainer = Trainer(config, run, network, data.train, device)
    scores = {protocol: Scores(config.evaluation.target_accuracy) for protocol in config.evaluation.protocols}
    for epoch in range(1, config.budget.epochs + 1):
        row = trainer.epoch(epoch)
        if not math.isfinite(row["train_loss"]):
            raise Diverged(f"the training loss is not finite in epoch {epoch}")
        for protocol, score in scores.items():
            loss, right = evaluate(protocol, config, run, network, data.test, epoch)
            score.add(epoch, trainer.seconds, loss, right)
            row |= {f"{prefix(protocol)}test_loss": loss, f"{prefix(protocol)}test_accuracy": float(right.mean())}
        run.log(**row)
        log.info("%s", _in_words(config, run, row))
    for protocol, score in scores.items():
        run.keep(f"{protocol}_right", last=np.packbits(score.last), best=np.packbits(score.best), count=np.int64(len(data.test)))
    return {
        **{f"{prefix(protocol)}{name}": value for protocol, score in scores.items() for name, value in score.metrics().items()},
        "final_train_loss": row["train_loss"],
        "final_train_accuracy": row["train_accuracy"],
        "images_per_second": trainer.images / trainer.seconds,
        "parameters": parameters(network),
        "macs": macs(network),
    }


def prefix(protocol: str) -> str:
    """What the names of a protocol's metrics begin with."""
    return "" if protocol == "standard" else f"{protocol}_"


class Trainer:
    """The network under training: what lasts from one epoch to the next."""

    def __init__(self, config: Config, run: Run, network: nn.Module, data: Images, device: torch.device) -> None:
        self.config, self.run, self.network, self.data, self.device = config, run, network, data, device
        self.normalise = Normaliser(config.augment, device)
        o = config.optimizer
        self.optimizer = torch.optim.SGD(
            network.parameters(),
            lr=o.learning_rate,
            momentum=o.momentum,
            nesterov=o.nesterov,
            weight_decay=o.weight_decay,
            fused=True,
        )
        self.batches = math.ceil(len(data) / o.batch_size)
        self.schedule, self.by_batch = make_schedule(config, self.optimizer, self.batches)
        self.seconds = 0.0  # of training, all epochs
        self.images = 0
        torch.manual_seed(run.derive("dropout"))

    def epoch(self, epoch: int) -> dict[str, float]:
        """Train on every image once; the row of history.csv. `epoch` counts from 1."""
        config = self.config
        count = len(self.data)
        rate = float(self.optimizer.param_groups[0]["lr"])
        started = time.perf_counter()
        # All draws of the epoch at once, an entry an image: neither the batch size nor the device changes them
        order = torch.from_numpy(self.run.stream("order", epoch).permutation(count)).to(self.device)
        flipped = images.flips(count, self.run.stream("flip", epoch)).to(self.device) if config.augment.flip else None
        starts = (
            images.offsets(count, config.augment.crop, self.run.stream("crop", epoch)).to(self.device)
            if config.augment.crop
            else None
        )
        loss_sum = torch.zeros((), device=self.device)
        right_sum = torch.zeros((), device=self.device, dtype=torch.int64)
        self.network.train()
        for number, chosen in enumerate(order.split(config.optimizer.batch_size)):
            batch = self.data.images[chosen]
            if flipped is not None:
                batch = images.flip(batch, flipped[chosen])
            if starts is not None:
                batch = images.crop(batch, starts[chosen], config.augment.crop)
            labels = self.data.labels[chosen]
            skipped = number == 0 and config.optimizer.skip_first_batch
            loss, logits = self._step(self.normalise(batch), labels, skipped)
            loss_sum += loss * len(chosen)
            right_sum += (logits.argmax(1) == labels).sum()
        if not self.by_batch and not config.optimizer.skip_first_batch:
            self.schedule.step()
        train_loss = loss_sum.item() / count  # the first time in the epoch that the host waits for the device
        seconds = time.perf_counter() - started
        self.seconds += seconds
        self.images += count
        return {
            "epoch": epoch,
            "learning_rate": rate,
            "train_loss": train_loss,
            "train_accuracy": right_sum.item() / count,
            "train_seconds": seconds,
        }

    def _step(self, batch: Tensor, labels: Tensor, skipped: bool) -> tuple[Tensor, Tensor]:
        """One step; of a skipped batch the network sees the images (its BN statistics move), and its weights stay."""
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device):
            logits = self.network(batch)
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.config.optimizer.label_smoothing)
        if not skipped:
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        if self.by_batch or skipped:
            self.schedule.step()
        return loss.detach(), logits.detach()


def make_schedule(
    config: Config, optimizer: torch.optim.Optimizer, batches: int
) -> tuple[torch.optim.lr_scheduler.LRScheduler, bool]:
    """torch's own schedule, and whether it steps with each batch (else with each epoch)."""
    schedules = torch.optim.lr_scheduler
    steps = config.budget.epochs * batches
    match config.schedule.name:
        case "constant":
            return schedules.ConstantLR(optimizer, factor=1.0), False
        case "step":
            return schedules.StepLR(optimizer, config.schedule.step_epochs, config.schedule.gamma), False
        case "cosine":
            return schedules.CosineAnnealingLR(optimizer, steps), True
        case "onecycle":
            peak = config.optimizer.learning_rate
            return schedules.OneCycleLR(
                optimizer, peak, total_steps=steps + 1, pct_start=config.schedule.warmup, cycle_momentum=False
            ), True
    raise AssertionError(config.schedule.name)


@dataclass
class Scores:
    """What one protocol found, epoch by epoch."""

    target: float
    final_loss: float = math.nan
    peak: float = -1.0
    epochs_to_target: int | None = None
    seconds_to_target: float | None = None
    last: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # which test images were right at the last epoch
    best: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # and at the first of the best epochs

    def add(self, epoch: int, seconds: float, loss: float, right: np.ndarray) -> None:
        accuracy = float(right.mean())
        self.final_loss, self.last = loss, right
        if accuracy > self.peak:
            self.peak, self.best = accuracy, right
        if self.epochs_to_target is None and accuracy >= self.target:
            self.epochs_to_target, self.seconds_to_target = epoch, seconds

    def metrics(self) -> dict[str, float | None]:
        return {
            "final_test_accuracy": float(self.last.mean()),
            "peak_test_accuracy": self.peak,
            "final_test_loss": self.final_loss,
            "epochs_to_target": self.epochs_to_target,
            "seconds_to_target": self.seconds_to_target,
        }


def evaluate(
    protocol: str, config: Config, run: Run, network: nn.Module, data: Images, epoch: int
) -> tuple[float, np.ndarray]:
    """The mean loss, and for each image (N,) whether it was right.

    `standard`: evaluation mode, images as they are. `article`: as the author tested, in training mode (BN uses the statistics of
    the batch, dropout is on) with random flips. Neither leaves a trace: running statistics, modes and random streams are
    restored.
    """
    device = data.images.device
    normalise = Normaliser(config.augment, device)
    article = protocol == "article"
    flipped = images.flips(len(data), run.stream("test flip", epoch)).to(device) if article else None
    size = (config.evaluation.article_batch_size or config.optimizer.batch_size) if article else config.evaluation.batch_size
    loss_sum = torch.zeros((), device=device)
    right = []
    with _untouched(network, device), torch.no_grad():
        network.train(article)
        if article:
            torch.manual_seed(run.derive("test dropout", epoch))
        for chosen in torch.arange(len(data), device=device).split(size):
            batch, labels = data.images[chosen], data.labels[chosen]
            if flipped is not None:
                batch = images.flip(batch, flipped[chosen])
            with autocast(device):
                logits = network(normalise(batch)).float()
            loss_sum += F.cross_entropy(logits, labels, reduction="sum")
            right.append(logits.argmax(1) == labels)
    return loss_sum.item() / len(data), torch.cat(right).cpu().numpy()


@contextmanager
def _untouched(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Give the network its modes and buffers back, and torch its global generators."""
    mode = network.training
    buffers = [buffer.clone() for buffer in network.buffers()]
    device_type = device.type if device.type != "cpu" else "cuda"
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device], device_type=device_type):
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in zip(network.buffers(), buffers, strict=True):
                    buffer.copy_(before)
            network.train(mode)


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA; nothing elsewhere, where it is slower or not there."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def choose_device(name: str) -> torch.device:
    """The device that `auto` means, or the one that is named.

    Raises UsageError if it is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, available in there.items() if available)
    if not there[name]:
        raise UsageError(f"device={name}: torch finds no such device here; type device=auto.")
    return torch.device(name, torch.cuda.current_device()) if name == "cuda" else torch.device(name)


def _set_numerics(config: Config, device: torch.device, run: Run) -> None:
    """Settle what decides the last bits, and note it."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = not config.deterministic
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not config.deterministic
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(config.deterministic)
    run.note(
        numerics={
            "device": device.type,
            "precision": "bfloat16" if device.type == "cuda" else "float32",
            "threads": torch.get_num_threads(),
            "deterministic": config.deterministic,
            "torch": torch.__version__,
        },
        hardware={
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        },
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = (line.split(":", 1)[1].strip() for line in itertools.takewhile(str.strip, file) if "model name" in line)
            return next(names, platform.machine())
    except OSError:
        return platform.processor() or platform.machine()


def _in_words(config: Config, run: Run, row: dict[str, float]) -> str:
    accuracies = ", ".join(
        f"{protocol} {row[f'{prefix(protocol)}test_accuracy']:.1%}" for protocol in config.evaluation.protocols
    )
    return (
        f"{run.record.label} seed={run.seed}  epoch {row['epoch']}/{config.budget.epochs}  "
        f"loss {row['train_loss']:.3f}  test {accuracies}  {row['train_seconds']:.1f} s"
    )
