"""What the command line of the benchmarks sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The settings that every section is given."""

    rounds: int
    quick: bool  # tiny sizes: to see that everything works; the figures mean nothing
    seconds: float  # the least duration of one measurement of a training loop
    images: Path | None  # a zip of train/<class>/* and test/<class>/*; None: images drawn by the program
    work: Path  # a temporary folder

    @property
    def cache(self) -> Path:
        """The folder of decoded images that the sections share."""
        return self.work / "cache"

    def image_overrides(self) -> tuple[str, ...]:
        """The overrides of the product that choose the images."""
        if self.images is None:
            return "data=builtin", f"data.cache={self.cache}"
        return "data=images", f"data.root={self.images}", f"data.cache={self.cache}"
