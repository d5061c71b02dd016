"""Where images come from: each source yields decoded splits, and says how it can be told from another.

A source is asked for its `stamp` first: cheap facts that change when its content does. The decoded images are cached under it.
"""

from __future__ import annotations

import io
import socket
import threading
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ablate.core.errors import UsageError
from ablate.core.seeding import stream
from ablate.vision import drawing

SIZE = 32  # pixels: what the article's networks see
DECODER = 2  # raised when the same files would be decoded to other pixels or another order
CIFAR10_HOST = "www.cs.toronto.edu"
CONNECTION_SECONDS = 3.0
IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


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
    """What can be decoded. Its text names it to the user."""

    @abstractmethod
    def stamp(self) -> dict[str, object]:
        """Facts that change when the content does. Raises UsageError if there is nothing at the place that was named."""

    def require(self) -> None:  # noqa: B027 - of most sources `stamp` has found out
        """Raises UsageError if `decode` could not begin, such as without a connection."""

    @abstractmethod
    def decode(self) -> Decoded:
        """All images. Raises UsageError, naming the file, if one cannot be read."""


@dataclass
class Builtin(Source):
    """Images that the program draws: as many as asked for."""

    train_size: int
    test_size: int
    seed: int

    def __str__(self) -> str:
        return "data=builtin"

    def stamp(self) -> dict[str, object]:
        drawn_by = Path(drawing.__file__).read_text(encoding="utf-8")  # another drawing is another data set
        return {"source": "builtin", "train": self.train_size, "test": self.test_size, "seed": self.seed, "by": drawn_by}

    def decode(self) -> Decoded:
        train = Split(*drawing.draw("train", self.train_size, self.seed))
        test = Split(*drawing.draw("test", self.test_size, self.seed))
        return Decoded(drawing.CLASSES, train, test)


@dataclass
class Cifar10(Source):
    """The archive of CIFAR-10 (Krizhevsky, 2009) in `root`, as torchvision unpacks and checks it."""

    root: Path

    FOLDER = "cifar-10-batches-py"
    ARCHIVE = "cifar-10-python.tar.gz"

    def __str__(self) -> str:
        return "CIFAR-10"

    def is_there(self) -> bool:
        return (self.root / self.FOLDER).is_dir() or (self.root / self.ARCHIVE).is_file()

    def stamp(self) -> dict[str, object]:
        return {"source": "cifar10", "decoder": DECODER}  # torchvision checks its md5: there is only one

    def require(self) -> None:
        if not self.is_there() and not can_connect(CIFAR10_HOST):
            raise UsageError(
                f"CIFAR-10 is not in {self.root.resolve()} (neither {self.FOLDER}/ nor {self.ARCHIVE}), and {CIFAR10_HOST} "
                f"does not answer. Put the archive there, or type data.root=FOLDER, or data=builtin."
            )

    def decode(self) -> Decoded:
        from torchvision.datasets import CIFAR10

        try:
            sets = [CIFAR10(str(self.root), train=train, download=True) for train in (True, False)]
        except (RuntimeError, OSError, EOFError) as error:
            raise UsageError(
                f"CIFAR-10 in {self.root.resolve()} cannot be used ({error}). Delete what is there, or type data=builtin."
            ) from None
        train, test = (Split(np.asarray(s.data, np.uint8), np.asarray(s.targets, np.int64)) for s in sets)
        return Decoded(tuple(sets[0].classes), train, test)


@dataclass
class ImageFiles(Source):
    """A folder, or a zip, of train/<class>/* and test/<class>/*, perhaps inside one more folder."""

    root: Path

    def __str__(self) -> str:
        return str(self.root)

    def stamp(self) -> dict[str, object]:
        if not self.root.exists():
            raise UsageError(f"data.root={self.root}: there is no such file or folder (looked at {self.root.resolve()}).")
        if self.root.is_file():
            return {"source": "images", "decoder": DECODER, "zip": str(self.root.resolve()), **_state(self.root)}
        files = {path.relative_to(self.root).as_posix(): _state(path) for path in self.root.rglob("*") if path.is_file()}
        return {"source": "images", "decoder": DECODER, "folder": str(self.root.resolve()), "files": files}

    def decode(self) -> Decoded:
        with _files(self.root) as files:
            there = files.names()
            found = {name: where for name in there if (where := _place(name)) is not None}
            if left_out := sorted(set(there) - set(found)):
                print(f"{self.root}: {len(left_out)} files are no images in <split>/<class>/, such as {left_out[0]}: left out.")
            classes = {split: {where[1] for where in found.values() if where[0] == split} for split in ("train", "test")}
            for split, names in classes.items():
                if not names:
                    raise UsageError(f"data.root={self.root}: no images in {split}/<class>/*.")
            if classes["train"] != classes["test"]:
                odd = ", ".join(sorted(classes["train"] ^ classes["test"]))
                raise UsageError(f"data.root={self.root}: train/ and test/ hold different classes ({odd}).")
            ordered = tuple(sorted(classes["train"]))
            return Decoded(ordered, *(self._split(files, found, split, ordered) for split in ("train", "test")))

    def _split(self, files: _Files, found: dict[str, tuple[str, str]], split: str, classes: tuple[str, ...]) -> Split:
        names = sorted(name for name, where in found.items() if where[0] == split)
        # Files are sorted by class. A batch of test images should hold them mixed, as CIFAR-10's archive does:
        # the article's protocol normalises by the statistics of the batch.
        names = [names[index] for index in stream(0, "order of files", split).permutation(len(names))]
        images = np.empty((len(names), SIZE, SIZE, 3), np.uint8)
        for index, name in enumerate(names):
            images[index] = _decode(files, name)
        return Split(images, np.array([classes.index(found[name][1]) for name in names], np.int64))


def _decode(files: _Files, name: str) -> NDArray[np.uint8]:
    """One image as 32x32 RGB: the middle square of it, scaled; transparency on black."""
    try:
        with files.open(name) as file, Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise UsageError(f"{files.where(name)}: pixels of more than 8 bits ({image.mode}); convert it to RGB first.")
            picture: Image.Image = ImageOps.exif_transpose(image)
            if picture.has_transparency_data:
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, (0, 0, 0, 255)), picture.convert("RGBA"))
            picture = picture.convert("RGB")
    except UsageError:
        raise
    except Exception as error:  # torn bytes can raise anything, in Pillow and in zipfile
        raise UsageError(f"{files.where(name)} is no image that can be read ({error}). Replace it, or take it away.") from None
    if picture.size != (SIZE, SIZE):
        picture = ImageOps.fit(picture, (SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _place(name: str) -> tuple[str, str] | None:
    """(split, class) of a file, or None if it is no image of the data set."""
    parts = PurePosixPath(name).parts
    if any(part.startswith((".", "__MACOSX")) for part in parts) or PurePosixPath(name).suffix.lower() not in IMAGE_SUFFIXES:
        return None
    if len(parts) not in (3, 4) or parts[-3] not in ("train", "test"):
        return None
    return parts[-3], parts[-2]


class _Files:
    """The files under a folder, or in a zip."""

    def __init__(self, root: Path, archive: zipfile.ZipFile | None) -> None:
        self.root, self.archive = root, archive

    def names(self) -> list[str]:
        if self.archive is not None:
            return [info.filename for info in self.archive.infolist() if not info.is_dir()]
        return [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]

    def open(self, name: str) -> BinaryIO:
        if self.archive is not None:
            return io.BytesIO(self.archive.read(name))
        return (self.root / name).open("rb")

    def where(self, name: str) -> str:
        return f"{self.root}: {name}" if self.archive is not None else str(self.root / name)


@contextmanager
def _files(root: Path) -> Iterator[_Files]:
    if root.is_dir():
        yield _Files(root, None)
        return
    try:
        archive = zipfile.ZipFile(root)
    except (zipfile.BadZipFile, OSError) as error:
        raise UsageError(f"data.root={root}: neither a folder nor a zip that can be read ({error}).") from None
    with archive:
        yield _Files(root, archive)


def _state(path: Path) -> dict[str, int]:
    state = path.stat()
    return {"bytes": state.st_size, "changed": state.st_mtime_ns}


def can_connect(host: str, port: int = 443, seconds: float = CONNECTION_SECONDS) -> bool:
    """Whether a connection opens in time, the look-up of the name included (which no socket's time-out bounds)."""
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
