"""hydra/launcher=submitit_local: each run in a process of its own on this machine, a limited number at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, env_override

from ablate.engine.jobs import RunContext
from ablate.engine.launchers import cluster
from ablate.engine.launchers.submitted import CORES, SubmittedRun
from ablate.engine.parallel import cluster_processes, usable_cores
from ablate.storage import files
from ablate.storage.submissions import LOCAL, WORK

POLL_SECONDS = 0.1
END_SECONDS = 5.0  # after an interruption, for jobs to record it
NOTICE_SECONDS = 30  # from SIGUSR2 to the end of a job's time


@dataclass(frozen=True)
class Started:
    """A job that is running."""

    number: int
    job: Any  # submitit's
    attempts: int  # of its run, before
    slot: int

    @property
    def identifier(self) -> str:
        return f"local-{self.job.job_id}"


class Local(cluster.ClusterLauncher):
    """Submitit's local executor, with a cap on the number of processes, and one GPU for each."""

    def run(self, runs: Sequence[RunContext], overrides: Sequence[list[str]]) -> list[JobReturn | None]:
        folder = cluster.jobs_folder(cluster.study_of(runs[0])) / f"{LOCAL}{files.owner()}-{os.urandom(4).hex()}"
        folder.mkdir()
        executor = self._executor(folder)
        processes = min(cluster_processes(self.options, self.study.n_jobs), len(runs))
        cores = self.options.get("cpus_per_task") or max(1, usable_cores() // processes)
        waiting, free = deque(range(len(runs))), list(range(processes))[::-1]
        started: list[Started] = []
        returns: list[JobReturn | None] = [None] * len(runs)
        gpus = visible_gpus() if self.options.get("gpus_per_node") != 0 else []
        try:
            with env_override({CORES: str(cores)}):
                while waiting or started:
                    while waiting and free:
                        number, slot = waiting.popleft(), free.pop()
                        gpu = gpus[slot % len(gpus)] if gpus else ""
                        task = SubmittedRun(str(folder / WORK), overrides[number], number, NOTICE_SECONDS, gpu)
                        attempts = cluster.attempts_of(runs[number])
                        started.append(Started(number, executor.submit(task), attempts, slot))
                    for each in [each for each in started if each.job.done()]:
                        started.remove(each)
                        free.append(each.slot)
                        returns[each.number] = self._ended(runs[each.number], each)
                    time.sleep(POLL_SECONDS)
        except BaseException:
            _stop(started)
            for each in started:
                cluster.settle(runs[each.number], each.identifier, "interrupted", counts=False)
            raise
        finally:
            if all(each is None for each in returns):
                shutil.rmtree(folder, ignore_errors=True)
            else:  # the output of jobs that failed
                (folder / WORK).unlink(missing_ok=True)
        return returns

    def _executor(self, folder: Path) -> Any:
        import submitit

        cluster.write_work(self.work, folder / WORK)
        executor = submitit.LocalExecutor(folder=folder)
        executor.update_parameters(timeout_min=self.options.get("timeout_min") or 60, signal_delay_s=NOTICE_SECONDS)
        return executor

    def _ended(self, run: RunContext, started: Started) -> JobReturn | None:
        """Record the end of a job, if its run has not recorded it."""
        if cluster.is_recorded(run) and cluster.attempts_of(run) > started.attempts:
            return None
        status = started.job._process.returncode if started.job._process is not None else None
        if cluster.attempts_of(run) == started.attempts and not cluster.is_recorded(run):
            return cluster.failed(run, cluster.last_line(started.job.paths.stderr, f"its job ended with status {status}"))
        cluster.settle(run, started.identifier, "its process was killed")
        return None


def _stop(started: Sequence[Started]) -> None:
    """Interrupt the jobs, and wait until their processes have ended."""
    for each in started:
        each.job.cancel()
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline and not all(each.job.done() for each in started):
        time.sleep(POLL_SECONDS)


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that this process may use, as values for CUDA_VISIBLE_DEVICES."""
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [gpu for gpu in listed.split(",") if gpu]
    try:
        answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, _ in enumerate(line for line in answer.splitlines() if line.startswith("GPU "))]
