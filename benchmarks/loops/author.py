"""The loop of the article's author: images are transformed one at a time, and the loss is read after each step.

PIL images, a DataLoader without workers, ConstantPad2d before each convolution, (B, C, H, W) in memory, float32.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from benchmarks.loops.case import Case, images_per_second
from benchmarks.loops.datasets import PilImages, endless


class AuthorNetwork(nn.Module):
    """Stage 89 as the author's code states it: one BN module serves the last two places."""

    def __init__(self) -> None:
        super().__init__()
        shared = nn.BatchNorm2d(256)
        self.layers = nn.Sequential(
            *(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 12, 1)),
            *(nn.Conv2d(12, 24, 1), nn.BatchNorm2d(24), nn.Conv2d(24, 48, 1), nn.BatchNorm2d(48)),
            *(*_padded(48, 64), nn.BatchNorm2d(64), *_padded(64, 64), *_padded(64, 64), nn.MaxPool2d(2)),
            *(*_padded(64, 128), nn.BatchNorm2d(128), *_padded(128, 128), *_padded(128, 128), nn.MaxPool2d(2)),
            *(*_padded(128, 256), shared, *_padded(256, 256), *_padded(256, 256), nn.MaxPool2d(2), shared),
            *(nn.Conv2d(256, 100, 1), nn.ReLU(), nn.Conv2d(100, 10, 4), nn.Flatten()),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(images)
        return logits


def _padded(channels: int, width: int) -> tuple[nn.Module, ...]:
    return nn.ConstantPad2d(1, 0.0), nn.Conv2d(channels, width, 3), nn.ReLU()


class AuthorLoop:
    """The loop of a case, on the training images of its configuration."""

    def __init__(self, case: Case) -> None:
        half = (0.5, 0.5, 0.5)
        transform = transforms.Compose(
            [transforms.RandomHorizontalFlip(), transforms.ToTensor(), transforms.Normalize(half, half)]
        )
        self.loader = endless(PilImages(case.overrides, transform), case.batch, workers=0)
        self.batch = case.batch
        self.network = AuthorNetwork()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9)
        self.loss = nn.CrossEntropyLoss()

    def measure(self, seconds: float) -> float:
        return images_per_second(self._batches(self.loader), seconds)

    def _batches(self, loader: DataLoader[tuple[torch.Tensor, int]]) -> Iterator[int]:
        self.network.train()
        running = 0.0
        for images, labels in loader:
            self.optimizer.zero_grad()
            loss = self.loss(self.network(images), labels)
            loss.backward()
            self.optimizer.step()
            running += loss.item()
            yield self.batch
