"""Prepare a launch: compose and check the cells of a sweep command, and settle with the study what it has and what is due."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track

from ablate.core.cells import Cell, LeaveOut, common
from ablate.core.errors import UsageError
from ablate.engine import design, parallel, plan_display, planning, study_update
from ablate.engine.cells import CellReader, PlannedCell
from ablate.engine.command import SweepCommand
from ablate.engine.compose import Composer
from ablate.engine.decisions import announcements
from ablate.engine.experiment import complete, describe_all
from ablate.engine.fixed_settings import refuse_edited, refuse_rearranged
from ablate.engine.loggers import logger_of
from ablate.engine.output_folder import unused_folders
from ablate.engine.placeholders import CommandExperiment
from ablate.engine.planning import Plan
from ablate.engine.program import Program
from ablate.engine.study_update import Sweep
from ablate.engine.zipping import settled
from ablate.storage.files import unwritable
from ablate.storage.manifest import Decision, StudyManifest, manifest_lock

MANY_CELLS = 500  # from this number on, composing shows its progress
NO_JOBLIB = f"{parallel.KEY}={parallel.AUTO}: one process, because Hydra's joblib launcher is not installed."


@dataclass(frozen=True)
class Composition:
    """The cells of the design for some seeds, composed and checked.

    Attributes:
        sweep: what study.yaml records of them.
        order: the seeds in the order in which they run, those of second runs included.
        wanted: the experiments of each seed; None if each seed runs all.
        metrics: the names of the metrics that the program describes.
    """

    sweep: Sweep
    order: list[int]
    wanted: Mapping[int, Collection[str]] | None
    metrics: set[str]


class Preparation:
    """Prepares the launches of one sweep command: one, or with study.until=decided one for each look.

    Args:
        program: the user's program.
        loader: Hydra's config loader, for the configurations of the cells.
        config: the composed configuration without the swept overrides. The number of processes is written into it.
        command: the parsed command.
        console: where the plan is printed.
        say: prints a sentence.
    """

    def __init__(
        self,
        program: Program,
        loader: ConfigLoader,
        config: DictConfig,
        command: SweepCommand,
        console: Console,
        say: Callable[[str], None],
    ) -> None:
        self._program, self._loader, self._config, self._command = program, loader, config, command
        self._console, self._say = console, say
        self._composer: Composer | None = None
        self._earlier: Plan | None = None  # of the look before

    def plan(self, seeds: Sequence[int]) -> Plan | None:
        """Compose and check all cells and print the plan. Write study.yaml and plan.csv, except in a dry run.

        Args:
            seeds: all seeds so far.

        Returns:
            The plan; None if there is nothing to run.
        """
        command = self._command
        before = StudyManifest.read(command.study)
        if self._composer is None:  # once in a command
            unused = unused_folders(list(self._config.hydra.overrides.hydra), command.study)
            for line in [*unused, *announcements(before.decisions, self._config)]:
                self._say(line)
        composition = self._compose(before, seeds)
        if composition is None:
            return None
        manifest, plan = self._settle(before, composition)
        claim_notes = self._check_claims(manifest, composition, None if before.claims else composition.metrics or None)
        if command.options.dry_run:
            notes = self._look(plan, manifest)
            plan.estimate(self._program.experiment.cost)
        else:
            plan, notes = self._write(before, manifest, plan, composition)
        self._show(plan, before, composition, [*claim_notes, *notes])
        self._earlier = plan
        return plan

    def _compose(self, before: StudyManifest, seeds: Sequence[int]) -> Composition | None:
        command, options, experiment = self._command, self._command.options, self._program.experiment
        again = self._composer is not None  # to add seeds
        if self._composer is None:
            reader = CellReader(experiment, dict(before.decisions), before, settled(before.zipped, command.zips))
            self._composer = Composer(self._loader, self._config, reader, command.swept)
        reader = self._composer.reader
        design.refuse_too_many(command.factors, options)
        by_seed = design.cells_by_seed(command.factors, options, seeds, command.zips)
        control_seeds = design.control_seeds(options, seeds)
        if control_seeds:
            baseline = design.baseline_cell(command.factors, by_seed[seeds[0]], command.zips)
            by_seed |= {seed: [baseline] for seed in control_seeds}
        repeat_seeds = design.repeat_seeds(options, seeds)
        by_seed |= dict.fromkeys(repeat_seeds, by_seed[seeds[0]][:1])
        cells = self._composer.cells(list(command.fixed.values()), design.distinct_cells(by_seed), self._track)
        if not cells:
            return None
        refuse_ambiguous(cells)
        logger_of(cells[0].values["study"]["logger"])  # fails now if the logger is not available
        described = describe_all(experiment, (cell.settings for cell in cells))
        sweep = Sweep(
            program=self._program.names,
            command=self._program.command_line,
            options=options,
            fixed=command.fixed,
            cells=cells,
            seeds=seeds,
            orders=design.orders_by_seed(command.factors, options, seeds),
            decisions=reader.decisions,
            description=complete(described, options.metric_settings()),
            again=again,
            control_seeds=control_seeds,
            repeat_seeds=repeat_seeds,
            controls=design.controls_of(command.factors, options),
            zipped=reader.zipped,
        )
        several = options.design == design.PATH or control_seeds or repeat_seeds
        return Composition(
            sweep,
            order=[*seeds[:1], *repeat_seeds, *seeds[1:], *control_seeds],
            wanted=_experiments_by_seed(by_seed, cells) if several else None,
            metrics={spec.name for spec in described.metrics},
        )

    def _settle(self, before: StudyManifest, composition: Composition) -> tuple[StudyManifest, Plan]:
        """The updated manifest and the plan, for the study as `before` has it."""
        study, sweep, composer = self._command.study, composition.sweep, self._composer
        assert composer is not None
        manifest = study_update.updated(study, before, sweep, composer)
        refuse_edited(study, before, sweep.cells)
        if isinstance(composer.reader.experiment, CommandExperiment):
            refuse_rearranged(study, before, manifest, sweep.cells)
        plan = planning.make_plan(
            study,
            sweep.cells,
            composition.order,
            leave_out=[LeaveOut.of(entry, composer.factors) for entry in manifest.leave_out],
            wanted=composition.wanted,
            experiments=manifest.experiments,
            repeats=sweep.repeat_seeds,
            baseline=study_update.naming_baseline(manifest, sweep.cells, composer, sweep.fixed),
        )
        return study_update.with_stand_ins(manifest, before, sweep.cells, plan.stand_ins), plan

    def _write(
        self, before: StudyManifest, manifest: StudyManifest, plan: Plan, composition: Composition
    ) -> tuple[Plan, list[str]]:
        """Write study.yaml and plan.csv. Returns the plan and notes to print.

        Another command may have changed study.yaml since `before` was read: then it is settled anew, under the lock.
        """
        study = self._command.study
        try:
            with manifest_lock(study):
                if (now := StudyManifest.read(study)) != before:
                    manifest, plan = self._settle(now, composition)
                notes = self._look(plan, manifest)
                manifest.write(study)
            plan.estimate(self._program.experiment.cost)
            with manifest_lock(study):
                plan_display.write_csv(plan)
        except OSError as error:
            raise UsageError(f"{unwritable(study, error)} Choose another study.root.") from None
        return plan, notes

    def _show(self, plan: Plan, before: StudyManifest, composition: Composition, notes: Sequence[str]) -> None:
        rows = len(plan.cells) if self._command.options.dry_run else plan_display.ROWS_SHOWN  # a dry run writes no plan.csv
        self._console.print(plan_display.table(plan, rows))
        cells = composition.sweep.cells
        first = [] if composition.sweep.again else plan_display.first_notes(cells, self._command.factors, before)
        for line in [*first, *plan_display.inert_factors(cells), *plan.notes, *notes, plan_display.summary(plan, rows)]:
            self._say(line)

    def _look(self, plan: Plan, manifest: StudyManifest) -> list[str]:
        """Determine the states of the runs, and choose the number of processes. Returns notes to print."""
        plan.code = self._program.provenance()["code"]
        plan.root = self._program.root
        plan.same_code = self._command.options.reuse == "same_code"
        if self._earlier is not None:
            plan.carry_over(self._earlier)
        plan.look()
        return self._choose_processes(plan, manifest)

    def _choose_processes(self, plan: Plan, manifest: StudyManifest) -> list[str]:
        """Set the number of processes in the plan, the launcher and the manifest. Returns notes to print."""
        asked = self._command.options.n_jobs
        notes = []
        if asked is not None and not parallel.is_cluster(self._config):
            wanted = asked
            if asked == parallel.AUTO and parallel.KEY in manifest.decisions:
                wanted = int(manifest.decisions[parallel.KEY].took)
            elif asked == parallel.AUTO:
                cost = self._program.experiment.cost
                wanted, note = (
                    parallel.fastest(plan, cost, planning.TIMING_SECONDS) if parallel.has_joblib() else (1, NO_JOBLIB)
                )
                manifest.decisions[parallel.KEY] = Decision(asked=asked, took=wanted)
                notes = [note]
            parallel.use_processes(self._config, int(wanted))
        plan.processes = parallel.processes_of(self._config)  # however few runs are left: the number of threads depends on it
        return notes

    def _check_claims(self, manifest: StudyManifest, composition: Composition, known: set[str] | None) -> list[str]:
        """Check that the study can test its claims. Returns lines to print about what its seeds can decide.

        Args:
            known: the metrics that the program describes, if claims about another one should be refused.
        """
        until = self._command.options.until
        if until and not manifest.claims:
            raise UsageError("study.until=decided needs claims: set study.claims.")
        if manifest.blocks is not None and manifest.blocks not in manifest.factors:
            available = ", ".join(manifest.factors) or "none"
            raise UsageError(f"study.blocks={manifest.blocks}: unknown factor; available: {available}.")
        if until and manifest.blocks is not None:
            raise UsageError(
                "study.until=decided adds seeds, but with study.blocks verdicts rest on the number of blocks: omit one."
            )
        if not manifest.claims:
            return []
        from ablate.engine import claims

        facts = common(cell.all_levels() for cell in composition.sweep.cells)
        return claims.check(manifest, facts, len(composition.sweep.seeds), known)

    def _track(self, combinations: Sequence[Cell]) -> Iterable[Cell]:
        """Show the progress of composing many configurations."""
        if len(combinations) < MANY_CELLS:
            return combinations
        self._say(f"Composing {len(combinations):,} configurations.")
        return track(combinations, "composing", console=self._console, transient=True, disable=not self._console.is_terminal)


def _experiments_by_seed(by_seed: Mapping[int, Sequence[Cell]], cells: Sequence[PlannedCell]) -> dict[int, set[str]]:
    """For each seed, the digests of what its cells build."""
    builds = {cell.typed: cell.builds for cell in cells}
    return {seed: {builds[typed] for typed in listed if typed in builds} for seed, listed in by_seed.items()}


def refuse_ambiguous(cells: Sequence[PlannedCell]) -> None:
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
