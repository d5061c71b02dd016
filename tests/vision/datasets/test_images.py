"""Folders and zips of images: read as they are, converted as expected, refused by the file's name."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.core.errors import UsageError
from ablate.vision.datasets.images import ImageFiles
from ablate.vision.settings import Data

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
    with pytest.raises(UsageError, match=r"a/train/dog/1\.png cannot be read as an image"):
        ImageFiles(tmp_path / "a").decode()
    torn.write_bytes(b"")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (tmp_path / "a").rglob("*.png"):
            file.write(path, path.relative_to(tmp_path / "a"))
    with pytest.raises(UsageError, match=r"a\.zip: train/dog/1\.png cannot be read as an image"):
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
    with pytest.raises(UsageError, match=r"a\.zip: train/cat/1\.png cannot be read as an image"):
        ImageFiles(archive).decode()


def test_deep_pixels_are_refused_rather_than_clipped(tmp_path: Path) -> None:
    tree(tmp_path)
    write(tmp_path, "train/cat/deep.png", Image.fromarray(np.full((32, 32), 40_000, np.uint16)))
    with pytest.raises(UsageError, match=r"deep\.png: pixels of more than 8 bits \(I;16\)"):
        ImageFiles(tmp_path).decode()


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda root: None, "no such file or folder"),
        (lambda root: root.mkdir(), r"no images in train/<class>/\*"),
        (lambda root: tree(root) and write(root, "test/bird/1.png", picture()), r"different classes \(bird\)"),
        (lambda root: root.write_bytes(b"PK not a zip"), "neither a folder nor a readable zip file"),
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


def test_bytes_of_an_image_are_its_own(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    tree(tmp_path)
    (tmp_path / "train" / "cat" / "UPPER.PNG").write_bytes(buffer.getvalue())
    assert len(ImageFiles(tmp_path).decode().train.labels) == 7


def test_images_need_a_root(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        ImageFiles.check(settings(None))
    assert str(caught.value) == (
        "data=images needs data.root=FOLDER, or a zip file, that contains train/<class>/* and test/<class>/*."
    )
    ImageFiles.check(settings(str(tmp_path)))


def test_a_report_says_where_the_images_are_from_and_that_they_were_compressed() -> None:
    assert ImageFiles.caveat(settings("a/photos.zip")) == "The images come from a/photos.zip."
    assert ImageFiles.caveat(settings("a/cifar10-JPEG.zip")) == (
        "The images come from a JPEG copy (a/cifar10-JPEG.zip): compression has changed the pixels."
    )


def settings(root: str | None) -> Data:
    return Data(
        source="images", root=root, digest=None, train_size=None, test_size=None, validation_size=0, subset_seed=0, cache=None
    )
