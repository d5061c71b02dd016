"""Places in a trunk of blocks for batch normalization and dropout, such as `block2.conv1` and `block3.pool`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ablate.core.errors import UsageError


def trunk_places(blocks: int, depth: int) -> list[str]:
    """The places after each convolution and each pooling, in forward order.

    >>> trunk_places(2, 1)
    ['block1.conv1', 'block1.pool', 'block2.conv1', 'block2.pool']
    """
    return [
        place
        for number in range(1, blocks + 1)
        for place in (*(f"block{number}.conv{index}" for index in range(1, depth + 1)), f"block{number}.pool")
    ]


def matching(key: str, patterns: Sequence[str], places: Sequence[str]) -> list[str]:
    """The places that match at least one pattern, in forward order. `last.` stands for the last block.

    Args:
        key: the configuration key of the patterns, for the message.
        patterns: with the wildcards of `fnmatch`.
        places: all places of the trunk.

    Raises:
        UsageError: if a pattern matches no place.
    """
    last_block = places[-1].split(".")[0]
    found: set[str] = set()
    for pattern in patterns:
        named = [place for place in places if fnmatchcase(place, pattern.replace("last.", f"{last_block}."))]
        if not named:
            raise UsageError(f"{key}: '{pattern}' matches no place of this trunk; available: {', '.join(places)}.")
        found.update(named)
    return [place for place in places if place in found]
