"""hydra/launcher=submitit_local: each run in a process of its own on this machine, a limited number at a time."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, env_override

from ablate.engine.jobs import RunContext
from ablate.engine.launchers import cluster
from ablate.engine.launchers.submitted import CORES, SubmittedRun
from ablate.engine.parallel import cluster_processes, gpus_for, usable_cores
from ablate.storage import files
from ablate.storage.records import attempts_of
from ablate.storage.submissions import ANSWER, LOCAL, WORK

POLL_SECONDS = 0.1
END_SECONDS = 5.0  # after an interruption, for jobs to record it
NOTICE_SECONDS = 30  # from SIGUSR2 to the end of a job's time
PLUGIN_MINUTES = 60  # the time limit of Hydra's plugin, which is meant for schedulers
NO_LIMIT_MINUTES = 60 * 24 * 365


@dataclass(frozen=True)
class Started:
    """A job that is running."""

    number: int
    job: Any  # submitit's
    attempts: int  # of its run, before
    slot: int
    answer: Path  # how it ended

    @property
    def identifier(self) -> str:
        return f"local-{self.job.job_id}"


class Local(cluster.ClusterLauncher):
    """Submitit's local executor, with a cap on the number of processes, and one GPU for each."""

    def run(self, runs: Sequence[RunContext], overrides: Sequence[list[str]]) -> list[JobReturn | None]:
        folder = cluster.jobs_folder(cluster.study_of(runs[0])) / f"{LOCAL}{files.owner()}-{os.urandom(4).hex()}"
        folder.mkdir()
        executor = self._executor(folder)
        gpus = gpus_for(self.options)
        asked = cluster_processes(self.options, self.study.n_jobs)
        processes = min(asked, len(runs))
        cores = self.options.get("cpus_per_task") or max(1, usable_cores() // asked)  # however few runs are left
        waiting, free = deque(range(len(runs))), list(range(processes))[::-1]
        started: list[Started] = []
        returns: list[JobReturn | None] = [None] * len(runs)
        try:
            with env_override({CORES: str(cores)}):
                while waiting or started:
                    while waiting and free:
                        number, slot = waiting.popleft(), free.pop()
                        gpu = gpus[slot % len(gpus)] if gpus else ""
                        answer = folder / ANSWER.format(number)
                        task = SubmittedRun(str(folder / WORK), str(answer), overrides[number], number, NOTICE_SECONDS, gpu)
                        attempts = attempts_of(Path(runs[number].directory))
                        started.append(Started(number, executor.submit(task), attempts, slot, answer))
                    for each in [each for each in started if each.job.done()]:
                        started.remove(each)
                        free.append(each.slot)
                        returns[each.number] = _ended(runs[each.number], each)
                    time.sleep(POLL_SECONDS)
        except BaseException:
            _stop(started)
            for each in started:
                cluster.settle(runs[each.number], each.identifier, "interrupted", counts=False)
            raise
        finally:
            if any(each is not None and each.return_value.status == "failed" for each in returns):
                (folder / WORK).unlink(missing_ok=True)  # the output of jobs that failed is kept
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return returns

    def _executor(self, folder: Path) -> Any:
        import submitit

        cluster.write_work(self.work, folder / WORK)
        typed = self.work.config.hydra.overrides.hydra or []
        minutes = self.options.get("timeout_min")
        if minutes == PLUGIN_MINUTES and not any("hydra.launcher.timeout_min=" in each for each in typed):
            minutes = None
        executor = submitit.LocalExecutor(folder=folder)
        executor.update_parameters(timeout_min=minutes or NO_LIMIT_MINUTES, signal_delay_s=NOTICE_SECONDS)
        return executor


def _ended(run: RunContext, started: Started) -> JobReturn | None:
    """The end of a job, recorded if its run has not recorded it. None if the record tells it."""
    begun = attempts_of(Path(run.directory)) > started.attempts
    if cluster.is_recorded(run, begun):
        return None
    if (answer := cluster.read_answer(started.answer, run)) is not None:
        return answer
    if begun:
        cluster.settle(run, started.identifier, "its process was killed, or ended without a word")
        return None
    return cluster.failed(run, cluster.last_line(started.job.paths.stderr, "its job ended before the run began"))


def _stop(started: Sequence[Started]) -> None:
    """Interrupt the jobs, and wait until their processes have ended."""
    for each in started:
        each.job.cancel()
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline and not all(each.job.done() for each in started):
        time.sleep(POLL_SECONDS)
