"""Levels and factors have one form and one notion of equality."""

from enum import Enum
from pathlib import Path

import numpy as np
import pytest

from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level, distinct, short_names


class Color(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "plain", "text"),
    [
        (None, None, "null"),
        (True, True, "true"),
        (np.bool_(False), False, "false"),
        (1, 1, "1"),
        (1.0, 1, "1"),
        (np.float64(0.5), 0.5, "0.5"),
        (np.int64(7), 7, "7"),
        (1e-3, 0.001, "0.001"),
        ("007", "007", "007"),
        ((1, 2.0), [1, 2], "[1, 2]"),
        (np.array([1.0, 2.5]), [1, 2.5], "[1, 2.5]"),
        (Color.RED, "RED", "RED"),
        (Path("a/b"), "a/b", "a/b"),
        ({"decay": 0.99}, {"decay": 0.99}, "{decay: 0.99}"),
    ],
)
def test_a_value_is_normalized_once(value: object, plain: object, text: str) -> None:
    level = Level.of(value)
    assert (level.value, level.text, str(level)) == (plain, text, text)
    assert Level.of(level) is level


def test_levels_are_equal_if_they_read_the_same() -> None:
    assert Level.of(1) == Level.of(1.0) == Level.of("1")
    assert Level.of(True) == Level.of("true")
    assert Level.of(1) != Level.of(True)
    assert Level.of(0) != Level.of(False)
    assert Level.of(None) == Level.of("null")
    assert Level.of("") != Level.of(None)
    assert len({Level.of(1), Level.of(1.0), Level.of("1"), Level.of(True)}) == 2
    assert Level.of(1) != 1  # a plain value is not a level


def test_nan_is_refused() -> None:
    with pytest.raises(UsageError, match="NaN is not a valid level; use null"):
        Level.of(float("nan"))


def test_levels_sort_as_people_do() -> None:
    levels = map(Level.of, ["b", 10, None, 9.5, "a", 1])
    assert [level.text for level in sorted(levels)] == ["1", "9.5", "10", "a", "b", "null"]


def test_a_factor_has_each_level_once_and_its_first_is_the_baseline() -> None:
    factor = Factor.of("lr", [0.1, 1, 1.0, "0.1", True])
    assert [level.text for level in factor] == ["0.1", "1", "true"]
    assert factor.baseline == Level.of(0.1)
    assert len(factor) == 3
    assert 1.0 in factor
    assert "2" not in factor
    assert factor.level("1").value == 1
    with pytest.raises(UsageError, match=r"lr has no level 2; available: 0.1, 1, true\."):
        factor.level(2)


def test_distinct_keeps_the_order() -> None:
    assert [level.value for level in distinct(["b", "a", "b", None])] == ["b", "a", None]


def test_keys_are_as_short_as_they_can_be() -> None:
    assert short_names(["model.dropout", "stem"]) == {"model.dropout": "dropout", "stem": "stem"}
    assert short_names(["model.width", "stem.width"]) == {"model.width": "model.width", "stem.width": "stem.width"}


def test_a_text_with_control_characters_is_shown_by_escapes() -> None:
    level = Level.of("\x1b[31m\u2028\udcff\n")
    assert level.text == r"\x1b[31m\u2028\udcff\n"
    assert level.value == "\x1b[31m\u2028\udcff\n"


def test_integers_of_any_size_are_ordered() -> None:
    levels = [Level.of(10**400), Level.of(1), Level.of(-(10**400)), Level.of("a")]
    assert [level.value for level in sorted(levels)] == [-(10**400), 1, 10**400, "a"]
