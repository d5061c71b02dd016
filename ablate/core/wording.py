"""Counts and durations in words, for messages and tables."""

from __future__ import annotations

import signal
from collections.abc import Sequence

SOME = 4  # names that a list of many has


def counted(number: int, noun: str) -> str:
    """A number with a noun in singular or plural.

    >>> counted(1, "claim"), counted(3, "claim")
    ('1 claim', '3 claims')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shortened(names: Sequence[str], most: int = SOME, sign: str = "; ") -> str:
    """List the first of many names, with a sign between them.

    >>> shortened(list("abcdef"))
    'a; b; c; d and 2 more'
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return sign.join(names[:most]) + rest


def duration(seconds: float) -> str:
    """A duration in its two largest units, at least 1 s.

    >>> duration(40), duration(190), duration(7500), duration(360000)
    ('40 s', '3 min 10 s', '2 h 5 min', '4 d 4 h')
    """
    whole = max(1, round(seconds))
    for size, unit, smaller, smaller_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{whole} s"


def process_end(status: int) -> str:
    """How a process ended, by its status as `subprocess` tells it: negative, if a signal ended it.

    Only SIGKILL is how the kernel ends a process when memory is short.

    >>> process_end(3), process_end(-11), process_end(-9)
    ('ended with status 3', 'was killed by SIGSEGV', 'was killed by SIGKILL; it may have run out of memory')
    """
    if status >= 0:
        return f"ended with status {status}"
    known = {each.value: each.name for each in signal.Signals}  # of the real-time signals, only two have names
    name = known.get(-status, f"signal {-status}")
    return f"was killed by {name}" + ("; it may have run out of memory" if name == "SIGKILL" else "")
