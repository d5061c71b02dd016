"""What a command adds to study.yaml, and what it may not change: settings, claims, and what decides them."""

from __future__ import annotations

import itertools
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ablate.core.cells import Cell, LeaveOut
from ablate.core.claims import parse_all
from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.metrics import Metrics
from ablate.engine.cells import Decisions, PlannedCell
from ablate.engine.compose import Composer
from ablate.storage import fingerprint
from ablate.storage.layout import short_cell, short_experiment
from ablate.storage.manifest import StandIn, StudyManifest
from ablate.storage.records import DONE, read_record

DIFFERENCES_SHOWN = 6
_ABSENT = object()


@dataclass(frozen=True)
class Sweep:
    """What one command asks of a study.

    Attributes:
        program: the file name of the program.
        fixed: by key, the overrides that all cells have.
        cells: the distinct ones, composed.
        seeds: those that were asked for.
        orders: for a path, by seed the order of the changes.
        claims, leave_out: as they were asked for.
        decisions: of the study, completed by this command.
        description: what the program and the options say about its results.
        metric_settings: what the options alone say about metrics.
    """

    program: str
    fixed: Mapping[str, str]
    cells: Sequence[PlannedCell]
    seeds: Sequence[int]
    orders: Mapping[int, list[list[str]]]
    claims: Sequence[Mapping[str, Any]]
    leave_out: Sequence[Any] | str
    decisions: Decisions
    description: Description
    metric_settings: Mapping[str, Mapping[str, Any]]


def updated(study: Path, before: StudyManifest, sweep: Sweep, composer: Composer) -> StudyManifest:
    """The manifest after a sweep was launched; `same` follows once the runs are planned, see `with_stand_ins`.

    Raises:
        UsageError: if the sweep would change what the study has settled.
    """
    cells = sweep.cells
    claims = claims_of(study, before, sweep.claims)
    return before.model_copy(
        update={
            "command": before.command or typed_command(),
            "program": program_of(study, before, sweep.program),
            "factors": factors_of(before, cells),
            "experiments": {**before.experiments, **{short_cell(cell.digest): short_experiment(cell.builds) for cell in cells}},
            "seeds": list(dict.fromkeys([*before.seeds, *sweep.seeds])),
            "orders": {**before.orders, **sweep.orders},
            "decisions": dict(sweep.decisions),
            "claims": claims,
            "claims_after": runs_before_claims(study, before, claims),
            "baseline": baseline_of(study, before, composer, sweep.fixed)
            if before.launched
            else {key: composer.swept[key].overrides[level] for key, level in cells[0].typed.items()},
            "leave_out": left_out(before, sweep.leave_out, composer.factors, cells, sweep.seeds),
            "fixed": before.fixed or cells[0].meaning,
            "description": settled_description(study, before, sweep.description, sweep.metric_settings).to_mapping(),
        }
    )


def with_stand_ins(
    manifest: StudyManifest,
    before: StudyManifest,
    cells: Sequence[PlannedCell],
    stand_ins: Mapping[str, tuple[PlannedCell, PlannedCell]],
) -> StudyManifest:
    """The manifest with the cells that are reported from other cells' runs.

    Args:
        manifest: of today.
        before: of the last command.
        cells: of this command.
        stand_ins: by its digest, a cell of this command and the one that runs in its place.
    """

    def entry(cell: PlannedCell, runner: str) -> StandIn:
        known = cell.all_levels()  # for a factor that this command fixes, and earlier ones varied
        levels = Cell({**{key: known[key] for key in manifest.factors if key in known}, **cell.levels})
        return StandIn.model_validate({"as": runner, "label": levels.label, "levels": levels.values_by_key})

    same = {short_cell(digest): entry(cell, short_cell(runner.digest)) for digest, (cell, runner) in stand_ins.items()}
    for cell in cells:  # that are new, and build what a cell of an earlier command builds
        digest = short_cell(cell.digest)
        equal = [other for other, built in before.experiments.items() if built == short_experiment(cell.builds)]
        if equal and digest not in before.experiments:
            same.setdefault(digest, entry(cell, equal[0]))
    return manifest.model_copy(update={"same": {**before.same, **same}})


def program_of(study: Path, before: StudyManifest, program: str) -> str:
    """The file name of the program that the study belongs to.

    Two programs with equal configurations would take each other's runs for their own.
    """
    if before.program not in (None, program):
        raise UsageError(
            f"the study {study} belongs to {before.program}, and this is {program}: choose another study.name. "
            f"(If {before.program} was only renamed, write its new name in {study / 'study.yaml'}.)"
        )
    return program


def factors_of(before: StudyManifest, cells: Sequence[PlannedCell]) -> dict[str, list[Any]]:
    """The factors with their levels; those of earlier commands stay in front."""
    factors = before.typed_factors()
    for key in cells[0].levels:
        factors[key] = Factor.of(key, [*factors.get(key, ()), *(cell.levels[key] for cell in cells)])
    return {key: [level.value for level in factor] for key, factor in factors.items()}


def baseline_of(study: Path, before: StudyManifest, composer: Composer, fixed: Mapping[str, str]) -> dict[str, str]:
    """The overrides of the study's baseline cell, at which its fixed settings are compared with those of this command.

    The runs of a study differ in its factors alone. A command may add a factor, if one of the levels that it types is the
    setting that was fixed before.

    Raises:
        UsageError: listing the differences, if anything else was fixed in another way.
    """
    others = [override for key, override in fixed.items() if key not in before.baseline]
    added = [each.factor for key, each in composer.swept.items() if key not in before.baseline]
    first: dict[str, tuple[Any, Any]] = {}
    for levels in itertools.product(*(factor.levels for factor in added)):
        typed = Cell({factor.key: level for factor, level in zip(added, levels, strict=True)})
        cell = composer.cell([*others, *before.baseline.values()], typed)
        if cell is None:
            return before.baseline
        differences = _differences(before.fixed, cell.meaning)
        if not differences:
            return {**before.baseline, **{key: composer.swept[key].overrides[level] for key, level in typed.items()}}
        first = first or differences
    shown = [f"{key} was {_text(was)} and is now {_text(now)}" for key, (was, now) in first.items()]
    if len(shown) > DIFFERENCES_SHOWN:
        shown[DIFFERENCES_SHOWN:] = [f"and {len(shown) - DIFFERENCES_SHOWN} more"]
    raise UsageError(
        f"the study {study} was launched with other settings: {'; '.join(shown)}. "
        "Type them as they were, or choose another study.name."
    )


def left_out(
    before: StudyManifest,
    asked: Sequence[Any] | str,
    factors: Mapping[str, Factor],
    cells: Sequence[PlannedCell],
    seeds: Sequence[int],
) -> list[dict[str, Any]]:
    """The runs that do not count: those that are recorded, and those that are asked for now.

    Args:
        before: the manifest; a condition that it has already takes the new reason.
        asked: study.leave_out, a list of conditions with a reason, or the name of a YAML file of them.
        factors: of this sweep.
        cells: of this sweep.
        seeds: of this sweep.

    Raises:
        UsageError: for a condition without a reason, and for one that no run of this sweep meets.
    """
    content: Any = _read_entries(Path(asked)) if isinstance(asked, str) else asked
    entries: list[dict[str, Any]] = content if isinstance(content, list) else [content]
    recorded = {str(LeaveOut.of(entry, factors).condition): entry for entry in before.leave_out}
    for entry in entries:
        condition = LeaveOut.of(entry, factors).condition
        telling_seeds = seeds if "seed" in condition.allowed else seeds[:1]
        runs = ({**cell.all_levels(), "seed": Level.of(seed)} for cell in cells for seed in telling_seeds)
        if not any(map(condition.holds, runs)):
            raise UsageError(f"study.leave_out: no run of this sweep has {condition}.")
        recorded.pop(str(condition), None)
        recorded[str(condition)] = entry
    return list(recorded.values())


def claims_of(study: Path, before: StudyManifest, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The claims of the study. They are settled when it begins: a claim that is changed after seeing runs proves nothing.

    The words of a claim may change, and so may the published figure that the scorecard shows; what decides its verdict
    (`Claim.meaning`) may not.

    Raises:
        UsageError: if the command has other claims.
    """
    typed = [dict(claim) for claim in asked]
    if typed and before.claims:
        settled = {claim.id: claim.meaning for claim in parse_all(before.claims)}
        now = {claim.id: claim.meaning for claim in parse_all(typed)}
        changed = [name for name in {**now, **settled} if now.get(name) != settled.get(name)]
        if changed:
            raise UsageError(
                f"the claims of {study} were settled when it began, and differ now: {', '.join(changed)}. "
                "Choose another study.name."
            )
    return typed or before.claims


def runs_before_claims(study: Path, before: StudyManifest, claims: Sequence[Mapping[str, Any]]) -> int:
    """How many runs were done when the claims were written: a reader should know what could have been seen before."""
    if before.claims or not claims:
        return before.claims_after
    records = map(read_record, (study / "runs").glob("*/seed=*"))
    return sum(record is not None and record.status in DONE for record in records)


def settled_description(
    study: Path, before: StudyManifest, now: Description, asked: Mapping[str, Mapping[str, Any]]
) -> Description:
    """Today's description. Chance and limit of metrics decide claims: once a study has claims, they stay as they were.

    Args:
        study: its folder.
        before: the manifest.
        now: what the program and the options say today.
        asked: what the options say, by metric.

    Raises:
        UsageError: if the options ask for another chance or limit than the study has.
    """
    if not before.claims:
        return now
    described = Metrics({spec.name: spec for spec in before.parsed_description(study).metrics})
    recorded = described.completed(chance=before.chance, limits=before.budgets)
    for name, keys in asked.items():
        for key in ("chance", "limit"):
            was = getattr(recorded[name], key) if name in recorded else None
            if key in keys and keys[key] != was:
                raise UsageError(
                    f"the {key} of {name} was settled with the claims of {study}: it was {_text(was)} and is now "
                    f"{_text(keys[key])}. Choose another study.name."
                )
    today = {spec.name: spec for spec in now.metrics}
    settled = [
        replace(
            today.get(name, recorded[name]),
            chance=recorded[name].chance if name in recorded else None,
            limit=recorded[name].limit if name in recorded else None,
        )
        for name in dict.fromkeys([*today, *recorded])
    ]
    return replace(now, metrics=tuple(settled))


def stand_in_digest(cell: PlannedCell, runner: PlannedCell) -> str:
    """The digest of a cell that is reported from another's runs; two levels may compose to the very same configuration."""
    if cell.digest != runner.digest:
        return cell.digest
    levels = {key: level.text if isinstance(level.value, list) else level.value for key, level in cell.levels.items()}
    return fingerprint.digest([cell.digest, levels])


def typed_command() -> str:
    """What the user typed, without the folders of this machine."""
    if sys.orig_argv[1:2] == ["-m"]:
        return shlex.join(["python", *sys.orig_argv[1:]])
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    pairs = {key: (was.get(key, _ABSENT), now.get(key, _ABSENT)) for key in {**was, **now}}
    return {key: (old, new) for key, (old, new) in pairs.items() if old != new}


def _text(value: Any) -> str:
    return "absent" if value is _ABSENT else str(Level.of(value))


def _read_entries(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"study.leave_out={path}: the file cannot be read ({error}).") from None
