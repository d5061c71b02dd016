"""Requests to stop the run of this process at its next checkpoint, so that the machine can be used for something else.

A scheduler announces the end of a job with a signal: its time limit, or preemption. The job's signal handler makes a request
here; `Run.save` honors it.
"""

from __future__ import annotations

_reason: str | None = None
_saved = False


def request(reason: str) -> None:
    """Ask the run of this process to stop at its next checkpoint."""
    global _reason
    _reason = reason


def requested() -> str | None:
    """The reason of a request; None if there is none."""
    return _reason


def note_saved() -> None:
    """Note that the run of this process has written a checkpoint."""
    global _saved
    _saved = True


def has_saved() -> bool:
    """Whether the run of this process has written a checkpoint since it started."""
    return _saved


def reset() -> None:
    """Forget requests and checkpoints, before a run starts."""
    global _reason, _saved
    _reason, _saved = None, False
