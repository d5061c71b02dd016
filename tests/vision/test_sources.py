"""Folders, zips, CIFAR-10's archive: read as they are, converted as expected, refused by the file's name."""

import hashlib
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from ablate.core.errors import UsageError
from ablate.vision import sources
from ablate.vision.sources import Builtin, Cifar10, ImageFiles, can_connect

RNG = np.random.default_rng(0)


def picture(mode: str = "RGB", size: tuple[int, int] = (32, 32)) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (size[1], size[0], 3), np.uint8)).convert(mode)


def write(root: Path, name: str, image: Image.Image) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def tree(root: Path, count: int = 3) -> Path:
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            for index in range(count):
                write(root, f"{split}/{label}/{index}.png", picture())
    return root


def test_a_folder_and_its_zip_hold_the_same_images(tmp_path: Path) -> None:
    folder = tree(tmp_path / "images")
    (folder / "README.txt").write_text("not an image")
    (folder / "train" / "cat" / ".hidden.png").write_bytes(b"not an image")
    archive = tmp_path / "images.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.rglob("*"):
            file.write(path, Path("wrapped") / path.relative_to(folder))
    decoded, zipped = ImageFiles(folder).decode(), ImageFiles(archive).decode()
    assert decoded.classes == zipped.classes == ("cat", "dog")
    assert decoded.train.images.shape == (6, 32, 32, 3)
    originals = {pixels(path).tobytes(): path.parent.name for path in folder.glob("train/*/[0-9].png")}
    for split in (decoded.train, zipped.train):
        found = {image.tobytes(): decoded.classes[label] for image, label in zip(split.images, split.labels, strict=True)}
        assert found == originals


def test_classes_come_mixed(tmp_path: Path) -> None:
    """A batch of one class would spoil batch statistics."""
    labels = ImageFiles(tree(tmp_path, count=20)).decode().test.labels
    assert 5 < np.abs(np.diff(labels)).sum() < 39
    assert np.bincount(labels).tolist() == [20, 20]


def test_other_modes_and_sizes_are_converted(tmp_path: Path) -> None:
    tree(tmp_path, count=1)
    grey = write(tmp_path, "train/cat/grey.png", picture("L"))
    palette = write(tmp_path, "train/cat/palette.gif", picture("P"))
    ink = write(tmp_path, "train/cat/ink.jpg", picture("CMYK"))
    wide = write(tmp_path, "train/cat/wide.png", Image.new("RGB", (64, 32), (9, 9, 9)))
    clear = write(tmp_path, "train/cat/clear.png", Image.new("RGBA", (32, 32), (200, 200, 200, 0)))
    images = {image.tobytes() for image in ImageFiles(tmp_path).decode().train.images}
    for path in (grey, palette, ink):
        assert pixels(path).tobytes() in images
    assert np.full((32, 32, 3), 9, np.uint8).tobytes() in images
    assert wide.exists()
    assert clear.exists()
    assert np.zeros((32, 32, 3), np.uint8).tobytes() in images


def test_a_torn_image_is_named(tmp_path: Path) -> None:
    tree(tmp_path / "a")
    torn = tmp_path / "a" / "train" / "dog" / "1.png"
    torn.write_bytes(torn.read_bytes()[:200])
    with pytest.raises(UsageError, match=r"a/train/dog/1\.png is no image that can be read"):
        ImageFiles(tmp_path / "a").decode()
    torn.write_bytes(b"")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (tmp_path / "a").rglob("*.png"):
            file.write(path, path.relative_to(tmp_path / "a"))
    with pytest.raises(UsageError, match=r"a\.zip: train/dog/1\.png is no image that can be read"):
        ImageFiles(archive).decode()


def test_a_zip_with_flipped_bytes_names_the_image(tmp_path: Path) -> None:
    """zlib's own error, which is neither zipfile's nor Pillow's."""
    tree(tmp_path / "a")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in (tmp_path / "a").rglob("*.png"):
            file.write(path, path.relative_to(tmp_path / "a"))
        info = file.getinfo("train/cat/1.png")
    data = bytearray(archive.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    data[start : start + 40] = b"\xff" * 40
    archive.write_bytes(data)
    with pytest.raises(UsageError, match=r"a\.zip: train/cat/1\.png is no image that can be read"):
        ImageFiles(archive).decode()


def test_deep_pixels_are_refused_rather_than_clipped(tmp_path: Path) -> None:
    tree(tmp_path)
    write(tmp_path, "train/cat/deep.png", Image.fromarray(np.full((32, 32), 40_000, np.uint16)))
    with pytest.raises(UsageError, match=r"deep\.png: pixels of more than 8 bits \(I;16\)"):
        ImageFiles(tmp_path).decode()


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda root: None, "there is no such file or folder"),
        (lambda root: root.mkdir(), r"no images in train/<class>/\*"),
        (lambda root: tree(root) and write(root, "test/bird/1.png", picture()), r"different classes \(bird\)"),
        (lambda root: root.write_bytes(b"PK not a zip"), "neither a folder nor a zip that can be read"),
    ],
)
def test_what_is_no_data_set_is_refused(prepare: object, said: str, tmp_path: Path) -> None:
    root = tmp_path / "images"
    prepare(root)  # type: ignore[operator]
    source = ImageFiles(root)
    with pytest.raises(UsageError, match=said):
        source.decode() if source.stamp() else None


def test_a_stamp_follows_the_files(tmp_path: Path) -> None:
    tree(tmp_path)
    before = ImageFiles(tmp_path).stamp()
    assert ImageFiles(tmp_path).stamp() == before
    write(tmp_path, "train/cat/new.png", picture())
    assert ImageFiles(tmp_path).stamp() != before


def test_builtin_images_are_as_many_as_asked_for() -> None:
    decoded = Builtin(train_size=25, test_size=10, seed=0).decode()
    assert (len(decoded.train.labels), len(decoded.test.labels)) == (25, 10)
    assert Builtin(25, 10, 0).stamp() != Builtin(25, 10, 1).stamp()


def test_cifar10s_archive_is_read_by_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in the archive's format, with their own checksums in the place of CIFAR-10's."""
    folder = tmp_path / Cifar10.FOLDER
    folder.mkdir()
    lists = {}
    for name, content in {
        "data_batch_1": {"data": RNG.integers(0, 256, (4, 3072), np.uint8), "labels": [0, 1, 2, 3]},
        "test_batch": {"data": RNG.integers(0, 256, (2, 3072), np.uint8), "labels": [4, 5]},
        "batches.meta": {"label_names": list("abcdefghij")},
    }.items():
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        lists[name] = (name, hashlib.md5(data).hexdigest())
    monkeypatch.setattr(CIFAR10, "train_list", [lists["data_batch_1"]])
    monkeypatch.setattr(CIFAR10, "test_list", [lists["test_batch"]])
    monkeypatch.setattr(CIFAR10, "meta", {"filename": "batches.meta", "key": "label_names", "md5": lists["batches.meta"][1]})
    decoded = Cifar10(tmp_path).decode()
    assert decoded.classes == tuple("abcdefghij")
    assert decoded.train.images.shape == (4, 32, 32, 3)
    assert decoded.test.labels.tolist() == [4, 5]
    raw = pickle.loads((folder / "data_batch_1").read_bytes())["data"]
    assert np.array_equal(decoded.train.images[1, :, :, 2].ravel(), raw[1, 2048:])


def test_cifar10_that_cannot_be_had_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "can_connect", lambda host: False)
    with pytest.raises(UsageError, match=r"neither cifar-10-batches-py/ nor cifar-10-python\.tar\.gz.*or data=builtin"):
        Cifar10(tmp_path).require()


def test_a_connection_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    def slow(*_: object, **__: object) -> None:
        time.sleep(0.6)
        raise OSError

    monkeypatch.setattr(sources.socket, "create_connection", slow)
    started = time.perf_counter()
    assert not can_connect("nowhere.invalid", seconds=0.2)
    assert time.perf_counter() - started < 0.5


def test_bytes_of_an_image_are_its_own(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    tree(tmp_path)
    (tmp_path / "train" / "cat" / "UPPER.PNG").write_bytes(buffer.getvalue())
    assert len(ImageFiles(tmp_path).decode().train.labels) == 7
