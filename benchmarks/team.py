"""The processes of a case: started once, kept for all rounds, measured together.

Every case runs in processes of its own, so that its threads, its allocator and its settings of torch touch no other
case. A process that is done while others of its team still measure keeps training until they are done as well: each is
measured beside as many others as the case says, from beginning to end.
"""

from __future__ import annotations

import multiprocessing
import warnings
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from multiprocessing.sharedctypes import Synchronized
from types import TracebackType
from typing import Any

import torch

from benchmarks import machine
from benchmarks.loops.case import Case, Loop

_state: dict[str, Any] = {}  # of a process of a team


class Team:
    """The processes of one case. With `busy`, another process keeps a core busy while they are measured."""

    def __init__(self, case: Case, busy: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self.measuring: Synchronized[int] = context.Value("i", 0)
        start = (case, self.measuring)
        self.members = [ProcessPoolExecutor(1, context, _start, start) for _ in range(case.processes)]
        self.busy = ProcessPoolExecutor(1, context, _start_busy, (case.cores, self.measuring)) if busy else None

    def __enter__(self) -> Team:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for member in (*self.members, *([self.busy] if self.busy else [])):
            member.shutdown(cancel_futures=True)

    def build(self) -> None:
        """Build the loop in every process. Raises what its construction raises."""
        if self.busy:
            self.busy.submit(int).result()  # its process starts now, not in the first measurement
        for future in [member.submit(_build) for member in self.members]:
            future.result()

    def measure(self, seconds: float) -> float:
        """Images a second of all processes together."""
        self.measuring.value = len(self.members)
        other = self.busy.submit(_keep_busy) if self.busy else None
        futures = [member.submit(_measure, seconds) for member in self.members]
        wait(futures, return_when=FIRST_EXCEPTION)
        self.measuring.value = 0  # if one process failed, the others do not wait for it
        if other is not None:
            other.result()
        return sum(future.result() for future in futures)


def make_loop(case: Case) -> Loop:
    """The loop that a case names."""
    match case.loop:
        case "author":
            from benchmarks.loops.author import AuthorLoop

            return AuthorLoop(case)
        case "common":
            from benchmarks.loops.common import CommonLoop

            return CommonLoop(case)
        case "lightning":
            from benchmarks.loops.lightning import LightningLoop

            return LightningLoop(case)
        case "bare":
            from benchmarks.loops.bare import BareStep

            return BareStep(case)
        case "matrix":
            from benchmarks.loops.bare import MatrixProduct

            return MatrixProduct(case)
        case "product":
            from benchmarks.loops.shipped import ShippedLoop

            return ShippedLoop(case)
    raise ValueError(f"unknown loop {case.loop!r}")


def _start(case: Case, measuring: Synchronized[int]) -> None:
    warnings.filterwarnings("ignore", "This DataLoader will create")  # two workers on one core are meant
    if case.device == "cpu":
        machine.pin(case.cores)
        torch.set_num_threads(case.threads)
    _state.update(case=case, measuring=measuring)


def _build() -> None:
    _state["loop"] = make_loop(_state["case"])


def _measure(seconds: float) -> float:
    loop: Loop = _state["loop"]
    measuring: Synchronized[int] = _state["measuring"]
    rate = loop.measure(seconds)
    with measuring:
        measuring.value -= 1
    while measuring.value > 0:
        loop.measure(0.0)
    return rate


def _start_busy(cores: int, measuring: Synchronized[int]) -> None:
    machine.pin(cores)
    _state.update(measuring=measuring)


def _keep_busy() -> None:
    measuring: Synchronized[int] = _state["measuring"]
    while measuring.value > 0:
        sum(range(100_000))
