"""Launching what is due, through Hydra's launchers, until nothing is: retries, deaths, collapsed launchers, others' runs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console

from ablate.core.errors import UsageError
from ablate.engine import compose, progress
from ablate.engine.application import Application, Outcome
from ablate.engine.compose import FrozenConfigs
from ablate.engine.planning import MAX_DEATHS, Plan, PlannedRun
from ablate.storage import locks, records

WAIT_SECONDS = 0.5  # between two looks at what other processes hold
SETTLE_SECONDS = 0.5  # for processes to die, and for their deaths to be written down


class Launch:
    """One command's work on a plan."""

    def __init__(
        self, plan: Plan, application: Application, context: HydraContext, config: DictConfig, console: Console
    ) -> None:
        self.plan = plan
        self.application = application
        self.context = HydraContext(config_loader=FrozenConfigs(), callbacks=context.callbacks)  # type: ignore[arg-type]
        self.config = config
        self.console = console
        hours = config.study.max_hours
        self.deadline = None if hours is None else time.time() + 3600 * hours

    def run(self) -> None:
        """Launch what is due until nothing is. How it ended stands in the plan's runs.

        A run whose process died goes last, and after MAX_DEATHS deaths it is not tried again. A launcher that collapses is
        started again with what is unfinished. Runs that another process holds are waited for.

        Raises UsageError if the launcher fails again and again without a run having begun.
        """
        fruitless = 0
        while not self.late():
            held = [run for run in self.plan.runs if run.state == "held"]
            due = [run for run in self.plan.due() if run.failures <= self.config.study.retries]
            if due:
                before = self._done_so_far()
                trouble = self._launch(due)
                self.plan.look()
                fruitless = fruitless + 1 if trouble and self._done_so_far() == before else 0
                if trouble and fruitless >= 2:
                    raise UsageError(f"the launcher fails and no run begins: {trouble}")
                if trouble and self.plan.due():
                    said = f"The launcher stopped ({trouble}): it is started again with what is unfinished."
                    self.console.print(said, markup=False, soft_wrap=True)
            elif held:
                self._wait(held)
                self.plan.look()
            else:
                break
        for run in self.plan.runs:
            if run.state == "given up":
                run.outcome = _give_up(run)
            elif run.state == "done" and (run.outcome is None or run.outcome.status == "running"):
                run.outcome = replace(_recorded(run), kept=True)  # by an earlier command, or by another process meanwhile

    def note_interrupted(self) -> None:
        """After Ctrl-C: write down which runs were under way in processes that could not do so themselves."""
        time.sleep(SETTLE_SECONDS)
        for run in self.plan.runs:
            record = records.read_record(run.directory)
            if record is not None and record.status == "running" and locks.holder(run.directory) is None:
                record.status = "interrupted"
                records.write_record(run.directory, record)

    def late(self) -> bool:
        """Whether the time of the sweep is over (study.max_hours)."""
        return self.deadline is not None and time.time() >= self.deadline

    def _wait(self, held: Sequence[PlannedRun]) -> None:
        """Until another process lets go of one of these runs."""
        holders = sorted({holder for run in held if (holder := locks.holder(run.directory))})
        said = f"Waiting for {len(held)} held by {', '.join(holders) or 'another process'}."
        self.console.print(said, markup=False, soft_wrap=True)
        while not self.late() and all(locks.holder(run.directory) for run in held):
            time.sleep(WAIT_SECONDS)

    def _launch(self, due: Sequence[PlannedRun]) -> str | None:
        """Hand the runs to Hydra's launcher and take note of how they ended; what made it collapse, if it did."""
        overrides = []
        attempts = {run.directory: _attempts(run) for run in due}
        for position, run in enumerate(due, start=1):
            job = compose.job(
                run.cell,
                run.seed,
                {
                    "cell": run.directory.parent.name,
                    "position": f"{position}/{len(due)}",
                    "processes": self.plan.processes,
                    "deadline": self.deadline,
                },
            )
            overrides.append([*job.overrides[:-1], job])
        if self.console.is_terminal:  # the progress is drawn there, and lines would tear it
            with open_dict(self.config.hydra):
                self.config.hydra.job_logging.root.level = "WARNING"
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=self.context, task_function=self.application, config=self.config
        )
        returns: Sequence[JobReturn | None]
        trouble = None
        with progress.shown(self.plan, due, self.console):
            try:
                returns = launcher.launch(overrides, initial_job_idx=0)
            except Exception as error:
                returns = [None] * len(due)
                trouble = f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]
                time.sleep(SETTLE_SECONDS)
        for run, ended in zip(due, returns, strict=True):
            if ended is None and _attempts(run) == attempts[run.directory]:
                continue  # it was not begun: its record is of an earlier command
            run.outcome = _outcome(run, ended)
            run.failures += run.outcome.status == "failed"
        return trouble

    def _done_so_far(self) -> list[tuple[str, int, int]]:
        """What changes when a launch gets anything done, be it a death."""
        return [(run.state, run.deaths, _attempts(run)) for run in self.plan.runs]


def processes_of(config: DictConfig) -> int:
    """How many runs the launcher has at a time, as far as it says so."""
    asked = OmegaConf.select(config, "hydra.launcher.n_jobs")
    if not isinstance(asked, int):
        return 1
    if asked == 0:
        raise UsageError("hydra.launcher.n_jobs=0: a number of processes from 1; -1 takes all cores.")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return asked if asked > 0 else max(1, usable + 1 + asked)


def _attempts(run: PlannedRun) -> int:
    record = records.read_record(run.directory)
    return record.attempts if record else 0


def _outcome(run: PlannedRun, ended: JobReturn | None) -> Outcome:
    """How a run ended: by what its job returned, else by its record."""
    if ended is not None:
        try:
            outcome = ended.return_value
        except Exception as error:  # of the launcher's own machinery: the function's errors are outcomes
            return Outcome(run.cell.label, run.seed, "failed", f"{type(error).__name__}: {error}", run.directory)
        assert isinstance(outcome, Outcome)
        return outcome
    return _recorded(run)


def _recorded(run: PlannedRun) -> Outcome:
    """How a run ended by its record; without a status if it has not ended."""
    record = records.read_record(run.directory)
    if record is None or record.identity != run.identity or record.status == "running":
        return Outcome(run.cell.label, run.seed, None, None, run.directory)
    return Outcome(run.cell.label, run.seed, record.status, record.error, run.directory, record.metrics)


def _give_up(run: PlannedRun) -> Outcome:
    """Write down that a run has failed since its process died under it; the next command tries it again."""
    error = f"killed: out of memory? Its process died {MAX_DEATHS} times."
    record = records.read_record(run.directory)
    if record is not None:
        record.status, record.error = "failed", error
        records.write_record(run.directory, record)
    locks.forget_deaths(run.directory)
    return Outcome(run.cell.label, run.seed, "failed", error, run.directory)
