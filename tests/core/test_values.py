"""What counts as a number."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from ablate.core.values import described, plain_number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1), (0.5, 0.5), (True, True), (None, None), (np.float64(0.5), 0.5), (np.int8(3), 3), (np.bool_(True), True),
        (np.array(2), 2), (torch.tensor(0.5), 0.5), (torch.tensor(3), 3), (torch.tensor(True), True), (Fraction(1, 4), 0.25),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5), (float("inf"), float("inf")),
    ],
)  # fmt: skip
def test_numbers(value: object, number: object) -> None:
    found = plain_number(value)
    assert (type(found), found) == (type(number), number)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.ones(1), "ndarray of shape (1,) is not a number"),
        (torch.ones(1, 2), "Tensor of shape (1, 2) is not a number"),
        (np.array("x"), "ndarray of shape () is not a number"),
        ("0.5", "str '0.5' is not a number"),
        ({"a": 1}, "dict {'a': 1} is not a number"),
        (1 + 0j, "complex (1+0j) is not a number"),
        (-(10**400), "the number is beyond the range of a float"),
    ],
)
def test_other_values(value: object, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        plain_number(value)
    assert str(caught.value) == said


def test_a_value_is_described_whatever_its_representation() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert described(Broken()) == "Broken"
    assert len(described("x" * 10**6)) < 200
    assert "\x1b" not in described("\x1b[0m")
