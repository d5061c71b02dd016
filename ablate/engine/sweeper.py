"""The sweeper: prepare a sweep, launch due runs, add seeds if asked, report."""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from ablate.engine import parallel, ranks
from ablate.engine.added_keys import AddedKeys, AddingLoader
from ablate.engine.command import SweepCommand
from ablate.engine.config_values import plain
from ablate.engine.execution import Outcome
from ablate.engine.exit_status import errors_in_one_line
from ablate.engine.launch import Launch
from ablate.engine.launchers.names import Detached, name_of
from ablate.engine.messages import of_sweeper, relative
from ablate.engine.planning import Plan
from ablate.engine.preparation import Preparation
from ablate.engine.program import Program
from ablate.report import terminal
from ablate.storage.fingerprint import flatten


class StudySweeper:
    """Runs the cells of a design, in one block for each seed. Hydra finds it through `hydra_plugins`."""

    def __init__(self, params: Mapping[str, Any] | None, options: Mapping[str, Any]) -> None:
        self.params = dict(params or {})
        self.options = dict(options)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context = hydra_context
        self.task_function = task_function
        self.config = config
        self.console = terminal.console()

    def sweep(self, arguments: list[str]) -> list[Outcome]:
        """Run the sweep. See `ablate.main` for the exit status."""
        if isinstance(self.task_function, Program):
            self.program = self.task_function
            return self._sweep(arguments)
        with errors_in_one_line(lambda: _keys(self.config), of_sweeper):
            self.program = Program(self.task_function, unchanged=True)
            if ranks.joins():
                ranks.follow(self.program.train)
                return []
            with ranks.leading():
                return self._sweep(arguments)

    def _sweep(self, arguments: list[str]) -> list[Outcome]:
        HydraConfig.instance().set_config(self.config)  # the resolver ${hydra:…} needs it while cells are composed
        OmegaConf.set_readonly(self.config.hydra, None)
        self.added = AddedKeys.to(self.config, self.options, [*arguments, *self.params])
        if self.added.keys:
            self._quiet()
            with open_dict(self.config.hydra):  # where the jobs read the options, of which `+study.KEY=…` has added some
                self.config.hydra.sweeper.update(plain(self.config.study))
        self.loader = cast(ConfigLoader, AddingLoader(self.context.config_loader, self.added))
        command = SweepCommand.read(
            self.loader, self.config, self.params, arguments, self.added, self.program.experiment.first_seed
        )
        if command.options.n_jobs is not None:
            parallel.refuse_other_launcher(self.config)
        if command.options.detach:
            parallel.refuse_detach(self.config)
        seeds = list(command.seeds)
        self.deadline = None if command.options.max_hours is None else time.time() + 3600 * command.options.max_hours
        preparation = Preparation(self.program, self.loader, self.config, command, self.console, self._print)
        while True:
            plan = preparation.plan(seeds)
            if plan is None or command.options.dry_run:
                return []
            launch = self._launch(plan, command)
            more = [] if launch.late() else self._more_seeds(command, seeds)
            if not more:
                return self._finish(plan, command)
            seeds += more

    def _quiet(self) -> None:
        """Silence Hydra's own log lines, which repeat the plan."""
        with open_dict(self.config.hydra):
            self.config.hydra.hydra_logging = {"version": 1, "root": {"level": "ERROR"}, "disable_existing_loggers": False}

    def _more_seeds(self, command: SweepCommand, seeds: Sequence[int]) -> list[int]:
        """The seeds to add for the next look, if needed: the smallest unused numbers."""
        if command.options.until is None:
            return []
        from ablate.engine import claims

        wanted = min(claims.seeds_wanted(command.study, len(seeds)), command.options.max_seeds)
        unused = (seed for seed in itertools.count(command.first_seed) if seed not in seeds)
        more = list(itertools.islice(unused, max(0, wanted - len(seeds))))
        if more:
            self._print(f"Not every primary claim is decided with {len(seeds)} seeds: continuing to {wanted}.")
        return more

    def _launch(self, plan: Plan, command: SweepCommand) -> Launch:
        ranks.refuse_launcher(name_of(self.config))
        launch = Launch(plan, self.program, command.options, self.context, self.config, self.console, self.added, self.deadline)
        try:
            launch.run()
        except Detached as message:
            self._print(str(message))
            raise SystemExit(0) from None
        except KeyboardInterrupt:
            launch.note_interrupted()
            plan.look()
            self._print(f"Interrupted: {plan.count('done')} of {len(plan.runs)} runs are done.")
            raise
        return launch

    def _finish(self, plan: Plan, command: SweepCommand) -> list[Outcome]:
        """Print how the runs ended, write the report, and exit with a nonzero status if some are not done."""
        outcomes = [run.outcome or Outcome(run.cell.name, run.seed, None, directory=run.directory) for run in plan.runs]
        counts: Counter[str] = Counter()
        for run, outcome in zip(plan.runs, outcomes, strict=True):
            not_run = "left out" if run.state == "left out" else "not started"
            counts["kept" if outcome.kept else str(outcome.status or not_run)] += 1
        self.console.print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
        for outcome in outcomes:
            if outcome.error and outcome.status is not None and not outcome.kept:
                self._print(f"  {outcome.name} seed={outcome.seed} {outcome.status}: {outcome.error_message}")
        failed = any(outcome.status in ("failed", "running") for outcome in outcomes)
        unfinished = any(run.state not in ("done", "left out") for run in plan.runs)
        if command.options.report and plan.count("done"):
            failed = not self._report(plan) or failed
        if failed:
            sys.exit(1)
        if unfinished:
            self._print("study.max_hours ran out: run the same command again to continue.")
            sys.exit(3)
        return outcomes

    def _report(self, plan: Plan) -> bool:
        """Write the report. Returns whether it succeeded."""
        try:
            from ablate.report import cli

            cli.write(Path(relative(str(plan.study))))
        except Exception as error:  # an error in the report must not lose the runs
            message = f"The report could not be written ({type(error).__name__}: {error}). The runs are kept in {plan.study}."
            self._print(message)
            return False
        return True

    def _print(self, text: str) -> None:
        self.console.print(relative(of_sweeper(text) if self.program.unchanged else text), markup=False, soft_wrap=True)


def _keys(config: DictConfig) -> list[str]:
    """The keys of the program's configuration."""
    return list(flatten({key: value for key, value in plain(config).items() if key not in ("hydra", "study")}))
