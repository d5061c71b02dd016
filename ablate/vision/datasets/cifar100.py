"""The data set `cifar100` (Krizhevsky, 2009): 60,000 photographs of 100 classes."""

from __future__ import annotations

from typing import Any, ClassVar

from ablate.vision.datasets import register
from ablate.vision.datasets._torchvision import TorchvisionSource


@register("cifar100")
class Cifar100(TorchvisionSource):
    """CIFAR-100 with its 100 fine labels, as downloaded and checked by torchvision."""

    name = "cifar100"
    title = "CIFAR-100"
    files: ClassVar = ("cifar-100-python", "cifar-100-python.tar.gz")
    host = "www.cs.toronto.edu"
    classes = 100

    def load(self, train: bool) -> Any:
        from torchvision.datasets import CIFAR100

        return CIFAR100(str(self.root), train=train, download=True)
