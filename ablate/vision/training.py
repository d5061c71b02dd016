"""Train and evaluate one run.

Random numbers: initial weights, data order and augmentation are drawn on the CPU from streams of the run's seed, one draw per
image. Only dropout uses torch's global generator. Runs with the same seed therefore differ only in their configurations.
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.core import seeding
from ablate.core.errors import Diverged
from ablate.engine.run import Run
from ablate.vision import data as images
from ablate.vision.averaging import WeightAverage
from ablate.vision.config import Config
from ablate.vision.data import Images, Normalizer
from ablate.vision.devices import accelerator_of, device_of, set_numerics
from ablate.vision.evaluation import Scores, evaluate, prefix
from ablate.vision.networks import build, fitted_layers
from ablate.vision.optimizers import make_optimizer
from ablate.vision.precision import autocast
from ablate.vision.probes import largest, norm_shifts
from ablate.vision.summary import macs, parameters

log = logging.getLogger("ablate")
FIT_IMAGES = 5000  # training images that layers are fitted to


def train(config: Config, run: Run) -> dict[str, float | None]:
    """Train the network of a configuration, and return its metrics.

    For each protocol (with the prefix `article_`, `flipped_` or `batch_`; none for standard): final_test_accuracy and
    peak_test_accuracy in [0, 1], final_test_loss, epochs_to_target and seconds_to_target (of training; None if the target was
    not reached). With data.validation_size: final_validation_accuracy, under the standard protocol. With the protocol batch:
    variance_shift, see `probes.largest`, and variance_ratio, that of the last use of a BN layer; norm_statistics.npz has the
    values for each use. Always:
    final_train_loss, final_train_accuracy (on augmented images, during training), images_per_second (of training), parameters
    (each counted once), macs (multiply-accumulates per image).

    Raises:
        Diverged: if a loss is not finite; the message names the epoch.
    """
    device = device_of(config, run)
    run.note(**set_numerics(config, device))
    data = images.load(config.data, device)
    network = build(config, classes=len(data.classes)).to(device)
    run.expect(epochs=config.budget.epochs)
    fit(network, data.train, Normalizer(config.augment, device))  # before an average of the weights begins with them
    trainer = Trainer(config, run, network, data.train, device)
    scores = {protocol: Scores(config.evaluation.target_accuracy) for protocol in config.evaluation.protocols}
    if (state := run.restore()) is not None:
        trainer.load_state(state["trainer"])
        for protocol, score in scores.items():
            score.load_state(state["scores"][protocol])
        row = state["row"]
    for epoch in range(trainer.epochs + 1, config.budget.epochs + 1):
        row = trainer.epoch(epoch)
        for protocol, score in scores.items():
            loss, right = evaluate(protocol, config, run, trainer.evaluated, data.test, epoch)
            score.add(epoch, trainer.seconds, loss, right)
            row |= {f"{prefix(protocol)}test_loss": loss, f"{prefix(protocol)}test_accuracy": float(right.mean())}
        if len(data.validation):
            loss, right = evaluate("standard", config, run, trainer.evaluated, data.validation, epoch)
            row |= {"validation_loss": loss, "validation_accuracy": float(right.mean())}
        run.log(**row)
        if not all(map(math.isfinite, row.values())):
            raise Diverged(f"the loss is not finite in epoch {epoch}")
        log.info("%s", _in_words(config, run, row))
        run.save(
            {
                "trainer": trainer.state(),
                "scores": {protocol: score.state() for protocol, score in scores.items()},
                "row": row,
            }
        )
    for protocol, score in scores.items():
        packed = {"last": np.packbits(score.last), "best": np.packbits(score.best)}
        run.keep(f"{protocol}_right", **packed, count=np.array(len(data.test)))
    shifts = _keep_shifts(run, trainer, data.test) if "batch" in scores else {}
    return {
        **{prefix(protocol) + name: value for protocol, score in scores.items() for name, value in score.metrics().items()},
        **({"final_validation_accuracy": row["validation_accuracy"]} if len(data.validation) else {}),
        **shifts,
        "final_train_loss": row["train_loss"],
        "final_train_accuracy": row["train_accuracy"],
        "images_per_second": trainer.images / trainer.seconds,
        "parameters": parameters(network),
        "macs": macs(network),
    }


def fit(network: nn.Module, data: Images, normalize: Normalizer) -> None:
    """Fit the layers of `network` that need it to training images: up to 5,000, evenly spaced."""
    if layers := fitted_layers(network):
        chosen = torch.linspace(0, len(data) - 1, min(len(data), FIT_IMAGES), device=data.images.device).long()
        sample = normalize(data.images[chosen])
        for layer in layers:
            layer.fit_images(sample)


def _keep_shifts(run: Run, trainer: Trainer, test: Images) -> dict[str, float | None]:
    """Keep the shift at each use of a BN layer, and return the metrics about them."""
    config = trainer.config
    batches = torch.split(test.images, config.evaluation.batch_size)
    with autocast(trainer.device, config.precision):
        shifts = norm_shifts(trainer.evaluated, (trainer.normalize(batch) for batch in batches))
    run.keep(
        "norm_statistics",
        place=np.array([shift.place for shift in shifts], dtype=str),
        variance_ratio=np.array([shift.variance_ratio for shift in shifts]),
        mean_offset=np.array([shift.mean_offset for shift in shifts]),
    )
    return {"variance_shift": largest(shifts), "variance_ratio": shifts[-1].variance_ratio if shifts else None}


def metrics(config: Config) -> list[str]:
    """The names of the metrics that `train` returns."""
    protocols = config.evaluation.protocols
    return [
        *(prefix(protocol) + name for protocol in protocols for name in Scores.METRICS),
        *(["final_validation_accuracy"] if config.data.validation_size else []),
        *(["variance_shift", "variance_ratio"] if "batch" in protocols else []),
        *("final_train_loss", "final_train_accuracy", "images_per_second", "parameters", "macs"),
    ]


class Trainer:
    """The state of a training: network, optimizer, schedule, and progress."""

    def __init__(self, config: Config, run: Run, network: nn.Module, data: Images, device: torch.device) -> None:
        self.config, self.run, self.network, self.data, self.device = config, run, network, data, device
        self.normalize = Normalizer(config.augment, device)
        self.optimizer = make_optimizer(config.optimizer, network)
        self.batches = math.ceil(len(data) / config.optimizer.batch_size)
        self.schedule, self.by_batch = make_schedule(config, self.optimizer, self.batches)
        self.early = config.optimizer.skip_first_batch and config.schedule.early
        updates = self.batches - config.optimizer.skip_first_batch
        self.average = WeightAverage(config.averaging, network, config.budget.epochs * updates)
        self.epochs = 0  # done
        self.seconds = 0.0  # of training, in total
        self.images = 0
        torch.manual_seed(seeding.derive(run.seed, "dropout"))

    def epoch(self, epoch: int) -> dict[str, float]:
        """Train for one epoch, and return its row for history.csv. `epoch` counts from 1."""
        config = self.config
        count = len(self.data)
        rate = float(self.optimizer.param_groups[0]["lr"])
        started = time.perf_counter()
        # Draw for the whole epoch, one entry per image, so that the draws do not depend on batch size or device
        order = torch.from_numpy(self.run.stream("order", epoch).permutation(count)).to(self.device)
        flipped = self._flips(epoch).to(self.device) if config.augment.flip else None
        starts = (
            images.offsets(count, config.augment.crop, self.run.stream("crop", epoch)).to(self.device)
            if config.augment.crop
            else None
        )
        centers = self._centers(epoch).to(self.device) if config.augment.cutout else None
        loss_sum = torch.zeros((), device=self.device)
        right_sum = torch.zeros((), device=self.device, dtype=torch.int64)
        self.network.train()
        for number, chosen in enumerate(torch.split(order, config.optimizer.batch_size)):
            batch = self.data.images[chosen]
            if flipped is not None:
                batch = images.flip(batch, flipped[chosen])
            if starts is not None:
                batch = images.crop(batch, starts[chosen], config.augment.crop, config.augment.crop_padding == "reflect")
            labels = self.data.labels[chosen]
            skipped = number == 0 and config.optimizer.skip_first_batch
            inputs = self.normalize(batch)
            if centers is not None:
                inputs = images.cut_out(inputs, centers[chosen], config.augment.cutout)
            loss, logits = self._step(inputs, labels, skipped)
            if skipped and self.early:
                rate = float(self.optimizer.param_groups[0]["lr"])  # the rate of the next weight update
            loss_sum += loss * len(chosen)
            right_sum += (logits.argmax(1) == labels).sum()
        if not self.by_batch and not self.early:
            self._step_schedule()
        train_loss = loss_sum.item() / count  # the first synchronization in this epoch
        seconds = time.perf_counter() - started
        self.seconds += seconds
        self.images += count
        self.epochs = epoch
        return {
            "epoch": epoch,
            "learning_rate": rate,
            "train_loss": train_loss,
            "train_accuracy": right_sum.item() / count,
            "train_seconds": seconds,
        }

    @property
    def evaluated(self) -> nn.Module:
        """The network to evaluate: with an average of the weights, if there is one."""
        return self.average.evaluated

    def _flips(self, epoch: int) -> Tensor:
        """Which images to flip: bool (N,). Alternating flips are those of the first epoch in every other epoch."""
        alternating = self.config.augment.flipping == "alternating"
        drawn = images.flips(len(self.data), self.run.stream("flip", 1 if alternating else epoch))
        return ~drawn if alternating and epoch % 2 == 0 else drawn

    def _centers(self, epoch: int) -> Tensor:
        """The row and column at the centre of each image's cutout: (N, 2)."""
        count, height, width, _ = self.data.images.shape
        return torch.from_numpy(self.run.stream("cutout", epoch).integers(0, (height, width), (count, 2)))

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, including global random generators."""
        accelerator = accelerator_of(self.device)
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": self.average.state(),
            "epochs": self.epochs,
            "seconds": self.seconds,
            "images": self.images,
            "random": torch.get_rng_state(),
            "random_on_device": accelerator.get_rng_state() if accelerator else None,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.average.load_state(state["average"])
        self.epochs, self.seconds, self.images = state["epochs"], state["seconds"], state["images"]
        torch.set_rng_state(state["random"])
        if accelerator := accelerator_of(self.device):
            accelerator.set_rng_state(state["random_on_device"])

    def _step(self, batch: Tensor, labels: Tensor, skipped: bool) -> tuple[Tensor, Tensor]:
        """One training step. A skipped batch updates BN statistics but not the weights."""
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.config.precision):
            logits = self.network(batch)
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.config.optimizer.label_smoothing)
        if not skipped:
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.average.step()
        if self.by_batch or (skipped and self.early):
            self._step_schedule()
        return loss.detach(), logits.detach()

    def _step_schedule(self) -> None:
        with warnings.catch_warnings():
            # Where batches are skipped, the schedule may step before the optimizer, as in the author's code
            warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler\.step\(\)`")
            self.schedule.step()


def make_schedule(
    config: Config, optimizer: torch.optim.Optimizer, batches: int
) -> tuple[torch.optim.lr_scheduler.LRScheduler, bool]:
    """Make the torch schedule. The flag says whether it steps after each batch rather than each epoch."""
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
            peaks = [group["lr"] for group in optimizer.param_groups]
            warmup = config.schedule.warmup
            if warmup * steps == 1:  # torch divides by the steps after the first one
                warmup *= 1 + 1e-9
            return schedules.OneCycleLR(optimizer, peaks, total_steps=steps, pct_start=warmup, cycle_momentum=False), True
    raise AssertionError(config.schedule.name)


def _in_words(config: Config, run: Run, row: dict[str, float]) -> str:
    accuracies = ", ".join(
        f"{protocol} {row[f'{prefix(protocol)}test_accuracy']:.1%}" for protocol in config.evaluation.protocols
    )
    return (
        f"{run.record.title}  epoch {row['epoch']}/{config.budget.epochs}  "
        f"loss {row['train_loss']:.3f}  test {accuracies}  {row['train_seconds']:.1f} s"
    )
