"""The sweeper: compose and check every cell, plan, launch what is not finished, sum up."""

from __future__ import annotations

import itertools
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.types import HydraContext, TaskFunction
from hydra.utils import get_method
from omegaconf import DictConfig, ListConfig, OmegaConf
from rich.console import Console

from ablate.study import composing, design, planning, records, streams
from ablate.study.application import Application, Outcome, name_parts, study_directory
from ablate.study.composing import Cell, Composer, Level
from ablate.study.errors import UsageError
from ablate.study.launching import Launch, processes_of
from ablate.study.planning import Plan

DESIGNS = {"factorial": design.factorial, "one_at_a_time": design.one_at_a_time}
DIFFERENCES_SHOWN = 6
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
        self.console = Console(highlight=False)

    def sweep(self, arguments: list[str]) -> list[Outcome]:
        """Run what the overrides ask for; the exit status tells how it went: see `ablate.main`."""
        HydraConfig.instance().set_config(self.config)  # so that the resolver ${hydra:…} works while cells are composed
        OmegaConf.set_readonly(self.config.hydra, None)
        overrides = composing.parse(self.context.config_loader, self._with_params(arguments))
        _refuse_repeated(overrides)
        _refuse_swept_bookkeeping(overrides)
        _check_options(self.config.study)
        seeds = self._seeds([override for override in overrides if override.key_or_group == "seed"])
        overrides = [override for override in overrides if override.key_or_group != "seed"]
        fixed = {
            override.key_or_group: composing.as_typed(override) for override in overrides if not override.is_sweep_override()
        }
        levels = {
            override.key_or_group: composing.levels_typed(override) for override in overrides if override.is_sweep_override()
        }
        self._name_study(overrides, list(levels))
        study = study_directory(self.config)
        while True:
            plan = self._prepared(study, fixed, levels, seeds)
            if plan is None or self.config.study.dry_run:
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
        before = records.read_study(study)
        decisions = self.application.decisions_of(self.config)
        composer = Composer(self.context.config_loader, self.config, self.application, decisions)
        combinations = {seed: self._combinations(levels, seed) for seed in seeds}
        cells = composer.cells(list(fixed.values()), _once(combinations.values()))
        if not cells:
            return None
        baseline = self._baseline(study, before, composer, fixed, levels) if "fixed" in before else cells[0].asked
        wanted = None
        if self.config.study.design == "path":
            experiments = {tuple(cell.asked.values()): cell.experiment for cell in cells}
            wanted = {seed: {experiments[_key(cell)] for cell in of_seed} for seed, of_seed in combinations.items()}
        left_out = self._left_out(before, cells, seeds)
        factors = _factors(before, cells)
        claims = self._claims(before, study)
        said = self._checked(claims, factors, cells, seeds)
        plan = planning.make_plan(study, cells, seeds, left_out, wanted)
        plan.processes = processes_of(self.config)
        self._look(plan)
        plan.estimate(self.application.cost)
        try:
            study.mkdir(parents=True, exist_ok=True)
            plan.write_csv()
            if not self.config.study.dry_run:
                records.write_study(
                    study, self._description(before, factors, decisions, left_out, baseline, claims, cells, plan)
                )
        except OSError as error:
            raise UsageError(f"cannot write to {study}: {error.strerror or error}. Choose another study.root.") from None
        self.console.print(plan.table())
        for line in [*planning.inert(cells), *plan.notes, *said, plan.summary()]:
            self.console.print(line, markup=False, soft_wrap=True)
        return plan

    def _with_params(self, arguments: Sequence[str]) -> list[str]:
        """The overrides of hydra.sweeper.params, then those that were typed: a key that was typed replaces its param."""
        typed = {override.key_or_group for override in composing.parse(self.context.config_loader, arguments)}
        params = [f"{key}={value}" for key, value in self.params.items() if key not in typed]
        return [*params, *arguments]

    def _seeds(self, overrides: Sequence[Override]) -> list[int]:
        """The seeds that were asked for, each once."""
        asked = self.config.study.seeds
        if overrides and asked is not None:
            raise UsageError("give either seed=… or study.seeds=…, not both.")
        values: list[Any]
        if overrides:
            values = [int(text) if text.isdecimal() else text for override in overrides for text in _typed(override)]
            said = f"seed={','.join(map(str, values))}"
        elif asked is None and self.config.study.until:
            values, said = list(range(min(FIRST_SEEDS, self.config.study.max_seeds))), "study.until"
        elif asked is None:
            values, said = [self.config.seed], f"seed={self.config.seed}"
        else:
            values = list(asked) if isinstance(asked, ListConfig) else list(range(asked)) if type(asked) is int else []
            said = f"study.seeds={asked}"
        if not values or not all(type(value) is int and value >= 0 for value in values):
            raise UsageError(f"{said}: a positive number of seeds, or a list of whole numbers from 0.")
        return list(dict.fromkeys(values))

    def _name_study(self, overrides: Sequence[Override], swept: Sequence[str]) -> None:
        fixed = {
            override.key_or_group: override.get_value_element_as_str()
            for override in overrides
            if override.key_or_group not in swept
        }
        if self.config.study.name is None:
            self.config.study.name = design.study_name(swept, name_parts(self.config, fixed))

    def _combinations(self, levels: dict[str, list[Level]], seed: int) -> list[dict[str, Level]]:
        """The combinations of levels that the design asks of a seed, without those that study.exclude names."""
        options = self.config.study
        values = {key: [level.value for level in listed] for key, listed in levels.items()}
        baseline: dict[str, Any] = OmegaConf.to_container(options.baseline) if options.baseline else {}  # type: ignore[assignment]
        composing.refuse_unknown(f"study.baseline={baseline}", baseline, values)
        for key, wanted in baseline.items():
            if isinstance(wanted, list):
                raise UsageError(f"study.baseline: {key}={wanted}: one level.")
            levels[key].sort(key=lambda level: not design.same(level.value, wanted))
        if options.design == "path":
            changes = self._changes(levels)
            permutation = streams.stream(seed, "order of changes").permutation(len(changes))
            combinations = design.path(levels, changes, permutation.tolist())
        else:
            combinations = DESIGNS[options.design](levels)
        excluded: list[dict[str, Any]] = OmegaConf.to_container(options.exclude)  # type: ignore[assignment]
        for condition in excluded:
            if not isinstance(condition, dict) or not condition:
                raise UsageError(
                    f"study.exclude={excluded}: a list of conditions such as {{stem: direct, model.dropout: true}}."
                )
            composing.refuse_unknown(f"study.exclude={condition}", condition, values)
        kept = [
            combination
            for combination in combinations
            if not any(
                design.matches({key: level.value for key, level in combination.items()}, condition) for condition in excluded
            )
        ]
        if not kept:
            raise UsageError(f"study.exclude={excluded}: no cell is left.")
        return kept

    def _baseline(
        self,
        study: Path,
        before: Mapping[str, Any],
        composer: Composer,
        fixed: Mapping[str, str],
        levels: Mapping[str, Sequence[Level]],
    ) -> dict[str, str]:
        """The overrides of the study's baseline cell, at which what is fixed is compared; empty if it has no factors.

        The runs of a study differ in its factors alone. A factor may be added to it, if one of the levels that are now typed
        is what was fixed before. Raises UsageError, with the differences, if anything else was fixed in another way.
        """
        baseline: dict[str, str] = before.get("baseline", {})
        others = [text for key, text in fixed.items() if key not in baseline]
        added = {key: listed for key, listed in levels.items() if key not in baseline}
        differences: dict[str, tuple[Any, Any]] | None = None
        for combination in itertools.product(*added.values()):
            typed = [*others, *baseline.values(), *(level.override for level in combination)]
            cell = composer.cell(typed, {})
            if cell is None:
                return baseline
            now = cell.meaning
            keys = [key for key in {**before["fixed"], **now} if before["fixed"].get(key, _NONE) != now.get(key, _NONE)]
            if not keys:
                return {**baseline, **dict(zip(added, (level.override for level in combination), strict=True))}
            if differences is None:
                differences = {key: (before["fixed"].get(key, _NONE), now.get(key, _NONE)) for key in keys}
        shown = [f"{key} was {_say(was)} and is now {_say(now)}" for key, (was, now) in (differences or {}).items()]
        if len(shown) > DIFFERENCES_SHOWN:
            shown[DIFFERENCES_SHOWN:] = [f"and {len(shown) - DIFFERENCES_SHOWN} more"]
        raise UsageError(
            f"the study {study} was launched with other settings: {'; '.join(shown)}. "
            "Type them as they were, or give this sweep a study.name of its own."
        )

    def _left_out(self, before: Mapping[str, Any], cells: Sequence[Cell], seeds: Sequence[int]) -> list[dict[str, Any]]:
        """The runs to leave out: what was recorded, and what is asked for now, which must name a run of this sweep."""
        asked = self.config.study.leave_out
        entries: Any = _read_entries(Path(asked)) if isinstance(asked, str) else OmegaConf.to_container(asked)
        recorded: list[dict[str, Any]] = list(before.get("leave_out", []))
        for entry in entries if isinstance(entries, list) else [entries]:
            if not isinstance(entry, dict) or not str(entry.get("reason") or "").strip() or len(entry) < 2:
                example = "{stem: direct, seed: 3, reason: the disk failed}"
                raise UsageError(f"study.leave_out: {entry} should name runs and say why, such as {example}.")
            if entry in recorded:
                continue
            condition = design.condition_of(entry)
            known = [{**cell.every_level(), "seed": seed} for cell in cells for seed in seeds]
            if not any(design.matches(levels, condition) for levels in known):
                raise UsageError(f"study.leave_out: {condition} is no run of this sweep.")
            recorded.append(entry)
        return recorded

    def _changes(self, levels: Mapping[str, Sequence[Level]]) -> dict[str, list[str]]:
        """The changes of a path: those that study.changes names, and each other factor as one of its own."""
        named: dict[str, list[str]] = OmegaConf.to_container(self.config.study.changes)  # type: ignore[assignment]
        grouped = [key for keys in named.values() for key in keys]
        for key in grouped:
            if key not in levels or grouped.count(key) > 1:
                trouble = "stands in two changes" if key in levels else f"does not vary; what varies: {', '.join(levels)}"
                raise UsageError(f"study.changes: {key} {trouble}.")
        for key, listed in levels.items():
            if len(listed) != 2:
                said = f"{key} has {len(listed)} level" + ("" if len(listed) == 1 else "s")
                raise UsageError(f"study.design=path goes from one level to another: {said}.")
        if not levels:
            raise UsageError("study.design=path needs factors of two levels each, such as stem=direct,pyramid.")
        return {**named, **{key: [key] for key in levels if key not in grouped}}

    def _claims(self, before: Mapping[str, Any], study: Path) -> list[dict[str, Any]]:
        """The claims of the study. They are frozen with it: one that is changed once runs are there proves nothing."""
        typed: list[dict[str, Any]] = OmegaConf.to_container(self.config.study.claims)  # type: ignore[assignment]
        recorded: list[dict[str, Any]] = before.get("claims", [])
        if typed and recorded and typed != recorded:
            known = {claim.get("id"): claim for claim in recorded}
            changed = [str(claim.get("id")) for claim in typed if claim != known.pop(claim.get("id"), None)]
            names = ", ".join([*changed, *map(str, known)])
            raise UsageError(
                f"the claims of {study} were settled when it began, and differ now: {names}. Take another study.name."
            )
        return typed or recorded

    def _checked(
        self, claims: Sequence[Mapping[str, Any]], factors: Mapping[str, Any], cells: Sequence[Cell], seeds: Sequence[int]
    ) -> list[str]:
        """What there is to say of the claims before they are put to the test; UsageError if they cannot be."""
        if self.config.study.until and not claims:
            raise UsageError("study.until=decided needs claims to decide: see study.claims.")
        if not claims or not self.config.study.check:
            return []
        facts = design.common(cell.every_level() for cell in cells)
        said: list[str] = get_method(self.config.study.check)(claims, factors, facts, len(seeds))
        return said

    def _more_seeds(self, study: Path, seeds: Sequence[int]) -> list[int]:
        """The seeds to add for the next look, if one is wanted: the smallest numbers that are not there yet."""
        if self.config.study.until is None:
            return []
        wanted = min(get_method(self.config.study.decide)(study, len(seeds)), self.config.study.max_seeds)
        unused = (seed for seed in itertools.count() if seed not in seeds)
        more = list(itertools.islice(unused, max(0, wanted - len(seeds))))
        if more:
            self.console.print(f"Not every primary claim is decided by {len(seeds)} seeds: on to {wanted}.", markup=False)
        return more

    def _look(self, plan: Plan) -> None:
        plan.look(self.application.provenance()["code"], self.config.study.reuse == "same_code")

    def _description(
        self,
        before: Mapping[str, Any],
        factors: Mapping[str, Any],
        decisions: dict[str, Any],
        left_out: list[dict[str, Any]],
        baseline: Mapping[str, str],
        claims: list[dict[str, Any]],
        cells: Sequence[Cell],
        plan: Plan,
    ) -> dict[str, Any]:
        """The content of study.yaml: what was settled when the study began, and what was added to it since."""
        same = {
            digest[:8]: {"as": runner.digest[:8], "label": cell.label, "levels": cell.levels}
            for digest, (cell, runner) in plan.same.items()
        }
        content = {
            "command": before.get("command", _command()),
            "factors": factors,
            "decisions": decisions,
            "claims": claims,
            "chance": OmegaConf.to_container(cells[0].config.study.chance, resolve=True) if claims else {},
            "budgets": OmegaConf.to_container(cells[0].config.study.budgets, resolve=True) if claims else {},
            "baseline": dict(baseline),
            "fixed": before.get("fixed", cells[0].meaning),
            "same": {**before.get("same", {}), **same},
            "leave_out": left_out,
        }
        return {key: value for key, value in content.items() if value or key in ("factors", "decisions")}

    def _launch(self, plan: Plan) -> Launch:
        launch = Launch(plan, self.application, self.context, self.config, self.console)
        try:
            launch.run()
        except KeyboardInterrupt:
            launch.note_interrupted()
            self._look(plan)
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
                said = f"  {outcome.label} seed={outcome.seed} {outcome.status}: {outcome.error}"
                self.console.print(said, markup=False, soft_wrap=True)
        failed = any(outcome.status in ("failed", "running") for outcome in outcomes)
        unfinished = any(run.state not in ("done", "left out") for run in plan.runs)
        if self.config.study.report and plan.count("done"):
            try:
                get_method(self.config.study.report)(plan.study)
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


def _key(combination: Mapping[str, Level]) -> tuple[str, ...]:
    return tuple(level.override for level in combination.values())


def _once(combinations: Iterable[Sequence[dict[str, Level]]]) -> list[dict[str, Level]]:
    """Every combination that a seed runs, each once."""
    return list({_key(combination): combination for of_seed in combinations for combination in of_seed}.values())


def _factors(before: Mapping[str, Any], cells: Sequence[Cell]) -> dict[str, list[Any]]:
    """The factors and their levels; those of earlier commands stay in front."""
    factors = dict(before.get("factors", {}))
    for key in cells[0].levels:
        factors[key] = list(dict.fromkeys([*factors.get(key, []), *(cell.levels[key] for cell in cells)]))
    return factors


_NONE = object()


def _say(value: Any) -> str:
    return "not there" if value is _NONE else design.say(value)


def _read_entries(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"study.leave_out={path}: the file cannot be read ({error}).") from None


def _check_options(options: DictConfig) -> None:
    """Raises UsageError for an option of `study:` that has no such value."""
    if options.design not in (*DESIGNS, "path"):
        raise UsageError(f"study.design={options.design}: one of {', '.join(DESIGNS)}, path.")
    if options.until not in (None, "decided"):
        raise UsageError(f"study.until={options.until}: decided, or null.")
    if type(options.max_seeds) is not int or options.max_seeds < 1:
        raise UsageError(f"study.max_seeds={options.max_seeds}: a whole number from 1.")
    if options.reuse not in ("any", "same_code"):
        raise UsageError(f"study.reuse={options.reuse}: one of any, same_code.")
    if type(options.retries) is not int or options.retries < 0:
        raise UsageError(f"study.retries={options.retries}: a whole number from 0.")
    if options.max_hours is not None and not (_is_number(options.max_hours) and options.max_hours > 0):
        raise UsageError(f"study.max_hours={options.max_hours}: a number above 0, or null.")
    if not (_is_number(options.checkpoint.minutes) and options.checkpoint.minutes >= 0):
        raise UsageError(f"study.checkpoint.minutes={options.checkpoint.minutes}: a number from 0.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _typed(override: Override) -> list[str]:
    return list(override.sweep_string_iterator()) if override.is_sweep_override() else [override.get_value_element_as_str()]


def _refuse_repeated(overrides: Sequence[Override]) -> None:
    """Hydra would take the last of two and say nothing."""
    repeated = [key for key, count in Counter(override.key_or_group for override in overrides).items() if count > 1]
    if repeated:
        raise UsageError(f"{repeated[0]} is given twice: write its levels once, as {repeated[0]}=a,b.")


def _refuse_swept_bookkeeping(overrides: Sequence[Override]) -> None:
    """The levels of a key that is no part of an experiment would all be the same experiment."""
    for override in overrides:
        key = override.key_or_group
        if override.is_sweep_override() and key.startswith("study."):
            values = ",".join(_typed(override))
            hint = f"write study.seeds=[{values}]" if key == "study.seeds" else "give it one value"
            raise UsageError(f"{key}={values}: {key} is not a factor; {hint}.")


def _command() -> str:
    """What the user typed, without the folders of this machine."""
    if sys.orig_argv[1:2] == ["-m"]:
        return shlex.join(["python", *sys.orig_argv[1:]])
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
