"""The data set `images`: a folder or a zip file with train/<class>/* and test/<class>/*."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ablate.core.errors import UsageError
from ablate.core.seeding import stream
from ablate.engine.output_folder import located
from ablate.vision.datasets import DECODER, Decoded, Source, Split, register
from ablate.vision.settings import SIZE, Data

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


@register("images")
@dataclass
class ImageFiles(Source):
    """A folder or a zip file with train/<class>/* and test/<class>/*, possibly inside another folder."""

    root: Path

    classes = None

    @classmethod
    def of(cls, data: Data) -> Self:
        return cls(located(data.root or "."))

    @classmethod
    def check(cls, data: Data) -> None:
        if data.root is None:
            raise UsageError(
                "data=images needs data.root=FOLDER, or a zip file, that contains train/<class>/* and test/<class>/*."
            )

    @classmethod
    def caveat(cls, data: Data) -> str:
        if "jpeg" in PurePath(data.root or "").name.lower():
            return f"The images come from a JPEG copy ({data.root}): compression has changed the pixels."
        return f"The images come from {data.root}."

    def __str__(self) -> str:
        return str(self.root)

    def stamp(self) -> dict[str, object]:
        if not self.root.exists():
            raise UsageError(f"data.root={self.root}: no such file or folder (looked for {self.root.resolve()}).")
        if self.root.is_file():
            return {"source": "images", "decoder": DECODER, "zip": str(self.root.resolve()), **_state(self.root)}
        files = {path.relative_to(self.root).as_posix(): _state(path) for path in self.root.rglob("*") if path.is_file()}
        return {"source": "images", "decoder": DECODER, "folder": str(self.root.resolve()), "files": files}

    def decode(self) -> Decoded:
        with _files(self.root) as files:
            names = files.names()
            found = {name: where for name in names if (where := _place(name)) is not None}
            if left_out := sorted(set(names) - set(found)):
                example = f"{len(left_out)} files that are not images in <split>/<class>/, such as {left_out[0]}"
                print(f"{self.root}: skipped {example}.")
            classes = {split: {where[1] for where in found.values() if where[0] == split} for split in ("train", "test")}
            for split, found_classes in classes.items():
                if not found_classes:
                    raise UsageError(f"data.root={self.root}: no images in {split}/<class>/*.")
            if classes["train"] != classes["test"]:
                odd = ", ".join(sorted(classes["train"] ^ classes["test"]))
                raise UsageError(f"data.root={self.root}: train/ and test/ have different classes ({odd}).")
            ordered = tuple(sorted(classes["train"]))
            return Decoded(ordered, *(self._split(files, found, split, ordered) for split in ("train", "test")))

    def _split(self, files: _Files, found: dict[str, tuple[str, str]], split: str, classes: tuple[str, ...]) -> Split:
        names = sorted(name for name, where in found.items() if where[0] == split)
        # Files are sorted by class. A batch of test images should contain all classes, as in CIFAR-10's archive:
        # the article's protocol normalizes by the statistics of the batch.
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
    except Exception as error:  # damaged bytes can raise anything, in Pillow and in zipfile
        raise UsageError(f"{files.where(name)} cannot be read as an image ({error}). Replace or remove it.") from None
    if picture.size != (SIZE, SIZE):
        picture = ImageOps.fit(picture, (SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _place(name: str) -> tuple[str, str] | None:
    """(split, class) of a file, or None if it is not an image of the data set."""
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
        raise UsageError(f"data.root={root}: neither a folder nor a readable zip file ({error}).") from None
    with archive:
        yield _Files(root, archive)


def _state(path: Path) -> dict[str, int]:
    state = path.stat()
    return {"bytes": state.st_size, "changed": state.st_mtime_ns}
