"""The base of the launchers for clusters: the work of a job, and how a job that ended without a result is recorded."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from filelock import FileLock
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from ablate.engine.execution import Outcome
from ablate.engine.jobs import RunContext
from ablate.engine.launchers.names import JOB_ENDED
from ablate.engine.options import StudyOptions
from ablate.engine.program import PlannedTask
from ablate.storage import files, locks
from ablate.storage.records import DONE, read_record, write_record
from ablate.storage.submissions import JOBS


@dataclass(frozen=True)
class Work:
    """Everything that the jobs of a launch have in common; another process calls it with the overrides of one job.

    Attributes:
        path: `sys.path` of the process that launches.
        folder: the working directory of the process that launches.
    """

    context: HydraContext
    config: DictConfig
    task: TaskFunction
    singletons: Mapping[Any, Any]
    path: Sequence[str]
    folder: str

    @classmethod
    def of(cls, context: HydraContext, config: DictConfig, task: TaskFunction) -> Work:
        """Collect the state of this process."""
        return cls(context, config, task, Singleton.get_state(), list(sys.path), str(Path.cwd()))

    def __call__(self, overrides: Sequence[str], number: int, job: str) -> JobReturn:
        """Execute a job, as Hydra's launchers do.

        Args:
            overrides: those of the job.
            number: the index of the job in its launch.
            job: the identifier of the job, for the lease and the record of its run.
        """
        sys.path += [entry for entry in self.path if entry not in sys.path]
        os.environ[locks.JOB] = job
        try:
            Singleton.set_state(self.singletons)
            setup_globals()
            config = self.context.config_loader.load_sweep_config(self.config, list(overrides))
            OmegaConf.set_readonly(config.hydra, None)
            OmegaConf.set_struct(config.hydra, False)
            config.hydra.job.id, config.hydra.job.num = job, number
            return run_job(
                task_function=self._task_here(),
                config=config,
                job_dir_key="hydra.sweep.dir",
                job_subdir_key="hydra.sweep.subdir",
                hydra_context=self.context,
            )
        finally:
            del os.environ[locks.JOB]

    def _task_here(self) -> TaskFunction:
        """The task, with the file of a program that was copied to this machine in place of the original."""
        if not isinstance(self.task, PlannedTask):
            return self.task
        file = Path(self.task.program.file)
        if not file.exists() and file.is_relative_to(self.folder):
            copy = Path.cwd() / file.relative_to(self.folder)
            return replace(self.task, program=replace(self.task.program, file=str(copy)))
        return self.task


class ClusterLauncher(Launcher):
    """A launcher whose jobs are separate processes, possibly on other machines.

    Attributes:
        options: the node `hydra.launcher`, as plain values.
        study: the options of the study.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)

    @classmethod
    def of(cls, context: HydraContext, task: TaskFunction, config: DictConfig) -> Self:
        """Create the launcher from a composed configuration."""
        options: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
        launcher = cls(options)
        launcher.setup(hydra_context=context, task_function=task, config=config)
        return launcher

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.work = Work.of(hydra_context, config, task_function)
        self.study = StudyOptions.read(config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """Run the jobs.

        Returns:
            How each ended; None for a run whose record tells it, or that did not start.
        """
        runs = [RunContext.from_overrides(list(overrides)) for overrides in job_overrides]
        return self.run(runs, [list(each) for each in job_overrides])  # type: ignore[return-value]  # None is ours

    def run(self, runs: Sequence[RunContext], overrides: Sequence[list[str]]) -> list[JobReturn | None]:
        """Run the jobs; see `launch`."""
        raise NotImplementedError


def study_of(run: RunContext) -> Path:
    """The folder of the study of a run."""
    return Path(run.directory).parents[2]


def jobs_folder(study: Path) -> Path:
    """The folder for files of jobs, created if necessary."""
    folder = study / JOBS
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settle(run: RunContext, job: str, reason: str, counts: bool = True) -> None:
    """Record that the job of a run has ended without recording it itself.

    Args:
        run: the run.
        job: the identifier of the job.
        reason: how it ended.
        counts: whether the run may be the cause; after two such deaths without progress it is given up.
    """
    directory = Path(run.directory)
    locks.break_lease(directory, job)
    with FileLock(jobs_folder(study_of(run)) / ".lock"):
        record = read_record(directory)
        if record is None or record.status != "running" or record.worker.get("job") not in (None, job):
            return
        if locks.holder(directory) is not None:
            return
        record.status, record.error = "interrupted", f"{JOB_ENDED}{job} ended: {reason}"
        write_record(directory, record)
        if counts:
            locks.record_death(directory)


def is_recorded(run: RunContext, begun: bool) -> bool:
    """Whether the record says how a run has ended.

    Args:
        run: the run.
        begun: whether the job in question has begun it. If not, only the record of a run that is done says so: any other
            is that of an earlier attempt.
    """
    record = read_record(Path(run.directory))
    if record is None or record.identity != run.identity or record.status == "running":
        return False
    return begun or record.status in DONE


def write_answer(file: Path, outcome: Outcome) -> None:
    """Write how a job ended, for the command that waits for it: its run may not have begun, and have no record of that."""
    files.write_atomically(file, json.dumps({"status": outcome.status, "error": outcome.error}))


def read_answer(file: Path, run: RunContext) -> JobReturn | None:
    """What `write_answer` wrote; None if the job wrote nothing, because it was killed."""
    try:
        answer = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return returned(Outcome(run.short_name, run.seed, answer["status"], answer["error"], Path(run.directory)))


def write_work(work: Work, file: Path) -> None:
    """Pickle what the jobs of a submission have in common."""
    import cloudpickle

    files.write_atomically(file, cloudpickle.dumps(work), mode=0o600)  # no pickle that another user could read or change


def last_line(log: Path, otherwise: str) -> str:
    """The last line that a job printed, with the path of its log. What srun adds says nothing but that the job ended."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("srun: ")]
    except OSError:
        lines = []
    return f"{lines[-1] if lines else otherwise} (output of the job: {log})"


def failed(run: RunContext, error: str) -> JobReturn:
    """The return value for a run whose job did not start it."""
    return returned(Outcome(run.short_name, run.seed, "failed", error, Path(run.directory)))


def returned(outcome: Outcome) -> JobReturn:
    """An outcome in the form that Hydra's launchers return."""
    result = JobReturn()
    result.return_value, result.status = outcome, JobStatus.COMPLETED
    return result
