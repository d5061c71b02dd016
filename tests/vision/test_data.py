"""Cache, subsets and augmentation: the latter against torchvision's own transforms."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tv

from ablate.core.errors import UsageError
from ablate.core.seeding import stream
from ablate.vision import data as images
from ablate.vision.data import (
    Normalizer,
    class_count,
    crop,
    cut_out,
    flip,
    flips,
    load,
    offsets,
    prepare,
    resolve,
    sizes,
    subset,
)
from ablate.vision.datasets import Decoded
from ablate.vision.datasets.builtin import Builtin
from ablate.vision.settings import Augment, Data

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50))
CPU = torch.device("cpu")


def builtin(cache: Path, **changes: object) -> Data:
    settings = {
        "source": "builtin", "root": None, "digest": None, "train_size": 60, "test_size": 20, "validation_size": 0,
        "subset_seed": 0, "cache": str(cache),
    }  # fmt: skip
    return Data(**{**settings, **changes})


def test_a_subset_is_stratified_and_the_same_for_its_seed() -> None:
    chosen, apart = subset(LABELS, 100, 0, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [10] * 10
    assert len(apart) == 0
    assert np.array_equal(chosen, subset(LABELS, 100, 0, seed=0)[0])
    assert not np.array_equal(chosen, subset(LABELS, 100, 0, seed=1)[0])
    assert np.array_equal(chosen, np.sort(chosen))


def test_a_size_that_does_not_divide_is_met_to_the_image() -> None:
    chosen, apart = subset(LABELS, 123, 37, seed=0)
    assert (len(chosen), len(apart)) == (123, 37)
    assert set(np.bincount(LABELS[chosen])) == {12, 13}


def test_validation_images_are_set_apart_without_changing_the_training() -> None:
    alone, _ = subset(LABELS, 100, 0, seed=0)
    beside, apart = subset(LABELS, 100, 100, seed=0)
    assert np.array_equal(alone, beside)
    assert np.bincount(LABELS[apart]).tolist() == [10] * 10
    assert not set(beside) & set(apart)
    rest, apart = subset(LABELS, None, 105, seed=0)
    assert len(rest) == 395
    assert sorted([*rest, *apart]) == list(range(500))


def test_a_smaller_subset_lies_inside_a_larger_one() -> None:
    assert set(subset(LABELS, 100, 0, seed=0)[0]) < set(subset(LABELS, 200, 0, seed=0)[0])


def test_images_are_loaded_as_they_were_drawn(tmp_path: Path) -> None:
    data = builtin(tmp_path, validation_size=10)
    digest = prepare(data)
    loaded = load(data.model_copy(update={"digest": digest}), CPU)
    assert [len(split) for split in (loaded.train, loaded.test, loaded.validation)] == [60, 20, 10]
    assert loaded.train.images.dtype == torch.uint8
    from ablate.vision.drawing import draw

    drawn, labels = draw("train", 70, 0)
    assert np.array_equal(loaded.train.images.numpy(), drawn[:60])  # the same as without images set apart
    assert np.array_equal(loaded.validation.images.numpy(), drawn[60:])
    assert np.array_equal(loaded.validation.labels.numpy(), labels[60:])


def test_the_next_run_finds_its_images_in_memory(tmp_path: Path) -> None:
    first = load(builtin(tmp_path), CPU)
    assert load(builtin(tmp_path), CPU) is first
    assert load(builtin(tmp_path, subset_seed=1), CPU) is not first


def test_other_images_than_those_insisted_on_are_refused(tmp_path: Path) -> None:
    digest = prepare(builtin(tmp_path))
    with pytest.raises(UsageError, match=rf"data\.digest=abc: the images of data=builtin have changed \(digest {digest}\)"):
        prepare(builtin(tmp_path, digest="abc"))


def test_more_images_than_there_are_are_refused(tmp_path: Path) -> None:
    from PIL import Image

    for split in ("train", "test"):
        (tmp_path / "root" / split / "a").mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / "root" / split / "a" / "1.png")
    data = builtin(tmp_path, source="images", root=str(tmp_path / "root"), test_size=1)
    with pytest.raises(UsageError, match=r"data\.train_size \+ data\.validation_size=60: data=images has only 1 images\."):
        prepare(data)


@pytest.mark.parametrize("name", ["train-images.npy", "test-labels.npy", "meta.json"])
@pytest.mark.parametrize("left", [0, 100])
def test_a_torn_cache_is_made_again(name: str, left: int, tmp_path: Path) -> None:
    data = builtin(tmp_path)
    digest = prepare(data)
    (torn,) = tmp_path.glob(f"*/{name}")
    whole = torn.read_bytes()
    torn.write_bytes(whole[:left])
    assert prepare(data) == digest
    assert torn.read_bytes() == whole


def test_a_cache_that_cannot_be_written_says_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot cache decoded images in .*; set data\.cache=FOLDER"):
        prepare(builtin(tmp_path / "file" / "cache"))


def _prepare_and_count(cache: Path) -> str:
    source = Builtin.decode

    def counted(self: Builtin) -> Decoded:
        (cache / f"decoded-{multiprocessing.current_process().pid}").touch()
        return source(self)

    Builtin.decode = counted  # type: ignore[method-assign]
    return prepare(builtin(cache, train_size=20_000))


@pytest.mark.slow
def test_two_processes_decode_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        digests = pool.map(_prepare_and_count, [tmp_path, tmp_path], chunksize=1)
    assert digests[0] == digests[1]
    assert len(list(tmp_path.glob("decoded-*"))) == 1


def test_auto_takes_cifar10_if_it_can_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auto = builtin(tmp_path, source="auto", root=str(tmp_path))
    monkeypatch.setattr(images, "can_connect", lambda host: False)
    assert resolve(auto) == "builtin"
    assert resolve(auto.model_copy(update={"source": "images"})) == "images"
    monkeypatch.setattr(images, "can_connect", lambda host: True)
    assert resolve(auto) == "cifar10"
    monkeypatch.setattr(images, "can_connect", lambda host: False)
    (tmp_path / "cifar-10-python.tar.gz").touch()
    assert resolve(auto) == "cifar10"


def test_the_numbers_of_images_and_classes_are_those_of_the_source(tmp_path: Path) -> None:
    everything = {"root": str(tmp_path), "train_size": None, "test_size": None, "validation_size": 100}
    assert sizes(builtin(tmp_path, source="cifar10", **everything)) == (49_900, 10_000, 100)
    assert sizes(builtin(tmp_path, source="svhn", **everything)) == (73_157, 26_032, 100)
    assert sizes(builtin(tmp_path)) == (60, 20, 0)
    assert sizes(builtin(tmp_path, **everything))[::2] == (50_000, 100)  # it draws as many more
    counts = {source: class_count(builtin(tmp_path, source=source)) for source in ("auto", "cifar10", "cifar100", "svhn")}
    assert counts == {"auto": 10, "cifar10": 10, "cifar100": 100, "svhn": 10}


def test_classes_and_images_of_image_files_are_counted_once_they_are_decoded(tmp_path: Path) -> None:
    from PIL import Image

    for split in ("train", "test"):
        for label in ("a", "b", "c"):
            (tmp_path / "root" / split / label).mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(tmp_path / "root" / split / label / "1.png")
    data = builtin(tmp_path, source="images", root=str(tmp_path / "root"), train_size=None, test_size=None, validation_size=1)
    assert class_count(data) == 10
    assert sizes(data) == (49_999, 10_000, 1)
    prepare(data)
    assert class_count(data) == 3
    assert sizes(data) == (2, 3, 1)


def test_flips_are_torchvisions() -> None:
    batch = torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8)
    chosen = flips(8, stream(0, "flip", 1))
    assert 0 < chosen.sum() < 8
    expected = [
        tv.hflip(image.permute(2, 0, 1)).permute(1, 2, 0) if one else image for image, one in zip(batch, chosen, strict=True)
    ]
    assert torch.equal(flip(batch, chosen), torch.stack(expected))


def test_half_of_many_are_flipped() -> None:
    assert 4800 < int(flips(10_000, stream(0, "flip", 1)).sum()) < 5200


def test_crops_are_torchvisions() -> None:
    batch = torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8)
    starts = offsets(8, 4, stream(0, "crop", 1))
    expected = [
        tv.crop(tv.pad(image.permute(2, 0, 1), [4]), int(top), int(left), 32, 32).permute(1, 2, 0)
        for image, (top, left) in zip(batch, starts, strict=True)
    ]
    assert torch.equal(crop(batch, starts, 4), torch.stack(expected))


def test_reflected_crops_are_torchvisions() -> None:
    batch = torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8)
    starts = offsets(8, 4, stream(0, "crop", 1))
    expected = [
        tv.crop(tv.pad(image.permute(2, 0, 1), [4], padding_mode="reflect"), int(top), int(left), 32, 32).permute(1, 2, 0)
        for image, (top, left) in zip(batch, starts, strict=True)
    ]
    assert torch.equal(crop(batch, starts, 4, reflect=True), torch.stack(expected))


def test_crops_reach_every_offset() -> None:
    assert sorted(set(offsets(2000, 4, stream(0, "crop", 1)).ravel().tolist())) == list(range(9))


def test_a_cutout_is_a_square_around_its_center_as_far_as_it_is_inside() -> None:
    batch = (torch.rand(4, 3, 9, 7) + 1).contiguous(memory_format=torch.channels_last)
    centers = torch.tensor([[4, 3], [0, 0], [8, 6], [2, 6]])
    squares = [(slice(2, 6), slice(1, 5)), (slice(0, 2), slice(0, 2)), (slice(6, 9), slice(4, 7)), (slice(0, 4), slice(4, 7))]
    expected = batch.clone()
    for image, (rows, columns) in zip(expected, squares, strict=True):
        image[:, rows, columns] = 0
    found = cut_out(batch, centers, 4)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_normalizing_is_torchvisions_and_in_channels_last() -> None:
    augment = Augment(
        flip=False, flipping="random", crop=0, crop_padding="zeros", cutout=0, mean=[0.5, 0.4, 0.3], std=[0.5, 0.2, 0.1]
    )
    batch = torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8)
    reference = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(augment.mean, augment.std)])
    result = Normalizer(augment, CPU)(batch)
    assert torch.allclose(result, reference(batch.permute(0, 3, 1, 2)), atol=1e-5)
    assert result.is_contiguous(memory_format=torch.channels_last)
