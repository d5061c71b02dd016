"""Base class for data sets of torchvision."""

from __future__ import annotations

import socket
import threading
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ablate.core.errors import UsageError
from ablate.engine.output_folder import located
from ablate.vision.datasets import DECODER, Decoded, Source, Split
from ablate.vision.settings import Data

CONNECTION_SECONDS = 3.0


@dataclass
class TorchvisionSource(Source):
    """A data set of torchvision in the folder `root`, downloaded if missing.

    Attributes:
        name: the name for `data.source`.
        title: the name in messages.
        files: names in `root`; if any of them exists, the data set is considered present.
        host: the host from which torchvision downloads it.
    """

    root: Path

    name: ClassVar[str]
    title: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    host: ClassVar[str]

    @classmethod
    def of(cls, data: Data) -> Self:
        return cls(located(data.root or "data"))

    def __str__(self) -> str:
        return self.title

    def is_available(self) -> bool:
        return any((self.root / name).exists() for name in self.files)

    def stamp(self) -> dict[str, object]:
        return {"source": self.name, "decoder": DECODER}  # torchvision checks the md5, so there is only one version

    def require(self) -> None:
        if not self.is_available() and not can_connect(self.host):
            first, *more = self.files
            missing = f"neither {' nor '.join(self.files)}" if more else f"no {first}"
            raise UsageError(
                f"{self.title} is not in {self.root.resolve()} ({missing}), and {self.host} does not respond. "
                "Put the files there, set data.root=FOLDER, or use data=builtin."
            )

    def decode(self) -> Decoded:
        try:
            sets = [self.load(train) for train in (True, False)]
        except (RuntimeError, OSError, EOFError) as error:
            raise UsageError(
                f"{self.title} in {self.root.resolve()} cannot be used ({error}). Delete the files there, or use data=builtin."
            ) from None
        train, test = (Split(self.images_of(each), self.labels_of(each)) for each in sets)
        return Decoded(self.names_of(sets[0]), train, test)

    @abstractmethod
    def load(self, train: bool) -> Any:
        """The torchvision data set of one split, downloaded if necessary."""

    def images_of(self, dataset: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The images (N, 32, 32, 3) of a torchvision data set."""
        return np.asarray(dataset.data, np.uint8)

    def labels_of(self, dataset: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The labels (N,) of a torchvision data set."""
        return np.asarray(dataset.targets, np.int64)

    def names_of(self, dataset: Any) -> tuple[str, ...]:
        """The names of the classes of a torchvision data set."""
        return tuple(dataset.classes)


def can_connect(host: str, port: int = 443, seconds: float = CONNECTION_SECONDS) -> bool:
    """Whether a connection opens within the timeout, including the name lookup, which socket timeouts do not cover."""
    answer: list[bool] = []

    def attempt() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            answer.append(True)
        except OSError:
            answer.append(False)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    return answer == [True]
