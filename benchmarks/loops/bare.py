"""What the product is held against: its step alone on one fixed batch, and the matrix product of the machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F

from benchmarks import product
from benchmarks.loops.case import Case, autocast, images_per_second, synchronize

MATRIX = {"cpu": 16, "cuda": 64}  # rows and columns for each image of a batch: 2,048 and 8,192 at a batch of 128


class BareStep:
    """Forward, loss, backward and optimizer on one batch that already lies on the device."""

    def __init__(self, case: Case) -> None:
        self.case = case
        network = product.make_network(case.overrides, case.device, case.precision)
        memory = torch.channels_last if case.channels_last else torch.contiguous_format
        self.network = network.to(memory_format=memory)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.0, momentum=0.9, fused=True)
        images = torch.randn(case.batch, 3, 32, 32, device=case.device)
        self.images = images.contiguous(memory_format=memory)
        self.labels = torch.randint(0, 10, (case.batch,), device=case.device)

    def measure(self, seconds: float) -> float:
        return images_per_second(self._batches(), seconds, self.case.device)

    def _batches(self) -> Iterator[int]:
        self.network.train()
        while True:
            self.optimizer.zero_grad(set_to_none=True)
            with autocast(self.case.device, self.case.precision):
                loss = F.cross_entropy(self.network(self.images).float(), self.labels)
            torch.autograd.backward(loss)
            self.optimizer.step()
            yield self.case.batch


class MatrixProduct:
    """The images a second of the network, if all of its operations ran at the speed of one large matrix product."""

    def __init__(self, case: Case) -> None:
        self.case = case
        product.set_up(case.overrides, case.device, case.precision)  # TF32 counts where the product uses it
        self.flops = product.flops_per_image(case.overrides)
        size = MATRIX[case.device] * case.batch
        dtype = torch.bfloat16 if case.precision == "bfloat16" else torch.float32
        self.one, self.other = (torch.randn(size, size, device=case.device).to(dtype) for _ in range(2))

    def measure(self, seconds: float) -> float:
        operations = 2 * len(self.one) ** 3
        torch.mm(self.one, self.other)
        synchronize(self.case.device)
        began, done = time.perf_counter(), 0
        while done < 3 or time.perf_counter() - began < seconds / 2:
            torch.mm(self.one, self.other)
            synchronize(self.case.device)
            done += 1
        return done * operations / (time.perf_counter() - began) / self.flops
