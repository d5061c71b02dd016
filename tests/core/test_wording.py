"""Counts and durations in words."""

import pytest

from ablate.core.wording import counted, duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59.6, "1 min"), (190, "3 min 10 s"), (3600, "1 h"), (7500, "2 h 5 min"), (2e5, "2 d 7 h")],
)
def test_durations_are_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_nouns_are_singular_for_one_only() -> None:
    assert [counted(number, "run") for number in (0, 1, 2, 1000)] == ["0 runs", "1 run", "2 runs", "1,000 runs"]
