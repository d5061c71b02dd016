"""Waiting for what other processes and threads do, without a guess at how long they take on a busy machine."""

import time
from collections.abc import Callable

import pytest


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Return as soon as `true()` is true; after `seconds` seconds, fail the test."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            pytest.fail(f"it did not become true within {seconds:g} s", pytrace=True)
        time.sleep(0.01)
