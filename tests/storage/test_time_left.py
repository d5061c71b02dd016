"""The time left is that of simulated queues with several workers."""

import heapq
import random

import pytest

from ablate.storage.time_left import Span, Unfinished, runs_at_once, seconds_left


def simulate(durations: list[float], workers: int, overhead: float = 0.0) -> list[Span]:
    """When runs start and end that `workers` workers take from a queue, with `overhead` seconds before each."""
    free = [0.0] * workers
    spans = []
    for seconds in durations:
        start = heapq.heappop(free) + overhead
        spans.append(Span(start, seconds))
        heapq.heappush(free, start + seconds)
    return spans


@pytest.mark.parametrize("workers", [1, 2, 16, 200])
@pytest.mark.parametrize("overhead", [0.0, 3.0])
def test_the_time_left_of_a_simulated_queue(workers: int, overhead: float) -> None:
    draw = random.Random(workers)
    spans = simulate([draw.uniform(5, 15) for _ in range(20 * workers)], workers, overhead)
    end = max(span.ended for span in spans)
    for share in (0.2, 0.5, 0.8):
        now = share * end
        finished = [span for span in spans if span.ended <= now]
        running = [Unfinished(span=Span(span.started, now - span.started)) for span in spans if span.started < now < span.ended]
        waiting = [Unfinished() for span in spans if span.started >= now]
        assert seconds_left([*running, *waiting], finished) == pytest.approx(end - now, rel=0.15, abs=12)  # a run or so


def test_before_a_run_has_ended_those_that_are_running_count() -> None:
    left = [Unfinished(share=0.5, seconds=100.0, span=Span(0, 50)) for _ in range(4)] + [Unfinished(seconds=100.0)] * 6
    assert seconds_left(left, []) == pytest.approx((4 * 50 + 6 * 100) / 4)


def test_before_a_run_has_started_the_number_of_processes_counts() -> None:
    assert seconds_left([Unfinished(seconds=10.0)] * 6, [], processes=3) == 20.0
    assert seconds_left([Unfinished(seconds=10.0)] * 2, [], processes=3) == 10.0  # not less than the longest
    assert seconds_left([Unfinished(seconds=10.0), Unfinished()], []) is None
    assert seconds_left([], [Span(0, 1)]) is None


def test_a_night_between_two_commands_does_not_count() -> None:
    evening = [Span(60.0 * at, 60.0) for at in range(5)]
    morning = [Span(40_000 + 60.0 * at, 60.0) for at in range(5)]
    assert runs_at_once(evening + morning, []) == pytest.approx(1.0)


def test_only_the_last_runs_count() -> None:
    alone = simulate([10.0] * 50, 1)
    many = [Span(span.started + 500, 10.0) for span in simulate([10.0] * 80, 8)]
    assert runs_at_once(alone + many, []) == pytest.approx(8.0)
    assert runs_at_once(alone, [Span(500, 10.0)] * 8) > 1.5


def test_clocks_of_other_machines_may_be_ahead() -> None:
    assert seconds_left([Unfinished(span=Span(300.0, -300.0))], [Span(0, 10)]) == pytest.approx(10.0)
