"""Launch due runs with Hydra's launchers: retries, crashed runs, failing launchers, runs held by other processes."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra.core.utils import JobReturn
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.console import Console

from ablate.core.errors import UsageError
from ablate.core.wording import counted, process_end
from ablate.engine import early_stop, parallel, progress
from ablate.engine.added_keys import AddedKeys, sweeper_options
from ablate.engine.config_file import render_config, write_config
from ablate.engine.execution import Outcome
from ablate.engine.exit_status import CONTINUE
from ablate.engine.jobs import ForgetConfigs, FrozenConfigs, RunContext, TypedConfigs
from ablate.engine.launchers.names import JOB_ENDED, Detached
from ablate.engine.launchers.selection import instantiate
from ablate.engine.messages import relative
from ablate.engine.options import StudyOptions
from ablate.engine.planning import DUE, MAX_DEATHS, MAX_FRUITLESS, Plan, PlannedRun
from ablate.engine.program import PlannedTask, Program
from ablate.storage import locks, records, submissions, watcher
from ablate.storage.files import remove_abandoned, unwritable

WAIT_SECONDS = 0.5  # between two checks of the locks of other processes
LAST_WORDS = (  # of a sweep whose process a run has ended
    "ablate: the sweep has ended within a run: its process was killed, or the program called os._exit, which leaves no result "
    f"(return instead). {CONTINUE}"
)
SETTLE_SECONDS = 0.5  # time for processes to die and for their deaths to be recorded


class Launch:
    """The launching of a plan's runs by one command, which plans anew for each look of study.until.

    Args:
        deadline: when the command has to stop (study.max_hours), in seconds since 1970; None for no limit.
    """

    def __init__(
        self,
        plan: Plan,
        program: Program,
        options: StudyOptions,
        context: HydraContext,
        config: DictConfig,
        console: Console,
        added: AddedKeys | None = None,
        deadline: float | None = None,
    ) -> None:
        self.plan = plan
        self.task = PlannedTask(program.reference, program.script)
        self.planned_with = {key: fact for key, fact in program.provenance().items() if key in ("code", "python", "packages")}
        self.options = options
        self.callbacks = context.callbacks
        self.config = config
        self.console = console
        self.ended: list[PlannedRun] = []  # the runs of the last launch that started and ended
        self.added = added or AddedKeys()
        self.deadline = deadline

    def run(self) -> None:
        """Launch due runs until none is left. Their outcomes are stored in the plan.

        Crashed runs are scheduled last and given up after MAX_DEATHS crashes. A failing launcher is restarted with the
        unfinished runs. If only runs held by other processes are left, wait for them.

        Raises:
            UsageError: if the launcher returns twice without any run starting.
        """
        submissions.remove_abandoned(self.plan.study)
        for run in self.plan.runs:
            if run.state == "done":
                _tidy_up(run.directory)
        fruitless = 0
        early_stop.reset(self.plan.study)
        while not self.late():
            held = [run for run in self.plan.runs if run.state == "held"]
            due = [run for run in self.plan.due() if run.failures <= self.options.retries]
            if due:
                before = self._progress()
                trouble = self._launch(due)
                self.plan.look()
                if (why := early_stop.reason(self.plan.study)) is not None:
                    self._print(why)
                    break
                if not self.late():
                    _note_fruitless(self.ended)
                fruitless = fruitless + 1 if self._progress() == before else 0
                if fruitless >= MAX_FRUITLESS and not self.late():
                    raise UsageError(
                        f"the launcher failed twice without starting any run: {trouble}"
                        if trouble
                        else "the launcher came back twice without starting any run. Do its jobs die before they begin?"
                    )
                if trouble and self.plan.due():
                    self._print(f"The launcher stopped ({trouble}); restarting it with the unfinished runs.")
            elif held:
                self._wait(held)
                self.plan.look()
            else:
                break
        for run in self.plan.runs:
            if run.state == "given up":
                run.outcome = _give_up(run)
                run.stopped = run.outcome.error
            elif run.state == "done" and (run.outcome is None or run.outcome.status not in records.DONE):
                run.outcome = replace(_recorded(run), kept=True)  # done by an earlier command or by another process

    def note_interrupted(self) -> None:
        """After Ctrl-C: record the runs whose processes could not record the interruption themselves."""
        time.sleep(SETTLE_SECONDS)
        for run in self.plan.runs:
            record = records.read_record(run.directory)
            if record is not None and record.status == "running" and locks.holder(run.directory) is None:
                record.status = "interrupted"
                records.write_record(run.directory, record)

    def late(self) -> bool:
        """Whether the time limit study.max_hours is reached."""
        return self.deadline is not None and time.time() >= self.deadline

    def _wait(self, held: Sequence[PlannedRun]) -> None:
        """Wait until one of these runs is released."""
        holders = sorted({holder for run in held if (holder := locks.holder(run.directory))})
        self._print(f"Waiting for {counted(len(held), 'run')} held by {', '.join(holders) or 'another process'}.")
        while not self.late() and all(locks.holder(run.directory) for run in held):
            time.sleep(WAIT_SECONDS)

    def _launch(self, due: Sequence[PlannedRun]) -> str | None:
        """Pass the runs to Hydra's launcher and record their outcomes.

        Returns:
            The error if the launcher itself failed, otherwise None.
        """
        self.ended = []
        attempts = {run.directory: _attempts(run) for run in due}
        launched, overrides, types = self._write_plans(due)
        if not launched:
            return None
        if self.console.is_terminal and OmegaConf.select(self.config.hydra, "job_logging.root.level") is not None:
            with open_dict(self.config.hydra):  # log lines would break the progress display
                self.config.hydra.job_logging.root.level = "WARNING"
        with open_dict(self.config.hydra):  # where launchers write files of their own
            self.config.hydra.sweep.dir = str(self.plan.study)
        callbacks = Callbacks()
        callbacks.callbacks = [ForgetConfigs(), *self.callbacks.callbacks]  # the first is the last to hear of the end of a job
        context = HydraContext(config_loader=FrozenConfigs(types.found, self.added), callbacks=callbacks)  # type: ignore[arg-type]
        launcher = instantiate(context, self.task, _for_jobs(self.config))
        parallel.start_at_most(launcher, len(launched))
        returns: Sequence[JobReturn | None]
        trouble = death = None
        here = type(launcher).__name__ == parallel.BASIC_TARGET  # a run that ends its process ends the sweep, too
        with progress.shown(self.plan, launched, self.console), watcher.last_words(LAST_WORDS) if here else nullcontext():
            try:
                returns = launcher.launch(overrides, initial_job_idx=0)
            except (UsageError, Detached):
                raise
            except Exception as error:
                returns = [None] * len(launched)
                trouble = f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]
                death = _death(error)
                time.sleep(SETTLE_SECONDS)
        for run, ended in zip(launched, returns, strict=True):
            if ended is None and _attempts(run) == attempts[run.directory]:
                continue  # it did not start; its record is from an earlier command
            self.ended.append(run)
            if locks.deaths(run.directory) > run.deaths:
                run.death = death
            run.outcome = _outcome(run, ended)
            run.failures += run.outcome.status == "failed"
        return trouble

    def _write_plans(self, due: Sequence[PlannedRun]) -> tuple[list[PlannedRun], list[list[str]], TypedConfigs]:
        """Write config.yaml for each run. Returns the runs to launch, the overrides of their jobs, and their node types.

        A run whose folder is not writable counts as failed. The file of a run that another process holds or
        has finished by now is kept.
        """
        launched, overrides, types = [], [], TypedConfigs()
        for position, run in enumerate(due, start=1):
            try:
                with locks.briefly(run.directory) as free:
                    again = self.plan.code if self.plan.same_code else None  # what other code made is run again
                    if free and records.done_before(run.directory, run.identity, again, self.plan.root) is None:
                        if not (run.directory / records.CONFIG).exists():  # a record without a configuration is unusable
                            (run.directory / records.RECORD).unlink(missing_ok=True)
                        write_config(run.directory, render_config({**run.cell.values, "seed": run.program_seed}))
            except OSError as error:
                run.outcome = Outcome(run.cell.name, run.seed, "failed", unwritable(run.directory, error), run.directory)
                run.failures += self.options.retries + 1
                continue
            context = RunContext.of(
                run.cell,
                run.seed,
                run.directory,
                position=f"{position}/{len(due)}",
                processes=self.plan.processes,
                deadline=self.deadline,
                types=types.number(run.cell),
                planned_with=self.planned_with,
                repeats=run.repeats,
            )
            launched.append(run)
            overrides.append(
                [*run.cell.overrides, f"{self.added.seed_key or 'seed'}={run.program_seed}", context.as_override()]
            )
        return launched, overrides, types

    def _progress(self) -> list[tuple[str, int, int, int]]:
        """A value that changes whenever a launch makes any progress, including a crash."""
        return [(run.state, run.deaths, run.failures, _attempts(run)) for run in self.plan.runs]

    def _print(self, text: str) -> None:
        self.console.print(relative(text), markup=False, soft_wrap=True)


def _for_jobs(config: DictConfig) -> DictConfig:
    """Leave out the options of `hydra.sweeper` that have their defaults, because Hydra copies them several times for a job."""
    config = copy.deepcopy(config)
    defaults = StudyOptions.defaults()
    with open_dict(config.hydra):
        for key, value in sweeper_options(config.hydra.sweeper).items():
            if value == defaults[key]:
                del config.hydra.sweeper[key]
    return config


def _tidy_up(directory: Path) -> None:
    """Remove what is left in the folder of a run that is done, if its process was killed right after it had recorded this."""
    remove_abandoned(directory)
    left = (records.CHECKPOINT, locks.LEASE, locks.DEATHS)
    if not any((directory / name).exists() for name in left):
        return
    with suppress(OSError), locks.briefly(directory) as free:
        if free:
            records.remove_checkpoint(directory)
            locks.forget_deaths(directory)
            (directory / locks.LEASE).unlink(missing_ok=True)


def _attempts(run: PlannedRun) -> int:
    record = records.read_record(run.directory)
    return record.attempts if record else 0


def _note_fruitless(ended: Sequence[PlannedRun]) -> None:
    """Note the runs that came back and are due all the same, other than by a failure or because the launcher stopped.

    Without this, a program that removes the record of its run would be launched for ever.
    """
    for run in ended:
        if run.state not in DUE or run.outcome is None or run.outcome.status == "failed":
            continue
        if run.outcome.status == "running":  # held by another process a moment ago
            time.sleep(WAIT_SECONDS / len(ended))
        elif run.deaths:
            run.came_back(_died(run, run.fruitless + 1))
        elif run.outcome.status is not None:
            run.came_back(_not_done(run))


def _died(run: PlannedRun, times: int) -> str:
    """Why a run is given up whose process died so many times: what the launcher told of its end, if it did."""
    record = records.read_record(run.directory)
    if record is not None and record.error is not None and record.error.startswith(JOB_ENDED):
        why = f"the last time, {record.error}"
    else:
        why = f"the last time, it {run.death}" if run.death else "it was killed, or ended without a word"
    return f"the process of this run died {times} times; {why}."


def _death(error: Exception) -> str | None:
    """How the worker died whose end joblib reports in this error; None if it was not one that died."""
    codes = re.search(r"exit codes of the workers are \{\w+\((-?\d+)\)\}", str(error))
    return process_end(int(codes[1])) if codes else None


def _not_done(run: PlannedRun) -> str:
    """Why a run is not done although its attempt has ended."""
    record = records.read_record(run.directory)
    if record is None:
        what = f"{records.RECORD} is missing or damaged"
    elif record.identity != run.identity:
        what = f"{records.RECORD} describes another run"
    elif record.status in records.DONE:
        what = f"{records.CONFIG} is missing or empty"
    else:
        what = f"its status is still {record.status}"
    return (
        f"the run was executed {MAX_FRUITLESS} times and is not done: {what} in {run.directory}. "
        "Does the program change the files of the run?"
    )


def _outcome(run: PlannedRun, ended: JobReturn | None) -> Outcome:
    """The outcome of a run: the return value of its job, otherwise its record."""
    if ended is None:
        return _recorded(run)
    try:
        outcome = ended.return_value
    except Exception as error:  # raised by the launcher; errors of the training function are outcomes
        return Outcome(run.cell.name, run.seed, "failed", f"{type(error).__name__}: {error}", run.directory)
    assert isinstance(outcome, Outcome)
    return replace(outcome, directory=run.directory)


def _recorded(run: PlannedRun) -> Outcome:
    """The outcome according to the record; without a status if the run has not ended."""
    record = records.read_record(run.directory)
    if record is None or record.identity != run.identity or record.status == "running":
        return Outcome(run.cell.name, run.seed, None, None, run.directory)
    return Outcome.of(record, run.directory)


def _give_up(run: PlannedRun) -> Outcome:
    """Record a run as failed because its process died or it came back without progress. The next command retries it."""
    error = run.stopped or _died(run, MAX_DEATHS)
    record = records.read_record(run.directory)
    if record is not None:
        record.status, record.error = "failed", error
        records.write_record(run.directory, record)
    locks.forget_deaths(run.directory)
    return Outcome(run.cell.name, run.seed, "failed", error, run.directory)
