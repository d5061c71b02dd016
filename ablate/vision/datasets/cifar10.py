"""The data set `cifar10` (Krizhevsky, 2009): 60,000 photographs of 10 classes."""

from __future__ import annotations

from typing import Any, ClassVar

from ablate.vision.datasets import register
from ablate.vision.datasets._torchvision import TorchvisionSource


@register("cifar10")
class Cifar10(TorchvisionSource):
    """CIFAR-10, as downloaded and checked by torchvision."""

    name = "cifar10"
    title = "CIFAR-10"
    files: ClassVar = ("cifar-10-batches-py", "cifar-10-python.tar.gz")
    host = "www.cs.toronto.edu"

    def load(self, train: bool) -> Any:
        from torchvision.datasets import CIFAR10

        return CIFAR10(str(self.root), train=train, download=True)
