"""Which of several metrics is the one to compare, judged by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ablate.core.metrics import MetricSpec

_DATA = (  # words for the data that a result is on
    frozenset({"test"}),
    frozenset({"val", "valid", "validation", "dev", "eval"}),
    frozenset({"train", "training"}),
)


def data_rank(name: str, others: Iterable[str]) -> int:
    """0 for results on test data, 1 for those on validation data, and 2 for those on training data.

    Without a word for the data, a result is one on training data if only another column has it on other data: `accuracy` beside
    `val_accuracy`, as Keras names them.

    >>> [data_rank(name, ["acc", "val_acc"]) for name in ("acc", "val_acc", "test/acc")]
    [2, 1, 0]
    """
    words = _words_of(name)
    if (found := _data_of(words)) is not None:
        return found
    elsewhere = {_data_of(other) for other in map(_words_of, others) if other - frozenset().union(*_DATA) == words} - {None}
    return 2 if elsewhere and 2 not in elsewhere else 1


def main_first(names: Sequence[str]) -> list[str]:
    """Names of metrics, the one to compare first: an outcome whose direction is known, on test data rather than on others.

    >>> main_first(["train/loss", "lr", "val/loss", "val/acc"])
    ['val/acc', 'val/loss', 'train/loss', 'lr']
    """
    specs = {name: MetricSpec.guess(name) for name in names}

    def place(name: str) -> tuple[bool, int, bool]:
        known = specs[name].better is not None and specs[name].role == "outcome"
        return not known, data_rank(name, names), specs[name].better != "higher"

    return sorted(names, key=place)


def most_telling(columns: Sequence[str]) -> str:
    """The logged column that tells most about a running run: the last one that is better when higher, otherwise the last.

    >>> most_telling(["epoch", "test_accuracy", "train_loss"])
    'test_accuracy'
    """
    better = [name for name in columns if MetricSpec.guess(name).better == "higher"]
    return (better or list(columns))[-1]


def _data_of(words: frozenset[str]) -> int | None:
    return next((at for at, group in enumerate(_DATA) if group & words), None)


def _words_of(name: str) -> frozenset[str]:
    return frozenset(filter(None, re.split(r"[^a-z]+", name.lower())))
