"""Plain numbers from what training functions return and log."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ablate.core.text import cut, printable

SHOWN = 80  # characters of a value in a message
TRUTHS = {"true": 1.0, "false": 0.0}  # as programs print them, in lower case, such as of `solved`


def plain_number(value: Any) -> int | float | bool | None:
    """Convert a number, a NumPy scalar or a tensor without dimensions to a Python number; None stays None.

    Raises:
        ValueError: for anything else, and for an integer beyond the range of a float. The message says what the value is.

    >>> import numpy as np
    >>> plain_number(np.float32(0.5)), plain_number(np.array(3))
    (0.5, 3)
    """
    if value is None or type(value) in (float, bool):
        return value  # type: ignore[no-any-return]
    plain: Any = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    if not isinstance(plain, bool | int | float | Fraction):
        raise ValueError(f"{described(value)} is not a number")
    try:
        number = float(plain)
    except OverflowError:
        raise ValueError("the number is beyond the range of a float") from None
    if isinstance(plain, bool):
        return plain
    return int(plain) if isinstance(plain, int) else number


def described(value: Any) -> str:
    """Describe a value of any type in a message: an array by its shape, anything else by the beginning of its text.

    >>> described("a" * 1000)[:12], described([1, 2])
    ("str 'aaaaaaa", 'list [1, 2]')
    """
    name = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{name} of shape {tuple(shape)}"
    try:
        return f"{name} {cut(printable(repr(value)), SHOWN)}"
    except Exception:  # an object whose representation fails
        return name
