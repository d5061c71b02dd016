"""Interrupts that a training function catches: a result after Ctrl-C is that of a shorter training."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def not_swallowed() -> Iterator[None]:
    """Raise KeyboardInterrupt after the body if one of the signals raised it inside and the body caught it.

    A handler that does not raise, such as one that asks for a stop at the next checkpoint, is left to do its work. Only the
    main thread of a process receives signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        try:
            before[number](number, frame)
        except KeyboardInterrupt:
            interrupted = True
            raise

    for number in SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler):
            before[number] = handler
            signal.signal(number, note)
    try:
        yield
    except Exception as error:  # of a program that turns the interrupt into an error of its own
        if interrupted:
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:
        raise KeyboardInterrupt


def raised_by_a_handler(error: BaseException) -> bool:
    """Whether a signal handler that is still installed raised an error, as of a program that saves and leaves at SIGTERM."""
    codes = {getattr(signal.getsignal(number), "__code__", None) for number in SIGNALS} - {None}
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(error.__traceback__))
