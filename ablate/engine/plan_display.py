"""Show the plan of a sweep: a table, a summary, plan.csv, and the factors that change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ablate.core.cells import SHOWN_IN_FULL, reason_to_leave_out
from ablate.core.levels import Factor, Level, short_names
from ablate.core.wording import counted, duration
from ablate.engine.cells import PlannedCell
from ablate.engine.planning import STATES, Plan, PlannedRun
from ablate.storage.layout import PLAN, known_cells
from ablate.storage.manifest import StudyManifest
from ablate.storage.plan_file import FACTS, read_plan_rows, write_plan

ROWS_SHOWN = 24
KEYS_SHOWN = 6  # of the keys that do not identify runs
Stratum = tuple[tuple[str, Level], ...]  # the levels of all other factors


def table(plan: Plan, rows: int = ROWS_SHOWN) -> Table:
    """A terminal table of the cells with the states of their runs, cut to `rows`.

    With more than `SHOWN_IN_FULL` factors, it names the changes from the baseline instead of having a column for each factor.
    """
    keys = list(plan.runs[0].cell.levels)
    one_column = not keys or _shortened(plan)
    states = [state for state in STATES if plan.count(state)]
    shown = Table()
    names = short_names(keys)
    titles = ["configuration (changes from the baseline)" if keys else "configuration"] if one_column else list(names.values())
    for title in titles:
        shown.add_column(escape(title), overflow="fold")
    known = any(run.seconds is not None for run in plan.runs)
    for column in (*states, *(["time per run"] if known else [])):
        shown.add_column(column, justify="right")
    by_cell: dict[str, list[PlannedRun]] = {}
    for run in plan.runs:
        by_cell.setdefault(run.cell.digest, []).append(run)
    cells = [by_cell[digest] for digest in plan.cells if digest in by_cell]
    for runs in cells[:rows]:
        counts: Counter[str] = Counter(run.state for run in runs)
        cell = runs[0].cell
        levels = [cell.name] if one_column else [str(level) for level in cell.levels.values()]
        took = [duration(runs[0].seconds)] if runs[0].seconds is not None else []
        shown.add_row(*map(escape, levels), *(str(counts[state] or "") for state in states), *took)
    return shown


def summary(plan: Plan, rows: int = ROWS_SHOWN) -> str:
    """Summarize the plan: the number of runs and their estimated duration. `rows` is the size of the table."""
    unseen = len(plan.cells) - rows
    phrases = {"held": "held by another process"}
    counts = [f"{plan.count(state)} {phrases.get(state, state)}" for state in STATES if plan.count(state)]
    text = f"… and {counted(unseen, 'more configuration')}: all runs are in {plan.study / PLAN}.\n" if unseen > 0 else ""
    if _shortened(plan):
        text += f"The baseline is {plan.runs[0].cell.baseline}.\n"
    text += f"{counted(len(plan.runs), 'run')} in {plan.study}: {', '.join(counts)}."
    if (left := plan.seconds_left()) is not None:
        processes = f" in {plan.processes} processes" if plan.processes > 1 else ""
        text += f" About {duration(left)}{processes} (from {plan.cost_from})."
    if stale := sum(run.stale for run in plan.runs):
        text += f" {stale} of the done runs were made by other code: study.reuse=same_code repeats them."
    return text


def _shortened(plan: Plan) -> bool:
    """Whether the cells are named by their changes from the baseline."""
    cell = plan.runs[0].cell
    return cell.baseline is not None and len(cell.levels) > SHOWN_IN_FULL


def write_csv(plan: Plan) -> None:
    """Write plan.csv: one row for each run, including cells that share the runs of another cell.

    Rows of an earlier command stay if this one does not plan their configuration and it has runs: those that it lacks are
    missing in the study, whichever configurations are run today.
    """
    stand_ins: dict[str, list[PlannedCell]] = {}
    for cell, runner in plan.stand_ins.values():
        stand_ins.setdefault(runner.digest, []).append(cell)
    rows: list[tuple[Mapping[str, object], list[object]]] = []
    planned = set()
    for run in plan.runs:
        seconds = "" if run.seconds is None else f"{run.seconds:.1f}"
        directory = run.directory.relative_to(plan.study)
        planned.add(directory.parent)
        facts: list[object] = [run.seed, run.state, seconds, directory.as_posix()]
        note = run.left_out or ("made by other code" if run.stale else "")
        rows.append((run.cell.levels, [*facts, note]))
        same = f"identical configuration to {run.cell.label}"
        rows += [(cell.levels, [*facts, same]) for cell in stand_ins.get(run.cell.digest, [])]
    begun = known_cells(plan.study).values()
    for row in read_plan_rows(plan.study):
        cell_of_row = Path(row["directory"]).parent
        if cell_of_row not in planned and cell_of_row.name in begun:
            levels = {key: level for key, level in row.items() if key not in FACTS and level}
            if reason := _left_out(plan, {**levels, "seed": row["seed"]}):
                row |= {"state": "left out", "note": reason}
            rows.append((levels, [row[fact] for fact in FACTS]))
    keys = dict.fromkeys(key for levels, _ in rows for key in levels)
    lines = ([*(levels.get(key, "") for key in keys), *facts] for levels, facts in rows)
    write_plan(plan.study, [[*keys, *FACTS], *lines])


def _left_out(plan: Plan, levels: Mapping[str, str]) -> str | None:
    """The reason in study.leave_out for a run of an earlier command, of which the levels of some factors are known."""
    known = [entry for entry in plan.leave_out if entry.condition.allowed.keys() <= levels.keys()]
    return reason_to_leave_out(known, {key: Level.of(level) for key, level in levels.items()})


def first_notes(cells: Sequence[PlannedCell], factors: Sequence[Factor], before: StudyManifest) -> list[str]:
    """What to say of the configurations when a command begins, not when it adds seeds."""
    return [
        *kept_baseline(factors, before), *unknown_values(cells), *missing_values(cells), *unresolved_values(cells),
    ]  # fmt: skip


def kept_baseline(factors: Sequence[Factor], before: StudyManifest) -> list[str]:
    """A sentence if this command has another baseline than its study, which stays.

    Args:
        factors: of the command, each with its baseline level first.
        before: the manifest before this command.
    """
    kept = {key: factor.baseline for key, factor in before.typed_factors().items() if before.launched}
    other = [f"{each.key}={kept[each.key]}" for each in factors if kept.get(each.key, each.baseline) in each.levels[1:]]
    return [f"The baseline of this study stays {', '.join(other)}; another study.name may have another."] if other else []


def inert_factors(cells: Sequence[PlannedCell]) -> list[str]:
    """A sentence for each factor that changes nothing, either everywhere or at certain levels of other factors."""
    sentences = []
    for key in cells[0].levels if cells else ():
        built: dict[Stratum, set[str]] = {}
        sizes: Counter[Stratum] = Counter()
        for cell in cells:
            stratum = _without(key, cell)
            built.setdefault(stratum, set()).add(cell.builds)
            sizes[stratum] += 1
        compared = {stratum: builds for stratum, builds in built.items() if sizes[stratum] > 1}
        inert = [stratum for stratum, builds in compared.items() if len(builds) == 1]
        if inert and len(inert) == len(compared):
            sentences.append(f"{key} changes nothing: identical configurations, run once.")
        elif inert:
            sentences.append(f"{key} changes nothing {_where(inert, compared)}: identical configurations, run once.")
        elif any(len(builds) < sizes[stratum] for stratum, builds in compared.items()):
            sentences += _identical_levels(key, cells)
    return sentences


def unknown_values(cells: Sequence[PlannedCell]) -> list[str]:
    """A sentence about the keys whose values are only known in a run, if there are any."""
    keys = list(dict.fromkeys(key for cell in cells for key in cell.unknown))
    return [f"Not used to identify runs, because their values are only known in a run: {_shown(keys)}."] if keys else []


def missing_values(cells: Sequence[PlannedCell]) -> list[str]:
    """A sentence about the keys that have no value, if there are any."""
    keys = list(dict.fromkeys(key for cell in cells for key in cell.missing))
    return [f"Without a value (???), so that a program that reads them fails: {_shown(keys)}."] if keys else []


def unresolved_values(cells: Sequence[PlannedCell]) -> list[str]:
    """A sentence for each of the first interpolations that refer to nothing."""
    found = {key: why for cell in cells for key, why in cell.unresolved.items()}
    said = [f"{key}: {why.rstrip('.')}, so that a program that reads it fails." for key, why in found.items()]
    return [*said[:KEYS_SHOWN], *([f"The same of {len(said) - KEYS_SHOWN} more keys."] if len(said) > KEYS_SHOWN else [])]


def _shown(keys: Sequence[str]) -> str:
    return ", ".join(keys[:KEYS_SHOWN]) + (f" and {len(keys) - KEYS_SHOWN} more" if len(keys) > KEYS_SHOWN else "")


def _without(key: str, cell: PlannedCell) -> Stratum:
    return tuple((other, level) for other, level in cell.levels.items() if other != key)


def _identical_levels(key: str, cells: Sequence[PlannedCell]) -> list[str]:
    """Sentences about pairs of levels that build the same experiment, for a factor whose other levels differ."""
    first: dict[tuple[Stratum, str], Level] = {}
    sentences = []
    for cell in cells:
        level = cell.levels[key]
        twin = first.setdefault((_without(key, cell), cell.builds), level)
        if twin != level:
            sentences.append(f"{key}={level} and {key}={twin}: identical configuration, run once.")
    return list(dict.fromkeys(sentences))


def _where(inert: Sequence[Stratum], compared: Mapping[Stratum, object] | Iterable[Stratum]) -> str:
    """Describe the inert strata: by a level that distinguishes them from the others, otherwise by their number."""
    among = set(inert)
    alive = [stratum for stratum in compared if stratum not in among]
    for key, level in inert[0]:
        if all((key, level) in stratum for stratum in inert) and not any((key, level) in stratum for stratum in alive):
            return f"where {key}={level}"
    return f"in {len(inert)} of {len(inert) + len(alive)} strata"
