"""The data set `svhn` (Netzer et al., 2011): 99,289 photographs of house numbers, cropped to one of 10 digits."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ablate.vision.datasets import register
from ablate.vision.datasets._torchvision import TorchvisionSource


@register("svhn")
class Svhn(TorchvisionSource):
    """SVHN in format 2 (cropped digits), without the split `extra`, as read and checked by torchvision."""

    name = "svhn"
    title = "SVHN"
    files: ClassVar = ("train_32x32.mat",)
    host = "ufldl.stanford.edu"
    train_size = 73_257
    test_size = 26_032

    def load(self, train: bool) -> Any:
        from torchvision.datasets import SVHN

        return SVHN(str(self.root), split="train" if train else "test", download=True)

    def images_of(self, dataset: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return np.ascontiguousarray(dataset.data.transpose(0, 2, 3, 1))  # (N, 3, 32, 32)

    def labels_of(self, dataset: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.asarray(dataset.labels, np.int64)

    def names_of(self, dataset: Any) -> tuple[str, ...]:  # noqa: ARG002 - torchvision does not name them
        return tuple("0123456789")
