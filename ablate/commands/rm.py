"""Remove a study, or some of its runs.

ablate rm STUDY [--status failed,interrupted] [--where stem=pyramid] [--yes]
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pandas as pd

from ablate.commands import studies
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level, short_names
from ablate.core.wording import counted, shortened
from ablate.importers.tabular import level_of
from ablate.storage.dataframe import load_results
from ablate.storage.layout import run_directories
from ablate.storage.level_removal import reason_to_keep, remove_level
from ablate.storage.locks import briefly, holder, state_of
from ablate.storage.manifest import MANIFEST, manifest_lock
from ablate.storage.records import Status, read_record
from ablate.storage.results import StudyResults
from ablate.storage.scheduler import queued_jobs
from ablate.storage.submissions import JOBS


@dataclass(frozen=True)
class Selection:
    """What to remove from a study.

    Attributes:
        runs: their folders.
        levels: the levels that were named and have no runs afterwards.
        stays: a sentence for each of these that the study needs all the same.
    """

    runs: list[Path]
    levels: list[tuple[str, Level]] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)

    def described(self, study: Path, every: int) -> str:
        """What is removed, of so many runs of the study."""
        levels = [f"the level {key}={level}" for key, level in self.levels]
        runs = [f"{len(self.runs)} of {every} runs of {study}"] if self.runs else []
        return ", and ".join([*runs, *levels]) + ("" if runs else f" of {study}, without runs")


def selected(study: Path, statuses: Sequence[str], where: Sequence[str]) -> Selection:
    """The runs with one of these statuses and all of these levels, and the levels that go with them.

    With a status, no level goes: such runs are removed to be made again.

    Args:
        study: the folder of the study.
        statuses: states of runs, see `locks.state_of`; empty for any.
        where: levels as `key=value`; empty for any.

    Raises:
        UsageError: for an unknown status, a factor that the study does not have, or a level that it does not have.
    """
    for status in statuses:
        if status not in get_args(Status):
            raise UsageError(f"--status {status}: unknown; available: {', '.join(get_args(Status))}.")
    selection = Selection(run_directories(study))
    if where:
        results = load_results(study)
        factors = _factors(results)
        conditions = _conditions(factors, study, where)
        parts = [results, *(each for each in (results.control, results.repeated) if each is not None)]  # with second runs
        names = [name for each in parts for name in dict.fromkeys(_with_levels(each, conditions))]
        selection = Selection([study / name for name in names], *_without_runs(factors, parts, conditions, set(names)))
    if not statuses:
        return selection
    records = {path: read_record(path) for path in selection.runs}
    return Selection([path for path, each in records.items() if each is not None and state_of(path, each) in statuses])


def _factors(results: StudyResults) -> dict[str, Factor]:
    """The factors of a study, also with the levels that were planned and have no runs."""
    planned = results.manifest.typed_factors()
    return {
        key: Factor.of(key, [*planned.get(key, ()), *results.factors.get(key, ())]) for key in {**planned, **results.factors}
    }


def _without_runs(
    factors: Mapping[str, Factor],
    parts: Sequence[StudyResults],
    conditions: Sequence[tuple[str, Level]],
    doomed: Collection[str],
) -> tuple[list[tuple[str, Level]], list[str]]:
    """The levels of the conditions that have no runs but the doomed ones; and why some of these stay."""
    levels, stays = [], []
    manifest = parts[0].manifest
    for key, level in conditions:
        if key not in manifest.factors:  # of a factor that no sweep has varied
            continue
        if any(name not in doomed for each in parts for name in each.runs["directory"][_runs_at(each, key, level)]):
            continue
        if (why := reason_to_keep(manifest, factors[key], level)) is not None:
            stays.append(f"The study keeps the level {key}={level} without runs: {why}.")
        else:
            levels.append((key, level))
    return levels, stays


def _conditions(factors: Mapping[str, Factor], study: Path, where: Sequence[str]) -> list[tuple[str, Level]]:
    """The factors and levels of the conditions."""
    keys = {short: key for key, short in short_names(list(factors)).items()}  # as tables name them
    found = []
    for condition in where:
        key, equals, text = condition.partition("=")
        available = f"factors of {study}: {', '.join(factors) or 'none'}"
        if not equals:
            raise UsageError(f"--where {condition}: expected FACTOR=LEVEL; {available}.")
        key = keys.get(key, key)
        if key not in factors:
            raise UsageError(f"--where {condition}: unknown factor '{key}'; {available}.")
        found.append((key, factors[key].level(_typed(text, factors[key]))))
    return found


def _typed(text: str, factor: Factor) -> Level:
    """The level that was typed as this text: `1e-5` for 1e-05, `True` for true, `.1` for 0.1."""
    found = [level_of(text)]
    with contextlib.suppress(ValueError):
        found.append(Level.of(float(text)))
    return next((level for level in found if level in factor), Level.of(text))


def _with_levels(results: StudyResults, conditions: Sequence[tuple[str, Level]]) -> list[str]:
    mask = results.runs["directory"].notna()
    for key, level in conditions:
        mask &= _runs_at(results, key, level)
    return _of_no_other(results, mask)


def _runs_at(results: StudyResults, key: str, level: Level) -> pd.Series:
    """Which rows are runs at this level; none, if the study has no runs that differ in its factor."""
    if key not in results.levels:
        return results.runs["directory"].isna() & False
    return results.levels[key].map(lambda each: each == level).astype(bool) & results.runs["directory"].notna()


def _of_no_other(results: StudyResults, mask: pd.Series) -> list[str]:
    """The folders of the selected runs, without those that other configurations share: identical ones are run once."""
    directories = results.runs["directory"]
    shared = set(directories[mask]) & set(directories[~mask])
    if shared:
        users = sorted(set(results.runs["label"][~mask & directories.isin(shared)]))
        print(
            f"{counted(len(shared), 'run')} kept: also the {'run' if len(shared) == 1 else 'runs'} of {shortened(users)}, "
            "the same experiment."
        )
    return [str(name) for name in directories[mask] if name not in shared]


def remove(study: Path, directories: Sequence[Path] | None) -> None:
    """Remove runs, or the whole study. A run that has started meanwhile is kept, and with it all that come after it.

    Args:
        study: the folder of the study.
        directories: the folders of the runs; None for the study.

    Raises:
        UsageError: if a process holds one of the runs.
    """
    if directories is None:
        with manifest_lock(study):  # no command can add runs
            for directory in (study / "runs").glob("*/seed=*"):  # also those without a record yet
                with briefly(directory) as free:  # one by one: a process may hold about a thousand locks
                    _refuse_unless_free(directory, free)
            shutil.rmtree(study)
        return
    for directory in directories:
        with briefly(directory) as free:
            _refuse_unless_free(directory, free)
            shutil.rmtree(directory)
        with contextlib.suppress(OSError):  # not empty
            directory.parent.rmdir()


def _refuse_unless_free(directory: Path, free: bool) -> None:
    if not free:
        raise _held(directory, holder(directory) or "another process")


def _held(directory: Path, by: str) -> UsageError:
    return UsageError(f"{directory} is being run ({by}): stop the sweep first.")


def refuse_running(study: Path, directories: Sequence[Path] | None) -> None:
    """Raise a UsageError if a process holds one of the runs, or if a job of one is in the queue of a scheduler.

    Args:
        study: the folder of the study.
        directories: the folders of the runs; None for all runs, including those that have not started.
    """
    for directory in run_directories(study) if directories is None else directories:
        if (by := holder(directory)) is not None:
            raise _held(directory, by)
    names = None if directories is None else {directory.relative_to(study).as_posix() for directory in directories}
    for name, job in queued_jobs(study).items():
        if names is not None and name not in names:
            continue
        if job.state is None:
            raise UsageError(
                f"{study / name} was submitted as {job.name}, and Slurm does not answer: if its jobs have ended, remove "
                f"{study / JOBS} first."
            )
        number = job.name.removeprefix("slurm-")
        raise UsageError(f"{study / name} has the job {job.name} ({job.state}): end it first, with `scancel {number}`.")


def main() -> None:
    """Run the command."""
    parser = studies.parser("rm", "Remove a study, or some of its runs. The same sweep makes removed runs again.")
    studies.add_study(parser)
    parser.add_argument("--status", metavar="A,B", help="only runs with these statuses, such as failed,interrupted")
    parser.add_argument(
        "--where", action="append", default=[], metavar="FACTOR=LEVEL", help="only runs at this level; repeatable"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args()

    def command() -> int:
        study = studies.find(arguments.study)
        statuses = [] if arguments.status is None else arguments.status.split(",")  # an empty one is refused
        every = run_directories(study)
        selection = selected(study, statuses, arguments.where)
        chosen = selection.runs
        whole = not statuses and not arguments.where
        if whole and (inside := sorted(each.parent for each in study.rglob(MANIFEST) if each.parent != study)):
            named = shortened(list(map(str, inside)))
            raise UsageError(f"{study} contains other studies: {named}. Remove or move these first.")
        for sentence in selection.stays:
            print(sentence)
        if not chosen and not selection.levels and not whole:
            print("No run matches: nothing to remove.")
            return 0
        doomed = None if whole else chosen
        refuse_running(study, doomed)
        what = f"the study {study} with {len(every)} runs" if whole else selection.described(study, len(every))
        if not arguments.yes and not _confirmed(what):
            print("Nothing was removed.")
            return 1
        refuse_running(study, doomed)  # a run may have started since the question
        remove(study, doomed)
        for key, level in selection.levels:
            remove_level(study, key, level)
        print(f"Removed {what}.")
        return 0

    studies.run(command)


def _confirmed(what: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"to remove {what} without a terminal to ask in, add --yes.")
    try:
        return input(f"Remove {what}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        print()
        return False
