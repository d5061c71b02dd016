"""The sweeper: compose and check every cell, plan, launch what is not finished, sum up."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext, TaskFunction
from hydra.utils import get_method
from omegaconf import DictConfig, OmegaConf

from ablate.core import designs
from ablate.core.errors import UsageError
from ablate.engine import combinations, compose, manifest, planning
from ablate.engine.application import Application, Outcome
from ablate.engine.compose import Cell, Composer, Level
from ablate.engine.configs import bookkeeping, name_parts
from ablate.engine.launch import Launch, processes_of
from ablate.engine.options import check_options, is_seed
from ablate.engine.planning import Plan
from ablate.report import terminal
from ablate.storage import records
from ablate.storage.layout import study_directory

FIRST_SEEDS = 5  # of study.until: no verdict is taken below


class StudySweeper:
    """Runs the cells of a design, a block of cells for each seed. Hydra finds it through `hydra_plugins`."""

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self.params = dict(params or {})

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        if not isinstance(task_function, Application):
            raise UsageError("the sweeper `ablate` runs functions decorated with @ablate.main.")
        self.application = task_function
        self.context = hydra_context
        self.config = config
        self.console = terminal.console()

    def sweep(self, arguments: list[str]) -> list[Outcome]:
        """Run what the overrides ask for; the exit status tells how it went: see `ablate.main`."""
        HydraConfig.instance().set_config(self.config)  # so that the resolver ${hydra:…} works while cells are composed
        OmegaConf.set_readonly(self.config.hydra, None)
        overrides = compose.parse(self.context.config_loader, self._with_params(arguments))
        _refuse_repeated(overrides)
        _refuse_what_is_no_factor(overrides, bookkeeping(self.config))
        check_options(self.config)
        self.options: dict[str, Any] = OmegaConf.to_container(self.config.study)  # type: ignore[assignment]
        seeds = self._seeds([override for override in overrides if override.key_or_group == "seed"])
        overrides = [override for override in overrides if override.key_or_group != "seed"]
        swept = [override for override in overrides if override.is_sweep_override()]
        fixed = {override.key_or_group: compose.as_typed(override) for override in overrides if override not in swept}
        levels = {override.key_or_group: compose.levels_typed(override) for override in swept}
        levels = combinations.with_baseline_first(levels, self.options["baseline"] or {})
        self._name_study(overrides, list(levels))
        study = study_directory(self.config)
        while True:
            plan = self._prepared(study, fixed, levels, seeds)
            if plan is None or self.options["dry_run"]:
                return []
            launch = self._launch(plan)
            more = [] if launch.late() else self._more_seeds(study, seeds)
            if not more:
                return self._sum_up(plan)
            seeds = [*seeds, *more]

    def _prepared(
        self, study: Path, fixed: Mapping[str, str], levels: dict[str, list[Level]], seeds: Sequence[int]
    ) -> Plan | None:
        """The plan of a sweep whose cells and claims are checked, written down and printed; None if there is nothing to run."""
        decisions = self.application.decisions_of(self.config)
        composer = Composer(self.context.config_loader, self.config, self.application, decisions)
        of_seeds = combinations.combinations(levels, self.options, seeds)
        cells = composer.cells(list(fixed.values()), combinations.once(of_seeds))
        if not cells:
            return None
        _refuse_alike(cells)
        wanted = None
        if self.options["design"] == "path":
            experiments = {tuple(cell.asked.values()): cell.experiment for cell in cells}
            wanted = {seed: {experiments[combinations.key(cell)] for cell in listed} for seed, listed in of_seeds.items()}

        def settle(before: Mapping[str, Any]) -> tuple[dict[str, Any], Plan]:
            settled: dict[str, Any] = {
                "program": self.application.check_program(study, before),
                "factors": manifest.factors_of(before, cells),
                "experiments": manifest.experiments_of(before, cells),
                "seeds": list(dict.fromkeys([*before.get("seeds", []), *seeds])),
                "orders": {**before.get("orders", {}), **self._orders(levels, seeds)},
                "decisions": decisions,
                "claims": (claims := manifest.claims_of(study, before, self.options["claims"])),
                "claims_after": manifest.claims_after(study, before, claims),
                "baseline": manifest.baseline_of(study, before, composer, fixed, levels)
                if "fixed" in before
                else cells[0].asked,
                "leave_out": manifest.left_out(before, self.options["leave_out"], cells, seeds),
            }
            plan = planning.make_plan(study, cells, seeds, settled["leave_out"], wanted, settled["experiments"])
            return manifest.description(study, before, cells, plan.same, settled), plan

        before = records.read_study(study)
        content, plan = settle(before)
        said = self._checked(content, cells, seeds, settled_before="claims" in before)
        if self.options["dry_run"]:
            self._estimate(plan)
        else:
            try:
                with records.study_lock(study):
                    if (now := records.read_study(study)) != before:  # another command wrote it meanwhile
                        content, plan = settle(now)
                    records.write_study(study, content)
                self._estimate(plan)
                plan.write_csv()
            except OSError as error:
                raise UsageError(f"cannot write to {study}: {error.strerror or error}. Choose another study.root.") from None
        rows = len(plan.cells) if self.options["dry_run"] else planning.ROWS_SHOWN  # there, no plan.csv has the others
        self.console.print(plan.table(rows))
        for line in [*planning.inert(cells), *plan.notes, *said, plan.summary(rows)]:
            self.console.print(line, markup=False, soft_wrap=True)
        return plan

    def _orders(self, levels: Mapping[str, Sequence[Level]], seeds: Sequence[int]) -> dict[int, list[list[str]]]:
        """The order of the changes that each seed of a path drew: of each change its factors."""
        if self.options["design"] != "path":
            return {}
        changes = list(combinations.changes_of(levels, self.options["changes"] or {}).values())
        return {seed: [list(changes[at]) for at in combinations.permutation(seed, len(changes))] for seed in seeds}

    def _estimate(self, plan: Plan) -> None:
        """Find out the states of the runs, and what they will take."""
        plan.code = self.application.provenance()["code"]
        plan.same_code = self.options["reuse"] == "same_code"
        plan.processes = processes_of(self.config)
        plan.look()
        plan.estimate(self.application.cost)

    def _with_params(self, arguments: Sequence[str]) -> list[str]:
        """The overrides of hydra.sweeper.params, then those that were typed: a key that was typed replaces its param."""
        typed = {override.key_or_group for override in compose.parse(self.context.config_loader, arguments)}
        params = [f"{key}={designs.say(value)}" for key, value in self.params.items() if key not in typed]
        return [*params, *arguments]

    def _seeds(self, overrides: Sequence[Override]) -> list[int]:
        """The seeds that were asked for, each once."""
        asked = self.options["seeds"]
        if overrides and asked is not None:
            raise UsageError("give either seed=… or study.seeds=…, not both.")
        if overrides:
            texts = [text for override in overrides for text in _typed(override)]
            if not all(text.isdecimal() for text in texts):
                raise UsageError(f"seed={','.join(texts)}: whole numbers from 0.")
            return list(dict.fromkeys(map(int, texts)))
        if asked is None and not self.options["until"] and not is_seed(self.config.seed):
            raise UsageError(f"seed={self.config.seed}: a whole number from 0.")
        if asked is None:
            return list(range(min(FIRST_SEEDS, self.options["max_seeds"]))) if self.options["until"] else [self.config.seed]
        return list(dict.fromkeys(asked)) if isinstance(asked, list) else list(range(asked))

    def _name_study(self, overrides: Sequence[Override], swept: Sequence[str]) -> None:
        fixed = {
            override.key_or_group: override.get_value_element_as_str()
            for override in overrides
            if override.key_or_group not in swept
        }
        if self.config.study.name is None:
            self.config.study.name = designs.study_name(swept, name_parts(self.config, fixed))

    def _checked(
        self, content: Mapping[str, Any], cells: Sequence[Cell], seeds: Sequence[int], settled_before: bool
    ) -> list[str]:
        """What there is to say of the claims before they are put to the test; UsageError if they cannot be.

        Claims that were settled before may be about metrics of cells that are not in this command.
        """
        claims = content.get("claims")
        if self.options["until"] and not claims:
            raise UsageError("study.until=decided needs claims to decide: see study.claims.")
        if not claims or not self.options["check"]:
            return []
        facts = designs.common(cell.every_level for cell in cells)
        known: dict[str, list[str]] = {}
        if (ask := self.application.metrics) is not None and not settled_before:
            known["metrics"] = sorted({name for cell in cells for name in ask(cell.config)})
        said: list[str] = get_method(self.options["check"])(claims, content["factors"], facts, len(seeds), **known)
        return said

    def _more_seeds(self, study: Path, seeds: Sequence[int]) -> list[int]:
        """The seeds to add for the next look, if one is wanted: the smallest numbers that are not there yet."""
        if self.options["until"] is None:
            return []
        wanted = min(get_method(self.options["decide"])(study, len(seeds)), self.options["max_seeds"])
        unused = (seed for seed in itertools.count() if seed not in seeds)
        more = list(itertools.islice(unused, max(0, wanted - len(seeds))))
        if more:
            self.console.print(f"Not every primary claim is decided by {len(seeds)} seeds: on to {wanted}.", markup=False)
        return more

    def _launch(self, plan: Plan) -> Launch:
        launch = Launch(plan, self.application, self.context, self.config, self.console)
        try:
            launch.run()
        except KeyboardInterrupt:
            launch.note_interrupted()
            plan.look()
            self.console.print(f"Interrupted: {plan.count('done')} of {len(plan.runs)} runs are done.", markup=False)
            raise
        return launch

    def _sum_up(self, plan: Plan) -> list[Outcome]:
        outcomes = [run.outcome or Outcome(run.cell.label, run.seed, None, directory=run.directory) for run in plan.runs]
        counts: Counter[str] = Counter()
        for run, outcome in zip(plan.runs, outcomes, strict=True):
            begun = "left out" if run.state == "left out" else "not begun"
            counts["kept" if outcome.kept else str(outcome.status or begun)] += 1
        self.console.print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
        for outcome in outcomes:
            if outcome.error and outcome.status is not None and not outcome.kept:
                said = f"  {outcome.label} seed={outcome.seed} {outcome.status}: {outcome.trouble}"
                self.console.print(said, markup=False, soft_wrap=True)
        failed = any(outcome.status in ("failed", "running") for outcome in outcomes)
        unfinished = any(run.state not in ("done", "left out") for run in plan.runs)
        if self.options["report"] and plan.count("done"):
            try:
                get_method(self.options["report"])(plan.study)
            except Exception as error:  # what was run is kept, whatever the report makes of it
                said = f"The report could not be written ({type(error).__name__}: {error}). The runs are kept in {plan.study}."
                self.console.print(said, markup=False, soft_wrap=True)
                failed = True
        if failed:
            sys.exit(1)
        if unfinished:
            self.console.print("study.max_hours was over: the same command goes on.", markup=False)
            sys.exit(3)
        return outcomes


def _typed(override: Override) -> list[str]:
    return list(override.sweep_string_iterator()) if override.is_sweep_override() else [override.get_value_element_as_str()]


def _refuse_repeated(overrides: Sequence[Override]) -> None:
    """Hydra would take the last of two and say nothing."""
    repeated = [key for key, count in Counter(override.key_or_group for override in overrides).items() if count > 1]
    if repeated:
        raise UsageError(f"{repeated[0]} is given twice: write its levels once, as {repeated[0]}=a,b.")


def _refuse_alike(cells: Sequence[Cell]) -> None:
    """Levels that read the same and are not: 1 and '1'. No table could tell them apart. And NaN, which is not even itself."""
    by_words: dict[tuple[str, ...], Cell] = {}
    for cell in cells:
        for key, level in cell.levels.items():
            if level != level:
                raise UsageError(f"{key}=nan: not a number is no level; null would be one.")
        twin = by_words.setdefault(tuple(map(designs.say, cell.levels.values())), cell)
        if twin.digest != cell.digest:
            raise UsageError(
                f"two levels of {cell.label} read alike, and are not of one kind, such as 1 and '1': type one of them."
            )


def _refuse_what_is_no_factor(overrides: Sequence[Override], bookkeeping: Sequence[str]) -> None:
    """The levels of a key that is no part of an experiment would all be the same experiment. Nor is there room for a factor
    whose name the study needs itself."""
    for override in overrides:
        key = override.key_or_group
        if override.is_sweep_override() and key == "study":
            raise UsageError(f"study={','.join(_typed(override))}: one study at a time.")
        if override.is_sweep_override() and key in records.RESERVED and key != "seed":
            raise UsageError(f"{key}: the study has a column of that name, so that no factor can be called so.")
        if override.is_sweep_override() and (key.startswith("study.") or (key == "logger" and key in bookkeeping)):
            values = ",".join(_typed(override))
            hint = f"write study.seeds=[{values}]" if key == "study.seeds" else "give it one value"
            raise UsageError(f"{key}={values}: {key} is not a factor; {hint}.")
