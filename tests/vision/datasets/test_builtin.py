"""The drawn data set: as many images as asked for, the validation images after the training images."""

import re

import pytest

from ablate.core.errors import UsageError
from ablate.vision.datasets.builtin import Builtin
from ablate.vision.settings import Data


def data(**changes: object) -> Data:
    settings = {
        "source": "builtin", "root": None, "digest": None, "train_size": 20, "test_size": 10, "validation_size": 5,
        "subset_seed": 0, "cache": None,
    }  # fmt: skip
    return Data(**{**settings, **changes})


def test_there_are_as_many_images_as_asked_for() -> None:
    decoded = Builtin.of(data()).decode()
    assert (len(decoded.train.labels), len(decoded.test.labels)) == (25, 10)
    assert Builtin(25, 10, 0).stamp() != Builtin(25, 10, 1).stamp()
    everything = Builtin.of(data(train_size=None, test_size=None))
    assert (everything.train, everything.test) == (50_005, 10_000)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"train_size": 999_999}, "data.train_size + data.validation_size=1000004"),
        ({"validation_size": 10**12}, "data.train_size + data.validation_size=1000000000020"),
        ({"test_size": 1_000_001}, "data.test_size=1000001"),
    ],
)
def test_more_images_than_fit_into_memory_are_refused(asked: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=rf"^{re.escape(said)}: data=builtin draws at most 1,000,000 images\.$"):
        Builtin.check(data(**asked))
    Builtin.check(data(train_size=999_995, test_size=1_000_000))


def test_validation_images_follow_the_training_images() -> None:
    source = Builtin.of(data())
    train, validation = source.split(source.decode().train.labels, data())
    assert train.tolist() == list(range(20))
    assert validation.tolist() == list(range(20, 25))


def test_a_report_says_that_the_images_are_drawn() -> None:
    assert Builtin.caveat(data()) == (
        "The images were drawn by the program (data.source=builtin): the results do not carry over to photographs."
    )
