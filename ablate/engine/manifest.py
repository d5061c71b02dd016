"""What a study settled when it began, and what a later command may add to it: the content of study.yaml."""

from __future__ import annotations

import itertools
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig

from ablate.core import designs
from ablate.core.errors import UsageError
from ablate.engine.compose import Cell, Composer, Level
from ablate.engine.configs import plain
from ablate.storage.layout import short_cell, short_experiment
from ablate.storage.records import DONE, read_record

DIFFERENCES_SHOWN = 6
_NONE = object()


def factors_of(before: Mapping[str, Any], cells: Sequence[Cell]) -> dict[str, list[Any]]:
    """The factors and their levels; those of earlier commands stay in front."""
    factors = dict(before.get("factors", {}))
    for key in cells[0].levels:
        factors[key] = designs.distinct([*factors.get(key, []), *(cell.levels[key] for cell in cells)])
    return factors


def experiments_of(before: Mapping[str, Any], cells: Sequence[Cell]) -> dict[str, str]:
    """What each cell of the study builds; of today's cells by today's account."""
    known: dict[str, str] = before.get("experiments", {})
    return {**known, **{short_cell(cell.digest): short_experiment(cell.experiment) for cell in cells}}


def baseline_of(
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
    first: dict[str, tuple[Any, Any]] = {}
    for combination in itertools.product(*added.values()):
        cell = composer.cell([*others, *baseline.values(), *(level.override for level in combination)], {})
        if cell is None:
            return baseline
        differences = _differences(before["fixed"], cell.meaning)
        if not differences:
            return {**baseline, **dict(zip(added, (level.override for level in combination), strict=True))}
        first = first or differences
    shown = [f"{key} was {_say(was)} and is now {_say(now)}" for key, (was, now) in first.items()]
    if len(shown) > DIFFERENCES_SHOWN:
        shown[DIFFERENCES_SHOWN:] = [f"and {len(shown) - DIFFERENCES_SHOWN} more"]
    raise UsageError(
        f"the study {study} was launched with other settings: {'; '.join(shown)}. "
        "Type them as they were, or give this sweep a study.name of its own."
    )


def left_out(before: Mapping[str, Any], asked: Any, cells: Sequence[Cell], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """The runs to leave out: what was recorded, and what is asked for now, which must name a run of this sweep.

    `asked` is study.leave_out: a list of conditions with a reason, or the name of a YAML file of them. A condition that was
    recorded takes the new reason.
    """
    entries = _read_entries(Path(asked)) if isinstance(asked, str) else asked
    recorded: list[dict[str, Any]] = list(before.get("leave_out", []))
    for entry in entries if isinstance(entries, list) else [entries]:
        if not isinstance(entry, dict) or not str(entry.get("reason") or "").strip() or len(entry) < 2:
            example = "{stem: direct, seed: 3, reason: the disk failed}"
            raise UsageError(f"study.leave_out: {entry} should name runs and say why, such as {example}.")
        condition = designs.condition_of(entry)
        of_cells = {key: wanted for key, wanted in condition.items() if key != "seed"}
        of_seeds = {key: wanted for key, wanted in condition.items() if key == "seed"}
        if not (
            any(designs.matches(cell.every_level, of_cells) for cell in cells)
            and any(designs.matches({"seed": seed}, of_seeds) for seed in seeds)
        ):
            raise UsageError(f"study.leave_out: {condition} is no run of this sweep.")
        recorded = [known for known in recorded if designs.condition_of(known) != condition] + [entry]
    return recorded


def claims_of(study: Path, before: Mapping[str, Any], typed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims of the study. They are frozen with it: one that is changed once runs are there proves nothing."""
    recorded: list[dict[str, Any]] = before.get("claims", [])
    if typed and recorded and typed != recorded:
        known = {claim.get("id"): claim for claim in recorded}
        changed = [str(claim.get("id")) for claim in typed if claim != known.pop(claim.get("id"), None)]
        names = ", ".join([*changed, *map(str, known)])
        raise UsageError(f"the claims of {study} were settled when it began, and differ now: {names}. Take another study.name.")
    return typed or recorded


def claims_after(study: Path, before: Mapping[str, Any], claims: Sequence[Mapping[str, Any]]) -> int:
    """How many runs were done when the claims came: a reader should know what could have been seen before."""
    if before.get("claims") or not claims:
        return int(before.get("claims_after", 0))
    records = map(read_record, (study / "runs").glob("*/seed=*"))
    return sum(record is not None and record.status in DONE for record in records)


def description(
    study: Path,
    before: Mapping[str, Any],
    cells: Sequence[Cell],
    same: Mapping[str, tuple[Cell, Cell]],
    settled: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of study.yaml; `settled` are its keys that the functions above yield."""

    def stand_in(cell: Cell, runner: str) -> dict[str, Any]:
        # of a factor that this command fixes too, which earlier ones varied
        levels = {**{key: cell.every_level[key] for key in settled["factors"] if key in cell.every_level}, **cell.levels}
        return {"as": runner, "label": designs.label(levels), "levels": levels}

    stand_ins = {short_cell(digest): stand_in(cell, short_cell(runner.digest)) for digest, (cell, runner) in same.items()}
    known: dict[str, str] = before.get("experiments", {})
    for cell in cells:  # that are new, and build what a cell of an earlier command builds
        equal = [other for other, experiment in known.items() if experiment == short_experiment(cell.experiment)]
        if equal and short_cell(cell.digest) not in known:
            stand_ins.setdefault(short_cell(cell.digest), stand_in(cell, equal[0]))
    content = {
        "command": before.get("command", _command()),
        **settled,
        **{key: _deciding(study, before, key, cells[0].config) for key in ("chance", "budgets") if settled["claims"]},
        "fixed": before.get("fixed", cells[0].meaning),
        "same": {**before.get("same", {}), **stand_ins},
    }
    return {key: value for key, value in content.items() if value or key in ("factors", "decisions")}


def _deciding(study: Path, before: Mapping[str, Any], key: str, config: DictConfig) -> dict[str, float]:
    """study.chance or study.budgets. They decide claims, and are settled with them."""
    asked: dict[str, float] = plain(config.study[key], resolve=True) or {}
    if not before.get("claims"):
        return asked
    recorded: dict[str, float] = before.get(key, {})
    if asked and asked != recorded:
        changed = [name for name in {**recorded, **asked} if recorded.get(name) != asked.get(name)]
        shown = ", ".join(f"{name} was {recorded.get(name)} and is now {asked.get(name)}" for name in changed)
        raise UsageError(f"study.{key} of {study} was settled with its claims: {shown}. Take another study.name.")
    return recorded


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    pairs = {key: (was.get(key, _NONE), now.get(key, _NONE)) for key in {**was, **now}}
    return {key: (old, new) for key, (old, new) in pairs.items() if old != new}


def _say(value: Any) -> str:
    return "not there" if value is _NONE else designs.say(value)


def _read_entries(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"study.leave_out={path}: the file cannot be read ({error}).") from None


def _command() -> str:
    """What the user typed, without the folders of this machine."""
    if sys.orig_argv[1:2] == ["-m"]:
        return shlex.join(["python", *sys.orig_argv[1:]])
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
