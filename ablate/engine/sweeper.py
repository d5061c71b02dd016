"""The sweeper: compose and check all cells, plan, launch due runs, report."""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict
from rich.progress import track

from ablate.core.cells import Cell, LeaveOut, common
from ablate.core.errors import UsageError
from ablate.engine import design, parallel, plan_display, planning, ranks, study_update
from ablate.engine.added_keys import AddedKeys, AddingLoader
from ablate.engine.cells import CellReader, PlannedCell
from ablate.engine.command import SweepCommand
from ablate.engine.compose import Composer
from ablate.engine.config_values import plain
from ablate.engine.decisions import announce
from ablate.engine.execution import Outcome
from ablate.engine.exit_status import errors_in_one_line
from ablate.engine.experiment import complete, describe_all
from ablate.engine.launch import Launch
from ablate.engine.launchers.names import Detached
from ablate.engine.loggers import logger_of
from ablate.engine.messages import of_sweeper, relative
from ablate.engine.planning import Plan
from ablate.engine.program import Program
from ablate.engine.study_update import Sweep
from ablate.engine.zipping import settled
from ablate.report import terminal
from ablate.storage.fingerprint import flatten
from ablate.storage.manifest import Decision, StudyManifest, manifest_lock

MANY_CELLS = 500  # from this number on, composing shows its progress
NO_JOBLIB = f"{parallel.KEY}={parallel.AUTO}: one process, because Hydra's joblib launcher is not installed."


class StudySweeper:
    """Runs the cells of a design, in one block for each seed. Hydra finds it through `hydra_plugins`."""

    def __init__(self, params: Mapping[str, Any] | None = None, options: Mapping[str, Any] | None = None) -> None:
        self.params = dict(params or {})
        self._composer: Composer | None = None
        self._earlier: Plan | None = None  # of the look before
        self.options = dict(options or {})

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
        while True:
            plan = self._prepare(command, seeds)
            if plan is None or command.options.dry_run:
                return []
            launch, self._earlier = self._launch(plan, command), plan
            more = [] if launch.late() else self._more_seeds(command, seeds)
            if not more:
                return self._finish(plan, command)
            seeds += more

    def _quiet(self) -> None:
        """Silence Hydra's own log lines, which repeat the plan."""
        with open_dict(self.config.hydra):
            self.config.hydra.hydra_logging = {"version": 1, "root": {"level": "ERROR"}, "disable_existing_loggers": False}

    def _prepare(self, command: SweepCommand, seeds: Sequence[int]) -> Plan | None:
        """Compose and check all cells and print the plan. Write study.yaml and plan.csv, except in a dry run.

        Returns:
            The plan; None if there is nothing to run.
        """
        options, study = command.options, command.study
        before = StudyManifest.read(study)
        announce(before.decisions, self.config)
        again = self._composer is not None  # to add seeds
        if self._composer is None:
            reader = CellReader(self.program.experiment, dict(before.decisions), before, settled(before.zipped, command.zips))
            self._composer = Composer(self.loader, self.config, reader, command.swept)
        composer = self._composer
        design.refuse_too_many(command.factors, options)
        by_seed = design.cells_by_seed(command.factors, options, seeds, command.zips)
        control_seeds = design.control_seeds(options, seeds)
        if control_seeds:
            baseline = design.baseline_cell(command.factors, by_seed[seeds[0]], command.zips)
            by_seed |= {seed: [baseline] for seed in control_seeds}
        repeat_seeds = design.repeat_seeds(options, seeds)
        by_seed |= dict.fromkeys(repeat_seeds, by_seed[seeds[0]][:1])
        cells = composer.cells(list(command.fixed.values()), design.distinct_cells(by_seed), self._track)
        if not cells:
            return None
        _refuse_ambiguous(cells)
        logger_of(cells[0].values["study"]["logger"])  # fails now if the logger is not available
        described = describe_all(self.program.experiment, (cell.settings for cell in cells))
        settings = options.metric_settings()
        sweep = Sweep(
            program=self.program.names,
            command=self.program.command_line,
            fixed=command.fixed,
            cells=cells,
            seeds=seeds,
            orders=design.orders_by_seed(command.factors, options, seeds),
            claims=options.claims,
            leave_out=options.leave_out,
            decisions=composer.reader.decisions,
            description=complete(described, settings),
            metric_settings=settings,
            looks=options.looks,
            blocks=options.blocks,
            again=again,
            block_scale=options.block_scale,
            block_bounds=options.block_bounds or {},
            control_seeds=control_seeds,
            repeat_seeds=repeat_seeds,
            controls=design.controls_of(command.factors, options),
            zipped=composer.reader.zipped,
        )
        several = options.design == design.PATH or control_seeds or repeat_seeds
        wanted = _experiments_by_seed(by_seed, cells) if several else None
        order = [*seeds[:1], *repeat_seeds, *seeds[1:], *control_seeds]

        def settle(before: StudyManifest) -> tuple[StudyManifest, Plan]:
            manifest = study_update.updated(study, before, sweep, composer)
            leave_out = [LeaveOut.of(entry, composer.factors) for entry in manifest.leave_out]
            baseline = study_update.naming_baseline(manifest, cells, composer, command.fixed)
            plan = planning.make_plan(study, cells, order, leave_out, wanted, manifest.experiments, repeat_seeds, baseline)
            return study_update.with_stand_ins(manifest, before, cells, plan.stand_ins), plan

        manifest, plan = settle(before)
        known = None if before.claims else {spec.name for spec in described.metrics} or None
        notes = self._check_claims(command, manifest, cells, seeds, known)
        if options.dry_run:
            self._look(plan, command)
            notes += self._choose_processes(plan, command, manifest)
            plan.estimate(self.program.experiment.cost)
        else:
            try:
                with manifest_lock(study):
                    if (now := StudyManifest.read(study)) != before:  # another command has changed it
                        manifest, plan = settle(now)
                    self._look(plan, command)
                    notes += self._choose_processes(plan, command, manifest)
                    manifest.write(study)
                plan.estimate(self.program.experiment.cost)
                plan_display.write_csv(plan)
            except OSError as error:
                raise UsageError(f"cannot write to {study}: {error.strerror or error}. Choose another study.root.") from None
        rows = len(plan.cells) if options.dry_run else plan_display.ROWS_SHOWN  # a dry run writes no plan.csv, so show all rows
        self.console.print(plan_display.table(plan, rows))
        first = [] if again else plan_display.first_notes(cells, command.factors, before)
        for line in [*first, *plan_display.inert_factors(cells), *plan.notes, *notes, plan_display.summary(plan, rows)]:
            self._print(line)
        return plan

    def _look(self, plan: Plan, command: SweepCommand) -> None:
        """Determine the states of the runs."""
        plan.code = self.program.provenance()["code"]
        plan.root = self.program.root
        plan.same_code = command.options.reuse == "same_code"
        if self._earlier is not None:
            plan.carry_over(self._earlier)
        plan.look()

    def _choose_processes(self, plan: Plan, command: SweepCommand, manifest: StudyManifest) -> list[str]:
        """Set the number of processes in the plan, the launcher and the manifest. Returns notes to print."""
        asked = command.options.n_jobs
        notes = []
        if asked is not None and not parallel.is_cluster(self.config):
            wanted = asked
            if asked == parallel.AUTO and parallel.KEY in manifest.decisions:
                wanted = int(manifest.decisions[parallel.KEY].took)
            elif asked == parallel.AUTO:
                cost = self.program.experiment.cost
                wanted, note = (
                    parallel.fastest(plan, cost, planning.TIMING_SECONDS) if parallel.has_joblib() else (1, NO_JOBLIB)
                )
                manifest.decisions[parallel.KEY] = Decision(asked=asked, took=wanted)
                notes = [note]
            parallel.use_processes(self.config, int(wanted))
        plan.processes = parallel.processes_of(self.config)  # however few runs are left: the number of threads depends on it
        return notes

    def _check_claims(
        self,
        command: SweepCommand,
        manifest: StudyManifest,
        cells: Sequence[PlannedCell],
        seeds: Sequence[int],
        known: set[str] | None,
    ) -> list[str]:
        """Check that the study can test its claims. Returns lines to print about what its seeds can decide."""
        if command.options.until and not manifest.claims:
            raise UsageError("study.until=decided needs claims: set study.claims.")
        if manifest.blocks is not None and manifest.blocks not in manifest.factors:
            available = ", ".join(manifest.factors) or "none"
            raise UsageError(f"study.blocks={manifest.blocks}: unknown factor; available: {available}.")
        if command.options.until and manifest.blocks is not None:
            raise UsageError(
                "study.until=decided adds seeds, but with study.blocks verdicts rest on the number of blocks: omit one."
            )
        if not manifest.claims:
            return []
        from ablate.engine import claims

        facts, factors = common(cell.all_levels() for cell in cells), manifest.typed_factors()
        metrics = list(manifest.description.get("metrics", {}))
        return claims.check(manifest.claims, factors, facts, len(seeds), metrics, known, manifest.looks, manifest.blocks)

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
        ranks.refuse_launcher(str(self.config.hydra.launcher._target_))
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

    def _track(self, combinations: Sequence[Cell]) -> Iterable[Cell]:
        """Show the progress of composing many configurations."""
        if len(combinations) < MANY_CELLS:
            return combinations
        self._print(f"Composing {len(combinations):,} configurations.")
        return track(combinations, "composing", console=self.console, transient=True, disable=not self.console.is_terminal)

    def _print(self, text: str) -> None:
        self.console.print(relative(of_sweeper(text) if self.program.unchanged else text), markup=False, soft_wrap=True)


def _keys(config: DictConfig) -> list[str]:
    """The keys of the program's configuration."""
    return list(flatten({key: value for key, value in plain(config).items() if key not in ("hydra", "study")}))


def _experiments_by_seed(by_seed: Mapping[int, Sequence[Cell]], cells: Sequence[PlannedCell]) -> dict[int, set[str]]:
    """For each seed, the digests of what its cells build."""
    builds = {cell.typed: cell.builds for cell in cells}
    return {seed: {builds[typed] for typed in listed if typed in builds} for seed, listed in by_seed.items()}


def _refuse_ambiguous(cells: Sequence[PlannedCell]) -> None:
    """Reject different cells with equal labels, which tables could not tell apart, and those that would share a folder."""
    by_levels: dict[Cell, PlannedCell] = {}
    by_folder: dict[str, PlannedCell] = {}
    for cell in cells:
        other = by_folder.setdefault(cell.short, cell)
        if other.digest != cell.digest:
            raise UsageError(
                f"{other.label} and {cell.label} have the same short digest, {cell.short}, by which their runs "
                "are found: run one of them in a study of its own, with another study.name."
            )
        twin = by_levels.setdefault(cell.levels, cell)
        if twin.digest != cell.digest:
            raise UsageError(
                f"two different configurations have the same levels, {cell.label}: {' '.join(twin.overrides)} and "
                f"{' '.join(cell.overrides)}. Use only one of them."
            )
