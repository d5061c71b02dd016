"""The loop that most tutorials teach: torchvision's transforms and a DataLoader with two workers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from benchmarks import product
from benchmarks.loops.case import Case, autocast, images_per_second
from benchmarks.loops.datasets import PilImages, common_transform, endless

WORKERS = 2


class CommonLoop:
    """The loop of a case, on the product's network in torch's default memory format."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.loader = endless(PilImages(case.overrides, common_transform()), case.batch, WORKERS)
        network = product.make_network(case.overrides, case.device, case.precision)
        self.network = network.to(memory_format=torch.contiguous_format)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9)

    def measure(self, seconds: float) -> float:
        return images_per_second(self._batches(), seconds, self.case.device)

    def _batches(self) -> Iterator[int]:
        device = self.case.device
        self.network.train()
        running = 0.0
        for images, labels in self.loader:
            self.optimizer.zero_grad()
            with autocast(device, self.case.precision):
                loss = F.cross_entropy(self.network(images.to(device)), labels.to(device))
            torch.autograd.backward(loss)
            self.optimizer.step()
            running += loss.item()
            yield self.case.batch
