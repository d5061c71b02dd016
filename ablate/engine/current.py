"""The run that this process executes, for code that the training function does not pass it to, such as a callback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablate.engine.run import Run

_current: ContextVar[Run | None] = ContextVar("current run", default=None)


def current_run() -> Run | None:
    """The run in progress; None outside of a run."""
    return _current.get()


@contextmanager
def running(run: Run) -> Iterator[None]:
    """Make `run` the current one. Ctrl-C stays Ctrl-C for a library that turns it into SystemExit, as Lightning's Trainer does.

    Raises:
        KeyboardInterrupt: instead of such a SystemExit.
    """
    token = _current.set(run)
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        _current.reset(token)
