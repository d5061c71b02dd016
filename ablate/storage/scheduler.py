"""Ask Slurm about submitted jobs, and cancel them. Only Slurm's commands are used; without them, nothing is known."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.storage.submissions import Submission, read_submissions

SECONDS = 60.0  # time limit of a command
UNKNOWN = "an unknown end"
LAG_SECONDS = 15.0
NOT_OVER = ("PENDING", "RUNNING", "COMPLETING", "REQUEUED", "SUSPENDED")


@dataclass(frozen=True)
class QueuedJob:
    """The job of a run in a queue.

    Attributes:
        name: such as `slurm-17_3`.
        state: such as `PENDING` or `RUNNING on n1`; None if the scheduler does not answer.
        submitted: when, ISO 8601.
    """

    name: str
    state: str | None
    submitted: str


def queued_jobs(study: Path) -> dict[str, QueuedJob]:
    """The jobs of a study that are in the queue of a scheduler or running there, by the folder of their run in the study.

    If the scheduler does not answer, all jobs of a submission that was not closed count as queued.
    """
    found = {}
    for submission in read_submissions(study):
        alive = states(submission)
        for index, directory in enumerate(submission.runs):
            if alive is None or index in alive:
                name = f"{submission.launcher}-{submission.job(index)}"
                found[directory] = QueuedJob(name, None if alive is None else alive[index], submission.submitted)
    return found


def states(submission: Submission) -> dict[int, str] | None:
    """The states of the jobs that are in the queue or running, by their position in the submission.

    Returns:
        Texts such as `PENDING` or `RUNNING on n1`; None if Slurm does not answer.
    """
    answer = _ask(["squeue", "-h", "-r", "--me", "-n", submission.name, "-o", "%K|%T|%N"])
    if answer is None:
        return None
    found = {}
    for line in answer.splitlines():
        index, state, node = (*line.split("|"), "", "")[:3]
        found[int(index) if index.isdecimal() else 0] = f"{state} on {node}" if node else state
    return found


def final_state(job: str) -> str:
    """How a job ended, such as `TIMEOUT` or `FAILED 0:9`, according to the accounting or, without one, to the controller.

    The accounting may lag behind the queue: a job that it calls running is asked for again, for LAG_SECONDS.
    """
    deadline = time.monotonic() + LAG_SECONDS
    while (state := _state(job)).startswith(NOT_OVER) and time.monotonic() < deadline:
        time.sleep(1.0)
    return state


def _state(job: str) -> str:
    ask = ["sacct", "-X", "-n", "-P", "-o", "JobID,State,ExitCode", "-j"]
    rows = (_ask([*ask, job]) or "").splitlines()
    if not rows:  # jobs that were canceled before they started have one row: 123_[4-19]
        rows = [row for row in (_ask([*ask, job.partition("_")[0]]) or "").splitlines() if "[" in row.partition("|")[0]]
    if rows:
        _, state, code = (*rows[-1].split("|"), "", "")[:3]
        return state if code in ("", "0:0") else f"{state} {code}"
    answer = _ask(["scontrol", "show", "job", job]) or ""
    facts = dict(word.partition("=")[::2] for word in answer.split() if "=" in word)
    return facts.get("JobState", UNKNOWN)


def cancel(submission: Submission) -> None:
    """Cancel all jobs of a submission."""
    _ask(["scancel", f"--name={submission.name}"])


def has_gpus(partition: str | None) -> bool:
    """Whether the nodes of a partition (by default, of the default partition) have GPUs."""
    answer = _ask(["sinfo", "-h", "-o", "%P|%G", *(["-p", partition] if partition else [])]) or ""
    rows = [line.partition("|") for line in answer.splitlines()]
    return any("gpu" in gres for name, _, gres in rows if partition or name.endswith("*"))


def _ask(command: Sequence[str]) -> str | None:
    """The output of a command; None if it fails or does not exist."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
