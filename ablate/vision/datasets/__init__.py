"""The registry of data sets: one module a data set, which registers it under the name that `data.source` gives.

    @register("mine")
    class Mine(Source): ...

A source is asked for its `stamp` first: cheap facts that change when its content does. The decoded images are cached under it.
A set that torchvision downloads is a few lines, see cifar100.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ablate.vision.registry import Registry
from ablate.vision.settings import Data

AUTO = "auto"  # resolved before a study begins, see ablate/vision/data.py
SIZE = 32  # pixels: what the networks see
DECODER = 2  # raised when the same files would be decoded to other pixels or another order


@dataclass
class Split:
    """Images (N, 32, 32, 3) of uint8 and labels (N,) of int64."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass
class Decoded:
    """All images of a source."""

    classes: tuple[str, ...]
    train: Split
    test: Split


class Source(ABC):
    """A data set that can be decoded. Its text names it to the user.

    Attributes:
        classes: how many classes it has; None if that is known only when it is decoded.
        train_size: how many training images it has, for estimates.
        test_size: how many test images it has, for estimates.
    """

    classes: ClassVar[int | None] = 10
    train_size: ClassVar[int] = 50_000
    test_size: ClassVar[int] = 10_000

    @classmethod
    @abstractmethod
    def of(cls, data: Data) -> Self:
        """The source that a configuration describes."""

    @classmethod  # noqa: B027 - most sources accept any settings
    def check(cls, data: Data) -> None:
        """Raise UsageError for settings that this source cannot use."""

    @classmethod
    def caveat(cls, data: Data) -> str | None:  # noqa: ARG003 - for subclasses
        """A sentence that a report of results on these images must state; None if there is nothing to say."""
        return None

    def is_available(self) -> bool:
        """Whether the files are on this machine."""
        return True

    @abstractmethod
    def stamp(self) -> dict[str, object]:
        """Facts that change when the content does. Raises UsageError if a path that was named does not exist."""

    def require(self) -> None:  # noqa: B027 - most sources are always available
        """Raise UsageError if `decode` could not begin, for example without a connection."""

    @abstractmethod
    def decode(self) -> Decoded:
        """Decode all images. Raises UsageError, naming the file, if one cannot be read."""

    def split(self, labels: NDArray[np.int64], data: Data) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:  # noqa: ARG002
        """The indices of the training and of the validation images; None for a subset stratified by class."""
        return None


DATASETS: Registry[type[Source]] = Registry("data.source", __name__)
register = DATASETS.decorator
