"""The data set `builtin`: generated images, up to a million."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ablate.core.errors import UsageError
from ablate.vision import drawing
from ablate.vision.datasets import Decoded, Source, Split, register
from ablate.vision.settings import Data

MOST = 1_000_000  # images: 3 GB, which are drawn in memory


@register("builtin")
@dataclass
class Builtin(Source):
    """Generated images: `train` training and `test` test images."""

    draws = True

    train: int
    test: int
    seed: int

    @classmethod
    def of(cls, data: Data) -> Self:
        return cls(
            (data.train_size or cls.train_size) + data.validation_size, data.test_size or cls.test_size, data.subset_seed
        )

    @classmethod
    def check(cls, data: Data) -> None:
        source = cls.of(data)
        for key, asked in (("data.train_size + data.validation_size", source.train), ("data.test_size", source.test)):
            if asked > MOST:
                raise UsageError(f"{key}={asked}: data=builtin draws at most {MOST:,} images.")

    @classmethod
    def caveat(cls, data: Data) -> str:  # noqa: ARG003 - whatever the settings
        return "The images were drawn by the program (data.source=builtin): the results do not carry over to photographs."

    def __str__(self) -> str:
        return "data=builtin"

    def stamp(self) -> dict[str, object]:
        drawn_by = Path(drawing.__file__).read_text(encoding="utf-8")  # other code draws other images
        return {"source": "builtin", "train": self.train, "test": self.test, "seed": self.seed, "by": drawn_by}

    def decode(self) -> Decoded:
        train = Split(*drawing.draw("train", self.train, self.seed))
        test = Split(*drawing.draw("test", self.test, self.seed))
        return Decoded(drawing.CLASSES, train, test)

    def split(self, labels: NDArray[np.int64], data: Data) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Exactly the requested number was generated; the validation images follow the training images."""
        train, validation = np.split(np.arange(len(labels)), [len(labels) - data.validation_size])
        return train, validation
