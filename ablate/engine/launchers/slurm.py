"""hydra/launcher=submitit_slurm: each run in a job of Slurm, one job array for all runs that are due.

The scheduler limits how many run at once, and starts a job again elsewhere if its node dies. What is submitted is written down
in the study (ablate/storage/submissions.py), so that another command, or the same after a crash, waits for these jobs instead
of submitting their runs again.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock
from hydra.core.utils import JobReturn

from ablate.core.errors import UsageError
from ablate.core.wording import counted
from ablate.engine.jobs import RunContext
from ablate.engine.launchers import cluster
from ablate.engine.launchers.names import Detached
from ablate.engine.launchers.silence import Silence
from ablate.engine.launchers.submitted import SubmittedRun
from ablate.storage import locks, scheduler
from ablate.storage.records import DONE, attempts_of, read_record
from ablate.storage.submissions import ANSWER, WORK, Submission, read_submissions

POLL_SECONDS, SLOWEST_POLL_SECONDS = 1.0, 15.0
END_SECONDS = 40.0  # after an interruption, for jobs to record it
ARRAY_SIZE = 1000  # Slurm's default MaxArraySize is 1001
TOO_MANY = re.compile(r"submit\w*limit|job submit limit|job array specification|temporarily unavailable", re.IGNORECASE)
NOTICE_SECONDS = 120
HYDRA_ONLY = ("_target_", "submitit_folder", "max_num_timeout", "name")
COMMON = ("timeout_min", "cpus_per_task", "gpus_per_node", "tasks_per_node", "mem_gb", "nodes", "stderr_to_stdout")
GPU_OPTIONS = ("gpus_per_node", "gpus_per_task", "gres")
ONE = ("nodes", "tasks_per_node", "ntasks_per_node")
RAISED = " 1:0"  # the exit code of a job that raised an error, such as a module that cannot be imported
INNOCENT = ("CANCELLED", "NODE_FAIL", "PREEMPTED", "REVOKED", "BOOT_FAIL")  # ends of a job that its run did not cause


@dataclass(frozen=True)
class Queued:
    """The job of a run: a position in a submission.

    Attributes:
        own: whether this command submitted it.
        attempts: of the run, before the job was submitted; if another command did this, when this command found it.
    """

    submission: Submission
    index: int
    own: bool
    attempts: int

    @property
    def job(self) -> str:
        """Its identifier, such as `17_3`."""
        return self.submission.job(self.index)

    def has_begun(self, run: RunContext) -> bool:
        """Whether the job has begun its run."""
        record = read_record(Path(run.directory))
        if record is None:
            return False
        return record.worker.get("job") == f"slurm-{self.job}" or record.attempts > self.attempts


class Slurm(cluster.ClusterLauncher):
    """Submits job arrays with Submitit, and waits until they end."""

    def run(self, runs: Sequence[RunContext], overrides: Sequence[list[str]]) -> list[JobReturn | None]:
        study = cluster.study_of(runs[0])
        jobs: dict[int, Queued] = {}
        try:
            with _submitting(study):
                jobs |= self._submitted_before(study, runs)
                due = [number for number in range(len(runs)) if number not in jobs]
                for number in due:
                    _settle_earlier(runs[number])
                self._submit(study, runs, overrides, due, jobs)
            _announce(jobs)
            if self.study.detach:
                raise Detached(
                    f"The runs go on without this command. `ablate status {study}` shows them; "
                    "the same command without study.detach collects them."
                )
            return self._wait(runs, jobs)
        except KeyboardInterrupt:
            _interrupted(jobs)
            raise
        finally:
            if not self.study.detach:
                _close_ended(study)

    def _submitted_before(self, study: Path, runs: Sequence[RunContext]) -> dict[int, Queued]:
        """The runs whose jobs are still in the queue or running, by their position in `runs`."""
        positions = {_relative(run): number for number, run in enumerate(runs)}
        found = {}
        for submission in read_submissions(study):
            alive = scheduler.states(submission)
            if alive is None:
                raise UsageError(
                    f"Slurm does not answer (squeue), so it is unknown whether the jobs of {submission.name} still run. "
                    "The same command continues once it answers."
                )
            for index, directory in enumerate(submission.runs):
                if index in alive and directory in positions:
                    number = positions[directory]
                    found[number] = Queued(submission, index, own=False, attempts=attempts_of(Path(runs[number].directory)))
        return found

    def _submit(
        self,
        study: Path,
        runs: Sequence[RunContext],
        overrides: Sequence[list[str]],
        due: Sequence[int],
        jobs: dict[int, Queued],
    ) -> None:
        """Submit these runs: an array for each ARRAY_SIZE of them, one after the other, so that the cap holds.

        The first array is halved until it is below Slurm's limits. What Slurm does not accept after it is not submitted: the
        next launch of the command has these runs, and smaller arrays now would only wait for each other.

        Args:
            study: the folder of the study.
            runs: all runs of the launch.
            overrides: of their jobs.
            due: the positions of those to submit.
            jobs: receives the job of each position, also of those that were submitted before an error.
        """
        previous, size, start = None, ARRAY_SIZE, 0
        while start < len(due):
            block = due[start : start + size]
            attempts = [attempts_of(Path(runs[number].directory)) for number in block]
            try:
                submission = self._submit_array(study, runs, overrides, block, previous)
            except (ValueError, TypeError, RuntimeError) as error:  # submitit's, for options and a failing sbatch
                if jobs:
                    left = counted(len(due) - start, "run")
                    then = "when the same command runs again" if self.study.detach else "after the others"
                    print(f"Slurm does not accept {left} yet ({_reason(error)}); they follow {then}.", flush=True)
                    return
                if len(block) == 1 or not TOO_MANY.search(str(error)):
                    raise UsageError(f"Slurm: the jobs cannot be submitted: {_reason(error)}") from None
                size = len(block) // 2
                print(f"Slurm does not accept {len(block)} runs at once ({_reason(error)}); trying {size}.", flush=True)
                continue
            for index, number in enumerate(block):
                jobs[number] = Queued(submission, index, own=True, attempts=attempts[index])
            previous, start = submission.array, start + len(block)

    def _submit_array(
        self, study: Path, runs: Sequence[RunContext], overrides: Sequence[list[str]], block: Sequence[int], after: str | None
    ) -> Submission:
        """Submit the runs at the positions in `block` as one array, which begins when the array `after` has ended."""
        submission = Submission(
            name=f"{self.options.get('name') or 'ablate'}-{os.urandom(4).hex()}",
            launcher="slurm",
            host=socket.gethostname(),
            submitted=datetime.now(UTC).isoformat(timespec="seconds"),
            runs=[_relative(runs[number]) for number in block],
        )
        submission.write(study)
        folder = submission.folder(study).absolute()
        cluster.write_work(self.work, folder / WORK)
        notice = float(self.options.get("signal_delay_s") or NOTICE_SECONDS)
        answers = [str(folder / ANSWER.format(index)) for index in range(len(block))]
        tasks = [
            SubmittedRun(str(folder / WORK), answer, overrides[number], number, notice)
            for number, answer in zip(block, answers, strict=True)
        ]
        try:
            executor = self._executor(folder, submission.name, after)
            with contextlib.redirect_stderr(io.StringIO()):  # what sbatch says is also in the error
                submitted = executor.submit_array(tasks)
        except (ValueError, TypeError, RuntimeError, UsageError):  # sbatch has refused them
            submission.close(study, keep_output=False)
            raise
        except BaseException:  # Ctrl-C, or a full disk: whether Slurm has accepted them is unknown
            scheduler.cancel(submission)
            submission.close(study, keep_output=False)
            raise
        submission.array = submitted[0].job_id.partition("_")[0]
        submission.write(study)
        return submission

    def _executor(self, folder: Path, name: str, after: str | None) -> Any:
        import submitit

        options = {key: value for key, value in self.options.items() if value is not None and key not in HYDRA_ONLY}
        for key in ONE:
            if options.get(key, 1) != 1:
                raise UsageError(
                    f"hydra.launcher.{key}={options[key]}: each run is one task of Slurm, on one node. "
                    "A run that starts processes of its own (torchrun, Lightning) gets their cores and GPUs by "
                    "hydra.launcher.cpus_per_task and hydra.launcher.gpus_per_node."
                )
        additional = {"requeue": True, **(options.pop("additional_parameters", None) or {})}
        if not any(key in options for key in GPU_OPTIONS) and scheduler.has_gpus(options.get("partition")):
            options["gpus_per_node"] = 1
        if after is not None:
            options["dependency"] = f"afterany:{after}"
        if isinstance(self.study.n_jobs, int):
            options["array_parallelism"] = self.study.n_jobs
        named = {key if key in COMMON else f"slurm_{key}": value for key, value in options.items()}
        executor = submitit.AutoExecutor(folder=folder, cluster="slurm")
        executor.update_parameters(name=name, slurm_additional_parameters=additional, **named)
        return executor

    def _wait(self, runs: Sequence[RunContext], jobs: dict[int, Queued]) -> list[JobReturn | None]:
        """Wait for the jobs, and record the ends that their runs did not record.

        Raises:
            UsageError: if Slurm does not answer, and no run ends, for a long time.
        """
        returns: list[JobReturn | None] = [None] * len(runs)
        waiting, pause = dict(jobs), POLL_SECONDS
        silence = Silence(cluster.study_of(runs[0]))
        while waiting:
            submissions = {job.submission.name: job.submission for job in waiting.values()}
            states = {name: scheduler.states(submission) for name, submission in submissions.items()}
            over = []
            silent = silence.lasts(None in states.values())
            for number, job in waiting.items():
                alive = states[job.submission.name]
                if (silent and cluster.is_recorded(runs[number], begun=False)) if alive is None else job.index not in alive:
                    over.append(number)
            for number in over:
                returns[number] = _ended(runs[number], waiting.pop(number))
            silence.check(bool(over))
            pause = POLL_SECONDS if over else min(1.2 * pause, SLOWEST_POLL_SECONDS)
            if waiting:
                time.sleep(pause)
        return returns


def _ended(run: RunContext, queued: Queued) -> JobReturn | None:
    """The end of a job, recorded if its run has not recorded it. None if the record tells it."""
    begun, job = queued.has_begun(run), queued.job
    if cluster.is_recorded(run, begun):
        return None
    folder = queued.submission.folder(cluster.study_of(run))
    if (answer := cluster.read_answer(folder / ANSWER.format(queued.index), run)) is not None:
        return answer
    state = scheduler.final_state(job)
    if state.startswith("CANCELLED"):
        cluster.settle(run, f"slurm-{job}", state, counts=False)
        return cluster.failed(run, f"its Slurm job {job} was cancelled; the same command submits it again.")
    if begun or state.startswith(INNOCENT):
        hint = ", see hydra.launcher.timeout_min" if state.startswith("TIMEOUT") else ""
        cluster.settle(run, f"slurm-{job}", f"{state}{hint}", counts=not state.startswith(INNOCENT))
        return None
    if state.startswith("FAILED") and not state.endswith(RAISED):  # by a signal, while Python started
        locks.record_death(Path(run.directory))
        return None
    log = folder / f"{job}_0_log.err"
    return cluster.failed(run, cluster.last_line(log, f"its Slurm job {job} ended before the run began: {state}"))


def _settle_earlier(run: RunContext) -> None:
    """Record the end of a job that nobody waited for."""
    record = read_record(Path(run.directory))
    job = str(record.worker.get("job")) if record is not None and record.status == "running" else ""
    if job.startswith("slurm-"):
        state = scheduler.final_state(job.removeprefix("slurm-"))
        cluster.settle(run, job, state, counts=not state.startswith(INNOCENT))


def _announce(jobs: dict[int, Queued]) -> None:
    """Print what was submitted, and what an earlier command had submitted."""
    for own, text in ((True, "Submitted to Slurm as {}: {}."), (False, "Submitted before as {}, waiting for them: {}.")):
        arrays = dict.fromkeys(str(job.submission.array) for job in jobs.values() if job.own == own)
        if arrays:
            count = sum(job.own == own for job in jobs.values())
            print(text.format(f"job {', '.join(arrays)}", counted(count, "run")), flush=True)


def _interrupted(jobs: dict[int, Queued]) -> None:
    """After Ctrl-C: cancel the jobs of this command, and name those of other commands, which go on."""
    own = {job.submission.name: job.submission for job in jobs.values() if job.own}
    others = {job.submission.name: job.submission for job in jobs.values() if not job.own}
    for submission in own.values():
        scheduler.cancel(submission)
    if own:
        print(f"Cancelled the Slurm jobs of this command: {', '.join(str(each.array) for each in own.values())}.", flush=True)
        for submission in own.values():  # they record the interruption themselves
            _wait_until_ended(submission)
    if others:
        arrays = " ".join(str(each.array) for each in others.values())
        ways = f"repeat the command to collect them, or end them with `scancel {arrays}`"
        print(f"Jobs of another command are still running: {ways}.", flush=True)


def _wait_until_ended(submission: Submission) -> None:
    deadline = time.monotonic() + END_SECONDS
    while scheduler.states(submission) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _close_ended(study: Path) -> None:
    """Close the submissions that have no job left. What they printed is kept if a run is not done."""
    with _submitting(study):  # the scheduler does not know jobs yet that another command is submitting
        for submission in read_submissions(study):
            if scheduler.states(submission) == {}:
                records = map(read_record, (study / directory for directory in submission.runs))
                done = all(record is not None and record.status in DONE for record in records)
                submission.close(study, keep_output=not done)


def _submitting(study: Path) -> BaseFileLock:
    """Of two commands, one submits or closes."""
    return FileLock(cluster.jobs_folder(study) / ".submitting")


def _relative(run: RunContext) -> str:
    return Path(run.directory).relative_to(cluster.study_of(run)).as_posix()


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    found = next((line for line in lines if re.search(r"sbatch: error", line)), lines[0] if lines else type(error).__name__)
    return found.removeprefix("sbatch: error: ")
