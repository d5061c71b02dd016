"""The registry of data sets: each module registers one data set under a name for `data.source`.

    @register("mine")
    class Mine(Source): ...

Decoded images are cached under the `stamp` of the source: facts that are fast to read and change with the content. A data set
of torchvision takes a few lines, see cifar100.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ablate.vision.registry import Registry
from ablate.vision.settings import Data

AUTO = "auto"  # resolved when a study begins, see ablate/vision/data.py
DECODER = 2  # incremented when decoding changes the pixels or their order


@dataclass
class Split:
    """Uint8 images (N, 32, 32, 3) and int64 labels (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass
class Decoded:
    """All images of a source."""

    classes: tuple[str, ...]
    train: Split
    test: Split


class Source(ABC):
    """Base class of data sets. `str` of an instance is its name in messages.

    Attributes:
        classes: the number of classes; None if it is known only after decoding.
        train_size: the number of training images, for estimates.
        test_size: the number of test images, for estimates.
        draws: whether validation images are drawn in addition to these.
    """

    classes: ClassVar[int | None] = 10
    train_size: ClassVar[int] = 50_000
    test_size: ClassVar[int] = 10_000
    draws: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def of(cls, data: Data) -> Self:
        """Make the source from a configuration."""

    @classmethod  # noqa: B027 - most sources accept any settings
    def check(cls, data: Data) -> None:
        """Raise UsageError for settings that are invalid for this source."""

    @classmethod
    def caveat(cls, data: Data) -> str | None:  # noqa: ARG003 - for subclasses
        """A caveat for reports about these images; None if there is none."""
        return None

    def is_available(self) -> bool:
        """Whether the files are on this machine."""
        return True

    @abstractmethod
    def stamp(self) -> dict[str, object]:
        """Facts that change when the content changes. Raises UsageError if a given path does not exist."""

    def require(self) -> None:  # noqa: B027 - most sources are always available
        """Raise UsageError if `decode` cannot start, for example without a connection."""

    @abstractmethod
    def decode(self) -> Decoded:
        """Decode all images. Raises UsageError with the name of a file that cannot be read."""

    def split(self, labels: NDArray[np.int64], data: Data) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:  # noqa: ARG002
        """The indices of the training and the validation images; None for subsets stratified by class."""
        return None


DATASETS: Registry[type[Source]] = Registry("data.source", __name__)
register = DATASETS.decorator
