"""Estimate the duration of a run by timing a few steps of its network."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ablate.engine.parallel import usable_cores
from ablate.vision.config import Config
from ablate.vision.data import class_count, sizes
from ablate.vision.devices import accelerator_of, choose_device, default_threads, set_numerics
from ablate.vision.networks import build
from ablate.vision.optimizers import make_optimizer
from ablate.vision.precision import autocast
from ablate.vision.settings import NETWORK_SECTIONS, SIZE

STEPS = 3  # timed, after one warm-up
IMAGES = 32  # timed at once on a CPU, where an image of a larger batch takes as long within a seventh


def seconds(config: Config, processes: int = 1) -> float:
    """Estimate the seconds of training and testing of a run while `processes` processes share the machine.

    The estimate is the median time of a few steps and test batches, on a CPU small ones, times the number of images. It is
    measured once in a process for each network, optimizer and batch size. Loading images and writing files are not included.
    On the CPU, the steps run with the threads available to one process; the number of threads is restored.
    """
    device = choose_device(config.device)
    before = torch.get_num_threads()
    share = max(1, usable_cores() // processes) if processes > 1 else default_threads()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(config.threads or share)
        try:
            if device.type == "cuda":
                set_numerics(config, device)  # TF32
            return _timed(config, device) * _sharing(device, processes)
        finally:
            torch.set_num_threads(before)


def _sharing(device: torch.device, processes: int) -> float:
    """The slowdown of each process because several share an accelerator and take turns."""
    devices = torch.cuda.device_count() if device.type == "cuda" else 1
    return 1.0 if device.type == "cpu" else max(1.0, processes / devices)


@dataclass(frozen=True)
class _Speed:
    gradients: float  # seconds per training image
    update: float  # seconds per step of the optimizer
    tested: float  # seconds per test image


_speeds: dict[str, _Speed] = {}  # by what they depend on: the runs of a sweep of learning rates are all alike


def _timed(config: Config, device: torch.device) -> float:
    train, test, validation = sizes(config.data)
    most = IMAGES if device.type == "cpu" else max(train, test)
    batch, test_batch = (
        min(each, most) for each in (min(config.optimizer.batch_size, train), min(config.evaluation.batch_size, test))
    )
    network = config.model_dump(include=NETWORK_SECTIONS)
    arithmetic = [str(device), torch.get_num_threads(), config.precision, config.deterministic]
    key = json.dumps([network, arithmetic, config.optimizer.name, class_count(config.data), batch, test_batch])
    if key not in _speeds:
        _speeds[key] = _measure(config, device, batch, test_batch)
    speed = _speeds[key]
    evaluated = test * len(config.evaluation.protocols) + validation
    steps = math.ceil(train / config.optimizer.batch_size)
    return config.budget.epochs * (train * speed.gradients + steps * speed.update + evaluated * speed.tested)


def _measure(config: Config, device: torch.device, batch: int, test_batch: int) -> _Speed:
    network = build(config, class_count(config.data)).to(device)
    optimizer = make_optimizer(config.optimizer, network)
    images = torch.randn(max(batch, test_batch), 3, SIZE, SIZE, device=device).to(memory_format=torch.channels_last)
    labels = torch.zeros(batch, dtype=torch.int64, device=device)

    def gradients() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, config.precision):
            loss = F.cross_entropy(network(images[:batch]).float(), labels)
        loss.backward()  # type: ignore[no-untyped-call]

    def evaluate() -> None:
        with torch.inference_mode(), autocast(device, config.precision):
            network(images[:test_batch])

    network.train()
    return _Speed(_median(gradients, device) / batch, _median(optimizer.step, device), _median(evaluate, device) / test_batch)


def _median(work: Callable[[], None], device: torch.device) -> float:
    """The median duration of `work` in seconds, including asynchronous work on the device."""
    accelerator = accelerator_of(device)
    took = []
    for _ in range(1 + STEPS):
        began = time.perf_counter()
        work()
        if accelerator is not None:
            accelerator.synchronize()
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])
