"""Images for loops that read them one at a time, through torchvision's transforms and a DataLoader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import transforms

from benchmarks import product

ENDLESS = 2**40  # images of an epoch that no measurement sees the end of


class PilImages(Dataset[tuple[torch.Tensor, int]]):
    """Images as torchvision's CIFAR10 hands them out: each a PIL image of an array, then transformed."""

    def __init__(self, overrides: Sequence[str], transform: Callable[[Any], torch.Tensor]) -> None:
        self.images, self.labels = product.training_images(overrides)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def common_transform() -> Callable[[Any], torch.Tensor]:
    """A random crop after a padding of 4 pixels, a flip, and normalization: the usual recipe for CIFAR-10."""
    half = (0.5, 0.5, 0.5)
    composed: Callable[[Any], torch.Tensor] = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(half, half),
        ]
    )
    return composed


def endless(data: PilImages, batch: int, workers: int) -> DataLoader[tuple[torch.Tensor, int]]:
    """A DataLoader whose epoch does not end while it is measured, so that no restart of workers is counted."""
    sampler = RandomSampler(data, replacement=True, num_samples=ENDLESS)
    return DataLoader(data, batch_size=batch, sampler=sampler, num_workers=workers)
