"""Estimate the time that a study still takes, from when its runs have started and ended, on any number of machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from ablate.storage.records import Timing

WINDOW_RUNS = 5  # the number of runs at once is the mean over the time of so many runs, one after the other
WINDOW_SECONDS = 60.0  # and at least over this time
PAUSE_SECONDS = 60.0  # a longer time without any run is a pause: nothing was launched


@dataclass(frozen=True)
class Span:
    """When a run started, in seconds since 1970, and how long it has taken so far."""

    started: float
    seconds: float

    @property
    def ended(self) -> float:
        return self.started + self.seconds


def span_of(timing: Timing, now: float | None = None) -> Span | None:
    """The time of a run according to its record; None if it has not started.

    Args:
        timing: that of the record.
        now: for a run that is running, the current time.
    """
    started = seconds_since_1970(timing.get("started"))
    if started is None:
        return None
    return Span(started, (timing.get("seconds") or 0.0) if now is None else max(0.0, now - started))


def seconds_since_1970(moment: str | None) -> float | None:
    """A time in ISO 8601; None if there is none, or if it is not one."""
    try:
        return datetime.fromisoformat(moment).timestamp() if moment else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Unfinished:
    """A run that is not done.

    Attributes:
        share: the fraction that is done.
        seconds: the expected duration of the whole run; None if it is that of the finished runs.
        span: if it is running.
    """

    share: float = 0.0
    seconds: float | None = None
    span: Span | None = None


def seconds_left(left: Sequence[Unfinished], finished: Sequence[Span], processes: int = 1) -> float | None:
    """The time until all runs are done, in seconds; None if nothing is left, or if it is not known how long a run takes.

    What is left to do, divided by the number of runs that run at once (see `runs_at_once`), and at least what is left of the
    longest run.

    Args:
        left: the runs that are not done.
        finished: those that are.
        processes: the number of runs at once, if no run has started.
    """
    mean = fmean(span.seconds for span in finished) if finished else None
    todo = [_seconds_left(run, mean) for run in left]
    known = [seconds for seconds in todo if seconds is not None]
    if not known or len(known) < len(todo):
        return None
    return max(max(known), sum(known) / runs_at_once(finished, [run.span for run in left if run.span], processes))


def _seconds_left(run: Unfinished, mean: float | None) -> float | None:
    """What is left of a run. A running one without a known share is as far as its time says, but not beyond its last tenth."""
    seconds = mean if run.seconds is None else run.seconds
    if seconds is None:
        return None
    if run.share or run.span is None:
        return seconds * (1 - run.share)
    return max(seconds - max(0.0, run.span.seconds), 0.1 * seconds)


def runs_at_once(finished: Sequence[Span], running: Sequence[Span], otherwise: int = 1) -> float:
    """The mean number of runs at once lately: over the time that WINDOW_RUNS runs take one after the other.

    Time between two runs in which nothing runs, such as the start of a process, counts, unless it is a pause: longer than
    PAUSE_SECONDS and than a mean run.

    Args:
        finished: the runs that have ended.
        running: the runs that are running.
        otherwise: the answer if no run has started.

    >>> runs_at_once([Span(0, 10), Span(0, 10), Span(10, 10), Span(10, 10)], [])
    2.0
    """
    spans = [*finished, *running]
    if not spans:
        return float(otherwise)
    mean = fmean(span.seconds for span in spans)
    window = max(WINDOW_SECONDS, WINDOW_RUNS * mean)
    begin = max(min(span.started for span in spans), max(span.ended for span in spans) - window)
    lately = sorted((max(span.started, begin), span.ended) for span in spans if span.ended > begin)
    busy = sum(max(0.0, end - start) for start, end in lately)
    pause = max(PAUSE_SECONDS, mean)
    wall, reached = 0.0, begin
    for start, end in lately:
        wall += max(0.0, end - reached) if start - reached <= pause else end - start
        reached = max(reached, end)
    return busy / wall if wall > 0 else float(max(len(running), otherwise))
