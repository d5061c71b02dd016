"""Fixed settings of a study: what a later command may not change, including the locations of inputs (study.paths)."""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.core.cells import Cell
from ablate.core.errors import AblateError, UsageError
from ablate.core.levels import Factor, Level
from ablate.engine.cells import PlannedCell
from ablate.engine.compose import Composer
from ablate.engine.config_file import read_config
from ablate.engine.placeholders import COMMAND, CommandExperiment, placeholders
from ablate.storage import fingerprint
from ablate.storage.layout import cell_folder, known_cells, some_run_is_done, split_folder
from ablate.storage.manifest import MANIFEST, StudyManifest
from ablate.storage.records import CONFIG, level_in_config, levels_of, read_record, section

DIFFERENCES_SHOWN = 6
COMBINATIONS = 100  # of the levels of added factors that are compared: of 20 factors there are a million
Differences = dict[str, tuple[Any, Any]]  # by key, the earlier value and that of this command
_ABSENT = object()


def baseline_of(study: Path, before: StudyManifest, composer: Composer, fixed: Mapping[str, str]) -> Baseline:
    """The baseline of the study with the factors of this command, after checking that it does not change a fixed setting.

    The cells of a study differ only in its factors. A command may add a factor if the previous setting is one of its levels.

    Raises:
        UsageError: if another setting differs; the message lists the differences.
    """
    others = [override for key, override in fixed.items() if key not in before.baseline]
    added = [each.factor for key, each in composer.swept.items() if key not in before.baseline]
    lacking = _without_placeholder(study, before, composer)
    earlier = [override for key, override in before.baseline.items() if key not in lacking]

    def baseline_with(levels: Mapping[str, Level]) -> _Candidate | None:
        cell = composer.cell([*others, *earlier], Cell(levels))
        if cell is None:
            return None
        return _Candidate(levels, changed(before.fixed, cell.meaning) | moved(before.paths, cell.locations), cell)

    closest = _closest(added, {factor.key: _before(factor, before.fixed) for factor in added}, baseline_with)
    if closest is None:
        return Baseline(before.baseline, before.paths, before.added)
    if closest.differences:
        raise UsageError(
            f"this command changes fixed settings of the study {study}: {_listed(closest.differences)}. "
            f"Use the old settings, or choose another study.name.{_if_moved(study, before.paths.keys() & closest.differences)}"
            f"{_if_neutral(closest.differences)}{_if_placeholder(closest.differences, added)}{_if_nothing_finished(study)}"
        )
    overrides = {key: composer.swept[key].overrides[level] for key, level in closest.levels.items()}
    came = {key: level.value for key, level in closest.levels.items() if not composer.swept[key].is_group}
    return Baseline({**before.baseline, **overrides}, {**closest.cell.locations, **before.paths}, {**before.added, **came})


def _without_placeholder(study: Path, before: StudyManifest, composer: Composer) -> list[str]:
    """The factors of the study for which a command of `ablate sweep` has no placeholder, because they were added later.

    Raises:
        UsageError: if it lacks one that the first command of the study has.
    """
    if not isinstance(composer.reader.experiment, CommandExperiment):
        return []
    lacking = [key for key in before.baseline if key not in placeholders(composer.master[COMMAND])]
    for key in (key for key in lacking if key not in before.added):
        raise UsageError(
            f"the command has no {{{key}}}, which is a factor of the study {study}: write it into the command, with "
            f"{key}=LEVEL before --, or choose another study.name."
        )
    return lacking


def refuse_edited(study: Path, before: StudyManifest, cells: Sequence[PlannedCell]) -> None:
    """Refuse a configuration that the study has with other settings, such as after an edit of the file of a level.

    Raises:
        UsageError: if the study has runs at the same levels, of a configuration that differs.
    """
    known, shorts = known_cells(study), {cell.short for cell in cells}
    others: dict[str, list[str]] = {}  # folders of cells that this command does not run, by their names without digests
    for short, name in known.items():
        if short not in shorts:
            others.setdefault(split_folder(name)[0], []).append(name)
    for cell in cells if before.launched else ():
        if cell.short in known or cell.short in before.experiments:
            continue
        alike = others.get(split_folder(cell_folder({}, cell.short, cell.name))[0], ())
        for made in (path for name in alike for path in sorted((study / "runs" / name).glob(f"seed=*/{CONFIG}"))[:1]):
            record = read_record(made.parent)
            if record is None or record.label != cell.label:
                continue
            config, here = read_config(made.parent), cell.all_levels()
            there = levels_of(record.choices, config, before.factors)
            if any(here.get(key) != there.get(key) for key in before.factors):  # a factor that is fixed here
                continue
            was = {key: value for key, value in fingerprint.flatten(config).items() if key in cell.meaning}
            now = {key: value for key, value in cell.meaning.items() if key in was}
            raise UsageError(
                f"{study} has runs of {cell.label} with other settings: {_listed(changed(was, now)) or 'keys were added'}. "
                "Undo the change, choose another study.name, or remove the earlier runs: "
                f"`ablate rm {study} {_selecting(cell.levels)}`."
            )


def refuse_rearranged(study: Path, before: StudyManifest, manifest: StudyManifest, cells: Sequence[PlannedCell]) -> None:
    """Refuse a command of `ablate sweep` whose arguments at a level of an added factor differ from those of its runs.

    The arguments of the baseline are compared with the fixed settings, but there may be none for the factor. Names do not tell
    which cells have the same levels, because the factors of earlier commands were fewer or in another order.

    Args:
        study: its folder.
        before: its manifest before this command.
        manifest: the updated one.
        cells: those of this command.

    Raises:
        UsageError: if the study has runs of other arguments at the same levels.
    """
    known, shorts = known_cells(study), {cell.short for cell in cells}
    new = [cell for cell in cells if cell.short not in known and cell.short not in before.experiments]
    if not before.added or not new:
        return
    unchanged = {key: Level.of(value) for key, value in manifest.added.items()}

    def place(levels: Mapping[str, Level]) -> tuple[Level | None, ...]:
        return tuple({**unchanged, **levels}.get(key) for key in manifest.baseline)

    earlier: dict[tuple[Level | None, ...], Any] = {}  # the command by levels
    for name in (name for short, name in known.items() if short not in shorts):
        for made in sorted((study / "runs" / name).glob(f"seed=*/{CONFIG}"))[:1]:
            with suppress(AblateError):  # the plan reports the file if it belongs to a run that counts
                config = read_config(made.parent)
                earlier[place(levels_of({}, config))] = config.get(COMMAND)
    for cell in new:
        if (was := earlier.get(place(cell.all_levels()))) is not None:
            raise UsageError(
                f"{study} has runs of {cell.label} by another command: {_listed({COMMAND: (was, cell.meaning[COMMAND])})}. "
                "Write its arguments as before, also in their order, or choose another study.name."
            )


def _selecting(levels: Cell) -> str:
    return " ".join(f"--where {shlex.quote(f'{key}={level}')}" for key, level in levels.items())


@dataclass(frozen=True)
class Baseline:
    """What study.yaml has of the baseline.

    Attributes:
        baseline: by factor, the override for its baseline level.
        paths: the locations of inputs.
        added: by key that came as a factor after runs were made, its level in these.
    """

    baseline: dict[str, str]
    paths: dict[str, Any]
    added: dict[str, Any]


@dataclass(frozen=True)
class _Candidate:
    """The baseline cell with one level of each added factor."""

    levels: Mapping[str, Level]
    differences: Differences  # from the fixed settings of the study
    cell: PlannedCell


def _closest(
    added: Sequence[Factor], start: Mapping[str, Level], baseline_with: Callable[[Mapping[str, Level]], _Candidate | None]
) -> _Candidate | None:
    """The baseline cell that differs least from the study's fixed settings; None if it is excluded with the levels of `start`.

    Each added factor is tried by itself. Two may only fit together, so all combinations follow if they are few.
    """
    tries: Iterable[Mapping[str, Level]] = ({factor.key: level} for factor in added for level in factor.levels)
    if math.prod(len(factor) for factor in added) <= COMBINATIONS:
        keys = [factor.key for factor in added]
        together = itertools.product(*(factor.levels for factor in added))
        tries = itertools.chain(tries, (dict(zip(keys, levels, strict=True)) for levels in together))
    best = baseline_with(start)
    for levels in tries:
        if best is None or not best.differences:
            break
        other = baseline_with({**best.levels, **levels})
        if other is not None and len(other.differences) < len(best.differences):
            best = other
    return best


def _before(factor: Factor, fixed: Mapping[str, Any]) -> Level:
    """The level of an added factor that is its previous setting, if that is known, otherwise the first."""
    was = Level.of(fixed[factor.key]) if factor.key in fixed else None
    return next((level for level in factor.levels if level == was), factor.levels[0])


def refuse_other_inputs(study: Path, before: StudyManifest, cell: PlannedCell) -> None:
    """Refuse a single run if the runs of its configuration have their inputs elsewhere.

    Raises:
        UsageError: if a location differs from theirs and from that in study.yaml.
    """
    folder = known_cells(study).get(cell.short)
    made = next(iter(sorted((study / "runs" / folder).glob(f"seed=*/{CONFIG}"))), None) if folder and cell.locations else None
    try:
        config = read_config(made.parent) if made is not None else {}
    except AblateError:
        return  # the plan reports the file if it belongs to a run that counts
    here = {key: value for key, value in cell.locations.items() if key not in before.paths or moved(before.paths, {key: value})}
    was = {key: section(config, key) for key, value in here.items() if not _is_unresolved(value)}
    was = {key: value for key, value in was.items() if value is not None and not _is_unresolved(value)}
    if differences := moved(was, here):
        raise UsageError(
            f"the runs of this configuration in {study} have other inputs: {_listed(differences)}. "
            f"Use the old location, or choose another study.name.{_if_moved(study, differences)}"
        )


def changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> Differences:
    """The keys whose values differ; 1 and 1.0 are equal as in digests, and 1 and true are not."""
    pairs = {key: (was.get(key, _ABSENT), now.get(key, _ABSENT)) for key in {**was, **now}}
    return {key: pair for key, pair in pairs.items() if not _are_equal(*pair)}


def moved(was: Mapping[str, Any], now: Mapping[str, Any]) -> Differences:
    """The keys in both whose locations differ. A relative path and the absolute path of the same file are equal."""
    return {key: (was[key], now[key]) for key in now if key in was and not _is_same_place(was[key], now[key])}


def text_of(value: Any) -> str:
    """A value for a message."""
    return "absent" if value is _ABSENT else str(level_in_config(value))


def _are_equal(was: Any, now: Any) -> bool:
    if was is _ABSENT or now is _ABSENT:
        return was is now
    return fingerprint.digest(was) == fingerprint.digest(now)  # NaN equals itself, False does not equal 0


def _is_same_place(was: Any, now: Any) -> bool:
    if isinstance(was, str) and isinstance(now, str) and Path(was).expanduser().resolve() == Path(now).expanduser().resolve():
        return True
    return _are_equal(was, now)


def _is_unresolved(value: Any) -> bool:
    """Whether a location has interpolations, as those that only a job can resolve, or those of a run that has not begun."""
    return "${" in str(value)


def _listed(differences: Differences) -> str:
    shown = [f"{key} was {_shown(key, was)} and is now {_shown(key, now)}" for key, (was, now) in differences.items()]
    if len(shown) > DIFFERENCES_SHOWN:
        shown[DIFFERENCES_SHOWN:] = [f"and {len(shown) - DIFFERENCES_SHOWN} more"]
    return "; ".join(shown)


def _shown(key: str, value: Any) -> str:
    return f"`{shlex.join(value)}`" if key == COMMAND and isinstance(value, list) else text_of(value)


def _if_neutral(differences: Differences) -> str:
    """For keys that the program did not have before: their value may be the one that changes nothing."""
    new = {key: now for key, (was, now) in differences.items() if was is _ABSENT and now is not _ABSENT}
    if not new or len(new) > DIFFERENCES_SHOWN:
        return ""
    values = ",".join(f"{key}:{text_of(value)}" for key, value in new.items())
    return (
        f" (If {'this value of the new key changes' if len(new) == 1 else 'these values of the new keys change'} nothing, say "
        f"so with study.neutral='{{{values}}}'.)"
    )


def _if_placeholder(differences: Differences, added: Sequence[Factor]) -> str:
    """For the command of `ablate sweep` with further placeholders, none of whose levels gives the arguments of before."""
    if COMMAND not in differences or not added:
        return ""
    key, levels = added[0].key, dict.fromkeys(["null", *(level.text for level in added[0])])
    return (
        f" (To add {key}, give it a level with the arguments of before: null leaves out `{{{key}:--{key}}}`, as in "
        f"{key}={','.join(levels)}.)"
    )


def _if_nothing_finished(study: Path) -> str:
    if some_run_is_done(study):
        return ""
    return f" (No run of the study has finished: `ablate rm {study}` removes it.)"


def _if_moved(study: Path, keys: object) -> str:
    return f" (If the same files are now elsewhere, write their location under paths in {study / MANIFEST}.)" if keys else ""
