"""Update study.yaml for a command, and reject changes to fixed settings, claims, and metric limits."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from ablate.core.cells import Cell, LeaveOut
from ablate.core.claims import parse_all
from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.metrics import Metrics, metrics_of
from ablate.core.secrets import redacted
from ablate.core.zipping import Groups
from ablate.engine.cells import Decisions, PlannedCell
from ablate.engine.compose import Composer
from ablate.engine.fixed_settings import Baseline, baseline_of
from ablate.engine.reading import settled_metric, settled_reading
from ablate.storage import fingerprint
from ablate.storage.dataframe import load_results
from ablate.storage.layout import EARLIER_DIGITS, run_directories, short_cell, short_experiment, some_run_is_done
from ablate.storage.manifest import IDENTITY, StandIn, StudyManifest
from ablate.storage.records import DONE, read_record

T = TypeVar("T")


@dataclass(frozen=True)
class Sweep:
    """The part of a sweep command that study.yaml records.

    Attributes:
        program: its file and its function, see `Program.names`.
        command: the command as typed, if it is not that of Python.
        fixed: the overrides common to all cells, by key.
        cells: the planned cells, without duplicates.
        seeds: the requested seeds.
        orders: for the design `path`, the order of the changes for each seed.
        claims, leave_out: the options as given.
        decisions: the decisions of the study, including new ones.
        description: the results as described by the program and the options.
        metric_settings: the metric descriptions in the options alone.
        again: whether this command has updated the manifest before and adds seeds now.
        looks, blocks, block_scale, block_bounds: the options as given; None for what the study has.
        control_seeds: by the seed of a second run of the baseline, the seed that it repeats.
        repeat_seeds: by the number of a second run with the same seed, that seed.
        controls: by factor, pairs of a level and its control; None for those that the study has.
        zipped: by joint factor (study.zip), its keys.
        reading: how the metrics of runs are read, see `reading.reading_of`.
        metric: the main metric, as asked for.
    """

    program: tuple[str, str | None]
    fixed: Mapping[str, str]
    cells: Sequence[PlannedCell]
    seeds: Sequence[int]
    orders: Mapping[int, list[list[str]]]
    claims: Sequence[Mapping[str, Any]]
    leave_out: Sequence[Any] | str
    decisions: Decisions
    description: Description
    metric_settings: Mapping[str, Mapping[str, Any]]
    looks: Sequence[int] = ()
    blocks: str | None = None
    again: bool = False
    command: str | None = None
    block_scale: Literal["difference", "ratio"] | None = None
    block_bounds: Mapping[str, Sequence[float]] | None = None
    control_seeds: Mapping[int, int] = field(default_factory=dict)
    repeat_seeds: Mapping[int, int] = field(default_factory=dict)
    controls: Mapping[str, Sequence[tuple[Any, Any]]] | None = None
    zipped: Mapping[str, list[str]] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    metric: str | None = None


def updated(study: Path, before: StudyManifest, sweep: Sweep, composer: Composer) -> StudyManifest:
    """The manifest for a new sweep command, except for `same`, which `with_stand_ins` adds after planning.

    Raises:
        UsageError: if the sweep would change something that is fixed.
    """
    cells = sweep.cells
    claims = claims_of(study, before, sweep.claims)
    baseline = Baseline(before.baseline, before.paths, before.added)
    if not before.launched:
        overrides = {key: composer.swept[key].overrides[level] for key, level in cells[0].typed.items()}
        baseline = Baseline(overrides, dict(cells[0].locations), {})
    elif not sweep.again:
        baseline = baseline_of(study, before, composer, sweep.fixed)
    return before.model_copy(
        update={
            **_commands(study, before, sweep),
            **program_of(study, before, *sweep.program),
            "identity": IDENTITY if before.is_new else before.identity,
            "factors": factors_of(before, cells, sweep.zipped),
            "zipped": dict(sweep.zipped),
            "experiments": {**before.experiments, **{cell.short: short_experiment(cell.builds) for cell in cells}},
            "seeds": list(dict.fromkeys([*before.seeds, *sweep.seeds])),
            "orders": {**before.orders, **sweep.orders},
            "decisions": {**before.decisions, **sweep.decisions},
            "claims": claims,
            "looks": settled_option(study, before, "looks", list(sweep.looks), before.looks),
            "blocks": settled_option(study, before, "blocks", sweep.blocks, before.blocks),
            "block_scale": before.block_scale if sweep.block_scale is None else sweep.block_scale,
            "block_bounds": before.block_bounds
            if sweep.block_bounds is None
            else {name: tuple(ends) for name, ends in sweep.block_bounds.items()},
            "control_seeds": {**before.control_seeds, **sweep.control_seeds},
            "repeat_seeds": {**before.repeat_seeds, **sweep.repeat_seeds},
            "controls": before.controls
            if sweep.controls is None
            else {name: list(pairs) for name, pairs in sweep.controls.items()},
            "claims_after": runs_before_claims(study, before, claims),
            **vars(baseline),
            "leave_out": left_out(before, sweep.leave_out, composer.factors, cells, sweep.seeds),
            "fixed": before.fixed or cells[0].meaning,
            "reading": settled_reading(study, before, sweep.reading),
            "metric": settled_metric(study, before, sweep.metric),
            "description": settled_description(study, before, sweep.description, sweep.metric_settings).to_mapping(),
        }
    )


def naming_baseline(
    manifest: StudyManifest, cells: Sequence[PlannedCell], composer: Composer, fixed: Mapping[str, str]
) -> Cell | None:
    """The levels of the study's baseline, from which the names of its configurations are shortened.

    None if this command does not run it, as if it sweeps other levels only: then names are in full, since changes from another
    configuration could pass for changes from the baseline.
    """
    if any(key in manifest.baseline and manifest.baseline[key] != override for key, override in fixed.items()):
        return None
    for cell in cells if len(cells) > 1 else ():
        if all(composer.swept[key].overrides[level] == manifest.baseline.get(key) for key, level in cell.typed.items()):
            return cell.levels
    return None


def with_stand_ins(
    manifest: StudyManifest,
    before: StudyManifest,
    cells: Sequence[PlannedCell],
    stand_ins: Mapping[str, tuple[PlannedCell, PlannedCell]],
) -> StudyManifest:
    """Add the cells that share the runs of other cells.

    Args:
        manifest: the updated manifest.
        before: the manifest before this command.
        cells: the cells of this command.
        stand_ins: by digest, a cell that does not run, and the cell whose runs it shares.
    """

    def entry(cell: PlannedCell, runner: str) -> StandIn:
        known = cell.all_levels()  # factors of earlier commands may be fixed in this one
        levels = Cell({**{key: known[key] for key in manifest.factors if key in known}, **cell.levels})
        return StandIn.model_validate({"as": runner, "label": levels.label, "levels": levels.values_by_key})

    same = {}
    for digest, (cell, runner) in stand_ins.items():
        earlier = before.same.get(digest[:EARLIER_DIGITS])  # of an earlier version
        short = short_cell(digest) if earlier is None or earlier.label != cell.label else digest[:EARLIER_DIGITS]
        same[short] = entry(cell, runner.short)
    first: dict[str, str] = {}  # by experiment, the first cell of earlier commands that builds it
    for other, built in before.experiments.items():
        first.setdefault(built, other)
    for cell in cells:  # new cells that build the same experiment as a cell of an earlier command
        equal = first.get(short_experiment(cell.builds)) if cell.short not in before.experiments else None
        if equal is not None and cell.short not in same:
            same[cell.short] = entry(cell, equal)
    return manifest.model_copy(update={"same": {**before.same, **same}})


def program_of(study: Path, before: StudyManifest, file: str, function: str | None) -> dict[str, str | None]:
    """The file of the program and its function, checked against those of the study.

    Without this check, two programs with equal configurations would share runs. A path may be longer or shorter than the
    recorded one, since earlier versions recorded the name alone, and another machine may have the project elsewhere.

    Raises:
        UsageError: if the study belongs to another program.
    """
    if before.program is None:
        return {"program": file, "function": function}
    same = f"/{file}".endswith(f"/{before.program}") or f"/{before.program}".endswith(f"/{file}")
    if not same or before.function not in (None, function):
        known, asked = (before.program, file) if not same else (f"{file}:{before.function}", f"{file}:{function}")
        raise UsageError(
            f"the study {study} belongs to {known}, not to {asked}: choose another study.name. "
            f"(If {known} was renamed, change its name in {study / 'study.yaml'}.)"
        )
    return {"program": before.program, "function": before.function}


def factors_of(before: StudyManifest, cells: Sequence[PlannedCell], zipped: Groups) -> dict[str, list[Any]]:
    """All factors with their levels, those of earlier commands first, without the keys of joint factors."""
    paired = {key for keys in zipped.values() for key in keys}
    factors = {key: factor for key, factor in before.typed_factors().items() if key not in paired}
    for key in cells[0].levels:
        factors[key] = Factor.of(key, [*factors.get(key, ()), *(cell.levels[key] for cell in cells)])
    return {key: [level.value for level in factor] for key, factor in factors.items()}


def left_out(
    before: StudyManifest,
    asked: Sequence[Any] | str,
    factors: Mapping[str, Factor],
    cells: Sequence[PlannedCell],
    seeds: Sequence[int],
) -> list[dict[str, Any]]:
    """The entries of study.leave_out: the recorded ones and those of this command.

    Args:
        before: the manifest; a repeated condition gets the new reason.
        asked: study.leave_out, a list of entries or the name of a YAML file.
        factors, cells, seeds: those of this sweep.

    Raises:
        UsageError: if an entry has no reason, or matches no run of this sweep.
    """
    content: Any = _read_entries(Path(asked)) if isinstance(asked, str) else asked
    entries: list[dict[str, Any]] = content if isinstance(content, list) else [content]
    recorded = {str(LeaveOut.of(entry, factors).condition): entry for entry in before.leave_out}
    for entry in entries:
        condition = LeaveOut.of(entry, factors).condition
        telling_seeds = seeds if "seed" in condition.allowed else seeds[:1]
        runs = ({**cell.all_levels(), "seed": Level.of(seed)} for cell in cells for seed in telling_seeds)
        if not any(map(condition.holds, runs)):
            raise UsageError(f"study.leave_out: no run of this sweep matches {condition}.")
        recorded.pop(str(condition), None)
        recorded[str(condition)] = entry
    return list(recorded.values())


def claims_of(study: Path, before: StudyManifest, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The claims of the study, which are fixed when it begins, because claims changed after seeing results prove nothing.

    The wording and the published value may change; anything that affects the verdict (`Claim.meaning`) may not. Claims that are
    not primary may be added: they are tested as exploratory ones, and change nothing for the others.

    Raises:
        UsageError: if the claims of this command differ.
    """
    typed = [dict(claim) for claim in asked]
    if typed and before.claims:
        settled = {claim.id: claim.meaning for claim in parse_all(before.claims)}
        parsed = parse_all(typed)
        now = {claim.id: claim.meaning for claim in parsed if claim.primary or claim.id in settled}
        changed = [name for name in {**now, **settled} if now.get(name) != settled.get(name)]
        if changed:
            raise UsageError(
                f"the claims of {study} are fixed since its start; these differ: {', '.join(changed)}. "
                "Choose another study.name."
            )
    return typed or before.claims


def settled_option(study: Path, before: StudyManifest, name: str, asked: T, recorded: T) -> T:
    """An option that affects verdicts: as recorded once the study has claims, otherwise as given, or as recorded if not given.

    Raises:
        UsageError: if it would change after the claims were settled.
    """
    if before.claims and asked and asked != recorded:
        raise UsageError(
            f"study.{name} was settled with the claims of {study}: it was {Level.of(recorded or None)} and is now "
            f"{Level.of(asked)}. Choose another study.name."
        )
    return asked or recorded


def runs_before_claims(study: Path, before: StudyManifest, claims: Sequence[Mapping[str, Any]]) -> int:
    """The number of runs that were done when the claims were added, for the report to disclose."""
    if before.claims or not claims:
        return before.claims_after
    records = map(read_record, (study / "runs").glob("*/seed=*"))
    return sum(record is not None and record.status in DONE for record in records)


def settled_description(
    study: Path, before: StudyManifest, now: Description, asked: Mapping[str, Mapping[str, Any]]
) -> Description:
    """The updated description; what verdicts rest on is kept once the study has claims.

    Args:
        study: the folder of the study.
        before: the manifest before this command.
        now: the description from the program and the options.
        asked: the metric descriptions in the options.

    Raises:
        UsageError: if the options change a direction, a chance level or a limit.
    """
    if not before.claims:
        return now
    described = Metrics({spec.name: spec for spec in before.parsed_description(study).metrics})
    recorded = described.completed(chance=before.chance, limits=before.budgets)
    main = next(iter(described), "")
    if not main and now.metrics and any(not claim.get("metric") for claim in before.claims):
        main = load_results(study).main_metric if run_directories(study) else now.metrics[0].name  # earlier: no description
    claimed = metrics_of(claim.metric for claim in parse_all(before.claims, main))
    recorded.check_settled(asked, claimed, study)
    today = {spec.name: spec for spec in now.metrics}
    first = [main] if main else []  # claims that name no metric are about it
    settled = [
        recorded.settled(today.get(name, recorded[name]), claimed) for name in dict.fromkeys([*first, *today, *recorded])
    ]
    return replace(now, metrics=tuple(settled))


def stand_in_digest(cell: PlannedCell, runner: PlannedCell) -> str:
    """A digest for a cell that shares another cell's runs. If their configurations are equal, it includes the levels."""
    if cell.digest != runner.digest:
        return cell.digest
    levels = {key: level.text if isinstance(level.value, list) else level.value for key, level in cell.levels.items()}
    return fingerprint.digest([cell.digest, levels])


def _commands(study: Path, before: StudyManifest, sweep: Sweep) -> dict[str, Any]:
    """The first command of which some run is finished, and those after it that added configurations or seeds."""
    typed = sweep.command or typed_command()
    if not before.command or not some_run_is_done(study):
        return {"command": typed, "further_commands": []}
    known = [before.command, *before.further_commands]
    adds = not {cell.short for cell in sweep.cells} <= set(before.experiments) or not set(sweep.seeds) <= set(before.seeds)
    return {"further_commands": [*before.further_commands, *([typed] if adds and typed not in known else [])]}


def typed_command() -> str:
    """The command as typed, without local paths of Python and the script, and without secrets."""
    if sys.orig_argv[1:2] == ["-m"]:
        return shlex.join(["python", *redacted(sys.orig_argv[1:])])
    return shlex.join([Path(sys.argv[0]).name, *redacted(sys.argv[1:])])


def _read_entries(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"study.leave_out={path}: the file cannot be read ({error}).") from None
