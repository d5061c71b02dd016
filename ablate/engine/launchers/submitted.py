"""The function that Submitit calls in a job: execute one run, and obey the signals of the scheduler.

Slurm announces the end of a job by SIGUSR2 (its time limit, see `hydra.launcher.signal_delay_s`) or SIGTERM (preemption). The
run then stops at its next checkpoint, and the job is put back into the queue, to continue from there, possibly elsewhere.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from ablate.engine import stopping
from ablate.engine.launchers.cluster import Work, write_answer

CORES = "ABLATE_CORES"  # environment variable: the cores for a job of the local executor
MARGIN_SECONDS = 15  # before the end of a job, for putting it back into the queue
REQUEUE = 144  # exit status by which a job of Submitit's local executor asks to be started again
REASONS = {  # SIGTERM does not tell which
    signal.SIGUSR2: "its time limit is near; it continues in another job",
    signal.SIGTERM: "its job was preempted or canceled",
}


@dataclass(frozen=True)
class SubmittedRun:
    """The job of one run.

    Attributes:
        file: the pickled `Work` of the submission. Only jobs read it, in the folder of their own submission.
        answer: the file for `cluster.write_answer`.
        notice: the seconds between SIGUSR2 and the end of the job.
        gpu: the value for CUDA_VISIBLE_DEVICES; None: as set by the scheduler.
    """

    file: str
    answer: str
    overrides: Sequence[str]
    number: int
    notice: float
    gpu: str | None = None

    def __call__(self) -> None:
        limit_threads()
        if self.gpu is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpu
        job = identifier()
        Path(self.answer).unlink(missing_ok=True)  # of an earlier start of this job
        stopping.reset()
        signals = Signals(self.notice)
        with Path(self.file).open("rb") as file:
            work: Work = pickle.load(file)
        outcome = work(self.overrides, self.number, job).return_value
        signals.over = True
        if stopping.requested() and outcome.status == "interrupted":
            requeue()
        else:
            write_answer(Path(self.answer), outcome)


class Signals:
    """Handles the signals of the scheduler until the process ends."""

    def __init__(self, notice: float) -> None:
        self.notice = notice
        self.over = False
        for number in REASONS:
            signal.signal(number, self.stop)

    def stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        """Ask the run to stop; if it does not reach a checkpoint in time, put the job back into the queue all the same."""
        if stopping.requested() or self.over:
            return
        reason = REASONS[signal.Signals(number)]
        stopping.request(reason)
        print(f"{signal.Signals(number).name}: {reason}. Stopping at the next checkpoint.", flush=True)
        if number == signal.SIGUSR2:
            timer = threading.Timer(max(0.0, self.notice - MARGIN_SECONDS), self._last_call)
            timer.daemon = True
            timer.start()

    def _last_call(self) -> None:
        """The run did not reach a checkpoint. It continues from an earlier one, if this job has written one."""
        if not self.over and stopping.has_saved() and in_slurm():
            requeue()


def in_slurm() -> bool:
    """Whether this process belongs to a Slurm job, as opposed to Submitit's local executor."""
    return os.environ.get("SUBMITIT_EXECUTOR") == "slurm"


def identifier() -> str:
    """The identifier of this job: slurm-123_4, slurm-123, or local-<process>."""
    if not in_slurm():
        return f"local-{os.environ.get('SUBMITIT_LOCAL_JOB_ID', os.getpid())}"
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"slurm-{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else f"slurm-{os.environ['SLURM_JOB_ID']}"


def requeue() -> None:
    """Put this job back into the queue, unless it was canceled, and end this process if it is in Submitit's local executor."""
    if not in_slurm():
        sys.exit(REQUEUE)
    job = identifier().removeprefix("slurm-")
    state = _answer(["squeue", "-h", "-j", job, "-o", "%T"])
    if state != "RUNNING":  # a job that was canceled is COMPLETING; a preempted one may still be RUNNING
        return
    print(f"Job {job} ({state}) goes back into the queue.", flush=True)
    _answer(["scontrol", "requeue", job])


def limit_threads(environment: Any = os.environ) -> None:
    """Use as many threads as the scheduler has given cores, unless OMP_NUM_THREADS is set."""
    cores = environment.get("SLURM_CPUS_ON_NODE") or environment.get(CORES)
    if cores and "OMP_NUM_THREADS" not in environment:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment.setdefault(name, str(cores))


def _answer(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
