"""Launches due runs through Hydra's launchers until none is left: retries, crashes, launchers that fail, held runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict
from rich.console import Console

from ablate.core.errors import UsageError
from ablate.engine import progress
from ablate.engine.config_file import render_config, write_config
from ablate.engine.execution import Outcome
from ablate.engine.jobs import FrozenConfigs, RunContext, TypedConfigs
from ablate.engine.options import StudyOptions
from ablate.engine.planning import MAX_DEATHS, Plan, PlannedRun
from ablate.engine.program import PlannedTask, Program
from ablate.storage import locks, records

WAIT_SECONDS = 0.5  # between two looks at what other processes hold
SETTLE_SECONDS = 0.5  # for processes to die, and for their deaths to be written down


class Launch:
    """One command's work on a plan."""

    def __init__(
        self, plan: Plan, program: Program, options: StudyOptions, context: HydraContext, config: DictConfig, console: Console
    ) -> None:
        self.plan = plan
        self.task = PlannedTask(program.reference)
        self.options = options
        self.callbacks = context.callbacks
        self.config = config
        self.console = console
        self.deadline = None if options.max_hours is None else time.time() + 3600 * options.max_hours

    def run(self) -> None:
        """Launch due runs until none is left; the plan's runs tell how they ended.

        Crashed runs are scheduled last, and given up after MAX_DEATHS crashes. A launcher that fails is started again with
        the unfinished runs. Runs that another process holds are waited for.

        Raises:
            UsageError: if the launcher fails twice without a run having started.
        """
        fruitless = 0
        while not self.late():
            held = [run for run in self.plan.runs if run.state == "held"]
            due = [run for run in self.plan.due() if run.failures <= self.options.retries]
            if due:
                before = self._progress()
                trouble = self._launch(due)
                self.plan.look()
                fruitless = fruitless + 1 if trouble and self._progress() == before else 0
                if trouble and fruitless >= 2:
                    raise UsageError(f"the launcher fails and no run starts: {trouble}")
                if trouble and self.plan.due():
                    self._print(f"The launcher stopped ({trouble}): starting it again with the unfinished runs.")
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
        """After Ctrl-C: record which runs were running in processes that could not do so themselves."""
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
        """Wait until another process releases one of these runs."""
        holders = sorted({holder for run in held if (holder := locks.holder(run.directory))})
        self._print(f"Waiting for {len(held)} held by {', '.join(holders) or 'another process'}.")
        while not self.late() and all(locks.holder(run.directory) for run in held):
            time.sleep(WAIT_SECONDS)

    def _launch(self, due: Sequence[PlannedRun]) -> str | None:
        """Hand the runs to Hydra's launcher and note how they ended.

        Returns:
            Why the launcher itself failed, if it did.
        """
        attempts = {run.directory: _attempts(run) for run in due}
        launched, overrides, types = self._write_plans(due)
        if not launched:
            return None
        if self.console.is_terminal:  # log lines would break the progress display
            with open_dict(self.config.hydra):
                self.config.hydra.job_logging.root.level = "WARNING"
        context = HydraContext(config_loader=FrozenConfigs(types.found), callbacks=self.callbacks)  # type: ignore[arg-type]
        launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=self.task, config=self.config)
        returns: Sequence[JobReturn | None]
        trouble = None
        with progress.shown(self.plan, launched, self.console):
            try:
                returns = launcher.launch(overrides, initial_job_idx=0)
            except Exception as error:
                returns = [None] * len(launched)
                trouble = f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]
                time.sleep(SETTLE_SECONDS)
        for run, ended in zip(launched, returns, strict=True):
            if ended is None and _attempts(run) == attempts[run.directory]:
                continue  # it did not start: its record is of an earlier command
            run.outcome = _outcome(run, ended)
            run.failures += run.outcome.status == "failed"
        return trouble

    def _write_plans(self, due: Sequence[PlannedRun]) -> tuple[list[PlannedRun], list[list[str]], TypedConfigs]:
        """Write config.yaml of each run; the runs that can be launched, with the overrides of their jobs.

        A run whose folder cannot be written has failed. One that another process has taken meanwhile keeps its file.
        """
        launched, overrides, types = [], [], TypedConfigs()
        for position, run in enumerate(due, start=1):
            if locks.holder(run.directory) is None:
                try:
                    if not (run.directory / records.CONFIG).exists():  # then its record is of a run that nobody can describe
                        (run.directory / records.RECORD).unlink(missing_ok=True)
                    write_config(run.directory, render_config({**run.cell.values, "seed": run.seed}))
                except OSError as error:
                    message = f"cannot write to {run.directory}: {error.strerror or error}."
                    run.outcome = Outcome(run.cell.label, run.seed, "failed", message, run.directory)
                    run.failures += self.options.retries + 1
                    continue
            context = RunContext.of(
                run.cell,
                run.seed,
                run.directory.absolute(),
                position=f"{position}/{len(due)}",
                processes=self.plan.processes,
                deadline=self.deadline,
                types=types.number(run.cell),
            )
            launched.append(run)
            overrides.append([*run.cell.overrides, f"seed={run.seed}", context.as_override()])
        return launched, overrides, types

    def _progress(self) -> list[tuple[str, int, int]]:
        """What changes when a launch gets anything done, even a crash."""
        return [(run.state, run.deaths, _attempts(run)) for run in self.plan.runs]

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)


def _attempts(run: PlannedRun) -> int:
    record = records.read_record(run.directory)
    return record.attempts if record else 0


def _outcome(run: PlannedRun, ended: JobReturn | None) -> Outcome:
    """How a run ended: by what its job returned, else by its record."""
    if ended is None:
        return _recorded(run)
    try:
        outcome = ended.return_value
    except Exception as error:  # of the launcher's own machinery: errors of the function are outcomes
        return Outcome(run.cell.label, run.seed, "failed", f"{type(error).__name__}: {error}", run.directory)
    assert isinstance(outcome, Outcome)
    return replace(outcome, directory=run.directory)


def _recorded(run: PlannedRun) -> Outcome:
    """How a run ended by its record; without a status if it has not ended."""
    record = records.read_record(run.directory)
    if record is None or record.identity != run.identity or record.status == "running":
        return Outcome(run.cell.label, run.seed, None, None, run.directory)
    return Outcome.of(record, run.directory)


def _give_up(run: PlannedRun) -> Outcome:
    """Record that a run has failed because its process died repeatedly; the next command tries it again."""
    error = f"killed: out of memory? Its process died {MAX_DEATHS} times."
    record = records.read_record(run.directory)
    if record is not None:
        record.status, record.error = "failed", error
        records.write_record(run.directory, record)
    locks.forget_deaths(run.directory)
    return Outcome(run.cell.label, run.seed, "failed", error, run.directory)
