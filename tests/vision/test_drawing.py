"""The drawn images: always the same, of all classes, and told apart by more than one thing."""

import numpy as np

from ablate.vision.drawing import CHUNK, CLASSES, draw


def test_the_same_for_the_same_seed_and_the_first_of_any_more() -> None:
    images, labels = draw("train", CHUNK + 50, seed=0)
    again, _ = draw("train", 30, seed=0)
    assert (images.shape, images.dtype, labels.dtype) == ((CHUNK + 50, 32, 32, 3), np.uint8, np.int64)
    assert np.array_equal(images[:30], again)
    assert not np.array_equal(images[:50], images[CHUNK:])


def test_splits_and_seeds_differ() -> None:
    base, _ = draw("train", 20, seed=0)
    assert not np.array_equal(base, draw("test", 20, seed=0)[0])
    assert not np.array_equal(base, draw("train", 20, seed=1)[0])


def test_classes_come_in_turn() -> None:
    _, labels = draw("test", 100, seed=0)
    assert np.bincount(labels).tolist() == [10] * len(CLASSES)


def test_pixels_use_their_range() -> None:
    images, _ = draw("train", 500, seed=0)
    assert images.min() == 0
    assert images.max() == 255
    assert 90 < images.mean() < 165


def test_a_linear_reader_finds_something_and_not_everything() -> None:
    """Ridge regression on pixels: above chance (the hue), far from everything (the shape)."""
    images, labels = draw("train", 4000, seed=0)
    flat = np.c_[images.reshape(len(images), -1)[:, ::4] / 255 - 0.5, np.ones(len(images))]
    target = np.eye(10)[labels]
    train, test = slice(0, 3000), slice(3000, 4000)
    weights = np.linalg.solve(flat[train].T @ flat[train] + 30 * np.eye(flat.shape[1]), flat[train].T @ target[train])
    accuracy = ((flat[test] @ weights).argmax(1) == labels[test]).mean()
    assert 0.15 < accuracy < 0.5
