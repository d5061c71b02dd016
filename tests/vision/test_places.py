"""Places of a trunk, and the patterns that match them."""

import pytest

from ablate.core.errors import UsageError
from ablate.vision.places import matching, trunk_places


def test_places_are_in_forward_order() -> None:
    assert trunk_places(2, 2) == ["block1.conv1", "block1.conv2", "block1.pool", "block2.conv1", "block2.conv2", "block2.pool"]


def test_matches_are_in_forward_order_and_listed_once() -> None:
    places = trunk_places(2, 2)
    assert matching("key", ["last.pool", "block*.conv1", "block2.*"], places) == [
        "block1.conv1", "block2.conv1", "block2.conv2", "block2.pool",
    ]  # fmt: skip


def test_a_pattern_without_a_match_is_refused_with_the_places() -> None:
    with pytest.raises(UsageError) as caught:
        matching("norm.places", ["block3.pool"], trunk_places(1, 1))
    assert (
        str(caught.value) == "norm.places: 'block3.pool' matches no place of this trunk; available: block1.conv1, block1.pool."
    )
