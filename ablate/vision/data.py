"""The image pipeline: cache of decoded images, subsets, and augmentation in batches on the device."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from ablate.core.errors import UsageError
from ablate.core.seeding import stream
from ablate.storage import fingerprint
from ablate.storage.files import remove_abandoned, temporary_prefix, write_atomically
from ablate.vision.cache_folder import cache_root
from ablate.vision.datasets import AUTO, DATASETS, Decoded, Source, Split
from ablate.vision.datasets._torchvision import TorchvisionSource, can_connect
from ablate.vision.settings import Augment, Data

PREFERRED, FALLBACK = "cifar10", "builtin"  # data sets for data=auto
META = "meta.json"


@dataclass
class Images:
    """A split on the device: uint8 images (N, 32, 32, 3) and int64 labels (N,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass
class DataSet:
    """The images of a run."""

    classes: tuple[str, ...]
    train: Images
    test: Images
    validation: Images


def source_of(data: Data) -> Source:
    """The data source of a configuration in which `auto` is resolved."""
    return DATASETS[data.source].of(data)


def resolve(data: Data) -> str:
    """Resolve `auto`: CIFAR-10 if it is on this machine or can be downloaded, otherwise generated images."""
    if data.source != AUTO:
        return data.source
    source = DATASETS[PREFERRED].of(data)
    if source.is_available() or (_cache_folder(source, data.cache) / META).exists():
        return PREFERRED
    return PREFERRED if isinstance(source, TorchvisionSource) and can_connect(source.host) else FALLBACK


def class_count(data: Data) -> int:
    """The number of classes. For image files that are not decoded yet, 10 is assumed."""
    kind = DATASETS[PREFERRED if data.source == AUTO else data.source]
    if kind.classes is not None:
        return kind.classes
    decoded = _decoded_before(data)
    return 10 if decoded is None else len(decoded.classes)


def prepare(data: Data) -> str:
    """Decode and cache the images, unless they are cached.

    Returns:
        The digest of the images.

    Raises:
        UsageError: if the images are not available, do not match `data.digest`, or are fewer than requested.
    """
    DATASETS[data.source].check(data)  # only now is `auto` resolved
    decoded = _cached(source_of(data), data.cache)
    if data.digest not in (None, decoded.digest):
        raise UsageError(
            f"data.digest={data.digest}: the images of data={data.source} have changed (digest {decoded.digest}). "
            "Use the original images, or choose another study.name."
        )
    train, test = (data.train_size or 1) + data.validation_size, data.test_size or 1
    for key, wanted, there in (
        ("data.train_size + data.validation_size", train, len(decoded.train.labels)),
        ("data.test_size", test, len(decoded.test.labels)),
    ):
        if wanted > there:
            raise UsageError(f"{key}={wanted}: data={data.source} has only {there} images.")
    return decoded.digest


def training_size(data: Data) -> int:
    """The number of training images of a run. Raises as `prepare`."""
    return data.train_size or len(_cached(source_of(data), data.cache).train.labels) - data.validation_size


def sizes(data: Data) -> tuple[int, int, int]:
    """The numbers of training, test and validation images of a run.

    For image files that are not decoded yet, the sizes of CIFAR-10 are assumed.
    """
    kind = DATASETS[PREFERRED if data.source == AUTO else data.source]
    train, test = kind.train_size, kind.test_size
    if kind.draws:  # the validation images too
        train += data.validation_size
    if kind.classes is None and (decoded := _decoded_before(data)):
        train, test = len(decoded.train.labels), len(decoded.test.labels)
    return data.train_size or train - data.validation_size, data.test_size or test, data.validation_size


def _decoded_before(data: Data) -> Decoded | None:
    """The cached images of an explicitly chosen source, or None if they are not cached."""
    source = source_of(data)
    try:
        return _read(_cache_folder(source, data.cache))
    except UsageError:  # missing files are reported by `prepare`
        return None


@functools.lru_cache(maxsize=2)  # shared by consecutive runs in one process
def load(data: Data, device: torch.device) -> DataSet:
    """Load the data set of a run to the device. Raises as `prepare`."""
    prepare(data)
    source = source_of(data)
    decoded = _cached(source, data.cache)
    labels = decoded.train.labels
    train, validation = source.split(labels, data) or subset(labels, data.train_size, data.validation_size, data.subset_seed)
    test, _ = subset(decoded.test.labels, data.test_size, 0, data.subset_seed)

    def move(split: Split, chosen: NDArray[np.int64]) -> Images:
        # All images of a split stay mapped from the file of the cache: on the CPU, processes then share their memory
        whole = len(chosen) == len(split.labels)
        return Images(
            *(torch.from_numpy(array if whole else array[chosen]).to(device) for array in (split.images, split.labels))
        )

    return DataSet(decoded.classes, move(decoded.train, train), move(decoded.test, test), move(decoded.train, validation))


def subset(labels: NDArray[np.int64], size: int | None, apart: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted indices of `size` examples, and of `apart` other examples, both stratified by class.

    Each class contributes proportionally (largest remainders). From a random order of each class, the first subset takes the
    front and the second the back, so that a validation set does not change the training images as long as there are enough.
    """
    everything = len(labels)
    size = everything - apart if size is None else size
    counts = np.bincount(labels)
    kept, set_apart = _share(counts, size), _share(counts, apart)
    over = np.maximum(kept + set_apart - counts, 0)  # if both round up, a class may be one short; take from other classes
    kept -= over
    for _ in range(int(over.sum())):
        kept[np.argmax(counts - kept - set_apart)] += 1
    front, back = [], []
    for label, (front_count, back_count) in enumerate(zip(kept, set_apart, strict=True)):
        members = stream(seed, "subset", label).permutation(np.flatnonzero(labels == label))
        front.append(members[:front_count])
        back.append(members[len(members) - back_count :])
    return np.sort(np.concatenate(front)), np.sort(np.concatenate(back))


def _share(counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    exact: NDArray[np.float64] = counts * size / counts.sum()
    share: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    for label in np.argsort(share - exact, kind="stable")[: size - share.sum()]:
        share[label] += 1
    return share


@dataclass
class Cached(Decoded):
    """Decoded images in the cache; pixels are read on demand."""

    digest: str


def _cache_folder(source: Source, cache: str | None) -> Path:
    return cache_root(cache) / fingerprint.digest(source.stamp())[:16]


def _cached(source: Source, cache: str | None) -> Cached:
    """The cached images of `source`. If necessary, one process decodes them while others wait.

    Raises:
        UsageError: if the cache is not writable.
    """
    folder = _cache_folder(source, cache)
    if (cached := _read(folder)) is not None:
        return cached
    with _explained(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder.with_suffix(".lock")).acquire()
    with held:
        if (cached := _read(folder)) is None:
            source.require()
            print(f"Decoding all images of {source}; they will be cached in {folder.parent}.", flush=True)
            decoded = source.decode()
            with _explained(folder.parent):
                shutil.rmtree(folder, ignore_errors=True)  # incomplete
                _write(decoded, folder)
            cached = _read(folder)
    assert cached is not None
    return cached


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot cache decoded images in {root} ({error.strerror or error}); set data.cache=FOLDER.") from None


def _read(folder: Path) -> Cached | None:
    """Read the cache; None if it is missing or damaged."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        train, test = (
            Split(
                np.load(folder / f"{split}-images.npy", mmap_mode="c", allow_pickle=False),
                np.load(folder / f"{split}-labels.npy", allow_pickle=False),
            )
            for split in ("train", "test")
        )
        return Cached(tuple(meta["classes"]), train, test, meta["digest"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _write(decoded: Decoded, folder: Path) -> None:
    """Write to a temporary folder and rename it, so that `folder` is complete or does not exist."""
    remove_abandoned(folder.parent)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=temporary_prefix(folder.name)))
    try:
        sha = hashlib.sha256(json.dumps(decoded.classes).encode())
        for name, split in (("train", decoded.train), ("test", decoded.test)):
            for kind, array in (("images", split.images), ("labels", split.labels)):
                np.save(temporary / f"{name}-{kind}.npy", array, allow_pickle=False)
                sha.update(array.tobytes())
        write_atomically(temporary / META, json.dumps({"digest": sha.hexdigest(), "classes": decoded.classes}))
        temporary.chmod(0o755)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def flips(count: int, generator: np.random.Generator) -> Tensor:
    """Draw which images to flip, each with probability 0.5: bool (count,)."""
    return torch.from_numpy(generator.random(count) < 0.5)


def offsets(count: int, padding: int, generator: np.random.Generator) -> Tensor:
    """Draw the row and column at which each crop starts in the padded image: (count, 2)."""
    return torch.from_numpy(generator.integers(0, 2 * padding + 1, (count, 2)))


def flip(images: Tensor, flipped: Tensor) -> Tensor:
    """Flip the images (B, H, W, C) horizontally where `flipped` (B,) is true."""
    return torch.where(flipped[:, None, None, None], images.flip(2), images)


def crop(images: Tensor, starts: Tensor, padding: int, reflect: bool = False) -> Tensor:
    """Pad images (B, H, W, C) and crop each to its original size, from the row and column in `starts` (B, 2).

    The padding is zeros, or the image reflected at its border, whose pixels are not repeated.
    """
    count, height, width, _ = images.shape
    rows = starts[:, :1] + torch.arange(height, device=images.device)
    columns = starts[:, 1:] + torch.arange(width, device=images.device)
    batch = torch.arange(count, device=images.device)[:, None, None]
    if reflect:
        rows, columns = _reflected(rows - padding, height), _reflected(columns - padding, width)
    else:
        images = torch.nn.functional.pad(images, (0, 0, padding, padding, padding, padding))
    return images[batch, rows[:, :, None], columns[:, None, :]]


def cut_out(images: Tensor, centers: Tensor, size: int) -> Tensor:
    """Set a square of `size` pixels to 0 in each of the normalized images (B, C, H, W).

    A square lies around the row and column in `centers` (B, 2), and may lie partly outside the image (DeVries and Taylor 2017,
    "Improved Regularization of Convolutional Neural Networks with Cutout", arXiv 1708.04552).
    """
    first = centers[:, :, None] - size // 2  # (B, 2, 1)
    rows, columns = (torch.arange(length, device=images.device) for length in images.shape[2:])
    hit_rows = (rows >= first[:, 0]) & (rows < first[:, 0] + size)  # (B, H)
    hit_columns = (columns >= first[:, 1]) & (columns < first[:, 1] + size)
    return images * ~(hit_rows[:, :, None] & hit_columns[:, None, :])[:, None]


def _reflected(positions: Tensor, size: int) -> Tensor:
    """Positions of the pixels of an image of `size` that positions beyond its border show."""
    return size - 1 - (size - 1 - positions.abs()).abs()


class Normalizer:
    """Normalize uint8 images (B, H, W, C) to floats (B, C, H, W) in channels_last: (x / 255 - mean) / std."""

    def __init__(self, augment: Augment, device: torch.device) -> None:
        mean, std = (torch.tensor(values, device=device) for values in (augment.mean, augment.std))
        self.scale, self.shift = 1 / (255 * std), -mean / std

    def __call__(self, images: Tensor) -> Tensor:
        return torch.addcmul(self.shift, images.to(torch.float32), self.scale).permute(0, 3, 1, 2)
