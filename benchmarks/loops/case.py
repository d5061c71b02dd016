"""One case of a comparison: which loop runs, on which network, in which precision, on how many cores."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch

WARM_UP = 2  # batches of a measurement that do not count: workers start, and kernels are compiled


@dataclass(frozen=True)
class Case:
    """A loop with its settings. Pickled, and sent to the processes that run it."""

    loop: str  # author, common, lightning, bare, product, matrix
    overrides: tuple[str, ...]  # of the product's configuration: network, images, batch size
    precision: str = "float32"  # or bfloat16
    cores: int = 1
    processes: int = 1  # they share the cores
    device: str = "cpu"
    batch: int = 128  # images
    channels_last: bool = True  # bare: the memory format

    @property
    def threads(self) -> int:
        """Threads of each process."""
        return max(1, self.cores // self.processes)


class Loop(Protocol):
    """What a process of a case runs."""

    def measure(self, seconds: float) -> float: ...


def autocast(device: str, precision: str) -> torch.autocast:
    """bfloat16 where a case asks for it; else nothing."""
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")


def synchronize(device: str) -> None:
    """Wait until the device is done."""
    if device == "cuda":
        torch.cuda.synchronize()


def images_per_second(batches: Iterator[int], seconds: float, device: str = "cpu", least: int = 3) -> float:
    """The rate of an endless loop that yields the size of each batch when it is done with it.

    The first `WARM_UP` batches do not count; at least `least` batches do.
    """
    for _ in range(WARM_UP):
        next(batches)
    synchronize(device)
    began, images, counted = time.perf_counter(), 0, 0
    while counted < least or time.perf_counter() - began < seconds:
        images += next(batches)
        counted += 1
        if device != "cpu" and counted % 50 == 0:
            synchronize(device)  # else the clock of the host runs ahead of the device
    synchronize(device)
    return images / (time.perf_counter() - began)
