"""Turn a table of foreign results, with the roles of its columns, into the results of a study."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ablate.core.cells import Cell, common
from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.metrics import Metrics, MetricSpec
from ablate.core.text import number_in
from ablate.importers import rows as rows_of_runs
from ablate.importers import status as words
from ablate.importers.column_names import words as column_words
from ablate.importers.numbers import Numbers, is_numeric, parse, parse_metric
from ablate.importers.rows import Rows
from ablate.importers.table import NO_SEED, Roles, Table
from ablate.importers.wide import SUMMARY, melted
from ablate.storage.manifest import StudyManifest
from ablate.storage.results import RUN_COLUMNS, StudyResults

UNPAIRED = "No column of seeds: every run counts by itself and nothing is paired, so that the intervals are wider (Welch)."
SINGLE = "No column of seeds, and one run of each configuration: a difference may be noise."
FOLD_NAMES = frozenset({"fold", "folds", "split", "splits"})
FOLDS = (
    "The seed is the column {}. Scores of folds share training data: for repeated rounds of a cross-validation, average the "
    "folds of each round first (see statistics in the documentation)."
)
ABSENT = (
    "The configurations have from {1} to {0} seeds. If the others failed, add a row without a value for each: without it, they "
    "are not counted as lost, and what is left may have been selected by its outcome."
)
UNPAIRED_SEEDS = (
    "No two configurations have a {} in common: nothing is paired, so that the intervals are wider (Welch). Pair the runs by "
    "giving all configurations the same seeds."
)


# Shares beside accuracies, in words of names
_SHARES = frozenset({"f1", "auc", "auroc", "map", "miou", "iou", "dice", "recall", "precision", "top1", "top5"})
_IN_PERCENT = re.compile(r"(\(%\)|\[%\]|[\s_]%)\s*$")  # Acc (%)
_NOT_A_FRACTION = re.compile("pct|percent|count|rank|num", re.I)


def results_of(table: Table, roles: Roles) -> StudyResults:
    """Turn a table into results.

    The levels of a factor keep their order in the table, so that the first one is the baseline. Columns `status`, `error` and
    `left_out` are read as in `StudyResults.runs`, unless they have another role. Every other column with one value in all rows
    becomes a fact of the study, for `needs` and `where` of claims. What is not a finite number (`nan`, `inf`, `N/A`, `failed`)
    is the missing value of a lost run.

    Args:
        table: one row for each run, or several with `Roles.step` or `Roles.duplicates`; or a wide one with `Roles.wide`.
        roles: of the columns; factors and metrics must be given, see `guess.completed`.

    Returns:
        The results; `description.caveats` says what a reader should know about how they were read.

    Raises:
        UsageError: if a column is missing, a metric is not a number, a factor does not vary, or two rows are the same run. The
            message names the row and says what can be done.
    """
    if roles.wide is not None:
        table, roles = melted(table, roles)
    factors, metrics = roles.factors or (), roles.metrics or ()
    if roles.blocks is not None and roles.blocks not in factors:
        factors = (*factors, roles.blocks)
    seed = None if roles.seed == NO_SEED and NO_SEED not in table.frame else roles.seed
    _check(table, replace(roles, factors=factors, seed=seed))
    levels = pd.DataFrame({key: _levels(table, key) for key in factors}, index=table.frame.index, dtype=object)
    cells, cell_of = _cells(levels)
    ids = _ids(table, roles, seed)
    key = pd.Series(pd.MultiIndex.from_arrays([cell_of, ids]).factorize()[0], table.frame.index)
    numbers = {metric: _numbers(table, metric) for metric in metrics}
    values = pd.DataFrame({metric: each.values for metric, each in numbers.items()}, index=table.frame.index)
    rows = Rows(key, words.of_runs(table, roles, seed), values)
    rows, caveats = _one_row_a_run(table, roles, rows, seed, cells, cell_of, ids)
    index = rows.key.index
    caveats += [*table.caveats, *_mixed_units(table, rows.values, numbers)]
    if seed is None:
        caveats.insert(0, UNPAIRED if cell_of[index].duplicated().any() else SINGLE)
        ids = pd.Series(rows.key.factorize()[0], index)
    elif len(cells) > 1 and not _pairs(cell_of[index], ids[index]):
        caveats.insert(0, UNPAIRED_SEEDS.format(seed))
    labels = [cell.label for cell in cells]
    label = [labels[at] for at in cell_of[index]]
    runs = rows.runs.assign(cell=label, label=label, seed=ids[index]).rename(columns={"place": "directory"})
    known = {key: _factor(table, key, levels[key], roles.baseline) for key in factors}
    if stray := [key for key in roles.baseline if key not in known]:
        raise UsageError(f"--baseline {stray[0]}: it is not a factor; available: {', '.join(known) or 'none'}.")
    caveats += [FOLDS.format(seed)] if seed is not None and FOLD_NAMES & set(column_words(seed).split("_")) else []
    caveats += _spelled_alike(known)
    caveats += _seeds_spelled_alike(seed, ids[index]) if seed is not None else []
    caveats += _absent(cell_of[index], ids[index]) if seed is not None else []
    fresh = pd.RangeIndex(len(index))
    return StudyResults(
        runs=runs[list(RUN_COLUMNS)].set_axis(fresh),
        levels=levels.loc[index].set_axis(fresh),
        values=rows.values.replace(math.inf, math.nan).set_axis(fresh),
        factors=known,
        facts=_facts(table, [*factors, *metrics, *roles.named, *words.USUAL]),
        metrics=_metrics(metrics, numbers, roles),
        manifest=StudyManifest(blocks=roles.blocks),
        description=Description(caveats=tuple(caveats)),
        paired=seed is not None,
    )


def level_of(value: object) -> Level:
    """Parse a level: true, false, and numbers that Python would print in the same way; anything else is a string.

    So `0.1` equals the level 0.1 of a claim, while `1.10` and `007` remain strings.
    """
    if not isinstance(value, str):
        missing = value is None or (isinstance(value, float) and math.isnan(value))
        return Level.of(None if missing else value)
    if value in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return Level.of(value.lower() == "true")
    try:
        number = float(value)
    except ValueError:
        return Level.of(value)
    if not math.isfinite(number):
        return Level.of(value)
    plain = int(number) if number.is_integer() and abs(number) < 1e15 else number
    return Level.of(plain if value in (str(plain), str(number)) else value)


def _check(table: Table, roles: Roles) -> None:
    """Check that the columns exist, that each has one role, and that one of a run's rows can be chosen."""
    options: tuple[tuple[str, Sequence[str | None]], ...] = (
        ("--blocks", [roles.blocks]),
        ("--factors", roles.factors or ()),
        ("--seed", [roles.seed]),
        ("--metric", roles.metrics or ()),
        ("--run", [roles.run]),
        ("--step-column", [roles.step]),
        ("--status", [roles.status]),
        ("--lower-is-better", roles.lower_is_better),
    )
    for option, columns in options:
        table.require(option, [column for column in columns if column is not None])
    named = [*(roles.factors or ()), *filter(None, [roles.seed]), *(roles.metrics or ())]
    if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
        raise UsageError(
            f"{table.source}: the column {twice[0]} is named twice among --factors, --seed and --metric; name it once."
        )
    if roles.at_step is not None and roles.step is None:
        raise UsageError(
            f"--step {roles.at_step}: which column is the step? Name it with --step-column; available: {table.listed()}."
        )
    if roles.step is not None and roles.seed is None and roles.run is None:
        raise UsageError(
            f"{table.source} has a row for each {roles.step}, and nothing says which rows are one run: name the column with "
            f"the seed (--seed) or with the run (--run); available: {table.listed()}."
        )


def _levels(table: Table, key: str) -> pd.Series:
    column = table.frame[key]
    comma = table.decimal == ","
    known = {
        value: level_of(value.replace(",", ".") if comma and re.fullmatch(r"[+-]?\d+,\d+", str(value)) else value)
        for value in column.unique()
        if value != ""  # an absent value, which pandas writes so
    }
    missing = Level.of(None)
    return pd.Series([known.get(value, missing) for value in column], column.index, dtype=object)


def _cells(levels: pd.DataFrame) -> tuple[list[Cell], pd.Series]:
    """The distinct cells in the order of their first row, and for each row which of them it is in."""
    keys = [str(key) for key in levels]
    rows = list(zip(*(levels[key] for key in keys), strict=True)) or [()] * len(levels)
    number = {row: at for at, row in enumerate(dict.fromkeys(rows))}
    cells = [Cell(dict(zip(keys, row, strict=True))) for row in number]
    return cells, pd.Series([number[row] for row in rows], levels.index)


def _ids(table: Table, roles: Roles, seed: str | None) -> pd.Series:
    """What tells the runs of a cell apart: the seed, otherwise the name of the run, otherwise the row."""
    if seed is None:
        return table.frame[roles.run] if roles.run else pd.Series(range(len(table.frame)), table.frame.index)
    column = table.frame[seed]
    if pd.api.types.is_integer_dtype(column):
        return column
    texts = column.map(lambda value: "" if pd.isna(value) else str(value))
    if (texts == "").any():
        at = int((texts == "").to_numpy().argmax())
        raise UsageError(
            f"{table.places[at]}: {seed} is empty; every run needs a seed, because runs are paired by seed. "
            f"Without seeds, use --seed {NO_SEED}: the runs are then compared unpaired."
        )
    whole = texts.str.fullmatch(r"\d{1,18}(\.0+)?")
    if whole.any() and (summary := texts.str.fullmatch(SUMMARY, case=False)).any():
        at = int(summary.to_numpy().argmax())
        raise UsageError(
            f"{table.places[at]}: {seed} is {texts.iloc[at]!r}, so this row is a summary of others. A comparison needs the "
            "runs alone: delete such rows."
        )
    return texts.str.partition(".")[0].astype(int) if whole.all() else texts


def _pairs(cell_of: pd.Series, ids: pd.Series) -> bool:
    """Whether some seed is in more than one cell."""
    return bool(pd.DataFrame({"cell": cell_of, "id": ids}).drop_duplicates()["id"].duplicated().any())


def _numbers(table: Table, metric: str) -> Numbers:
    found = parse_metric(table.frame[metric], table.decimal)
    if found.wrong is None and not found.percent and _IN_PERCENT.search(metric):
        return replace(found, values=found.values / 100, percent=True, notes=(*found.notes, "percentages, read as fractions"))
    if found.wrong is None:
        return found
    at = int((table.frame[metric].astype(str).str.strip() == found.wrong).to_numpy().argmax())
    where = f"{table.places[at]}: {metric} is {found.wrong!r}"
    if found.several:
        raise UsageError(
            f"{where}, {found.several}. A comparison needs the runs themselves: one row for each run, with its levels, its "
            f"seed and its own {metric}."
        )
    if found.percent:
        raise UsageError(f"{where}, and other rows have percent signs; write all of them in the same way.")
    others = [name for name in table.columns if name != metric and is_numeric(table.frame[name], table.decimal)]
    raise UsageError(
        f"{where}; it should be a number, empty for a run without a value, or nan, N/A or failed for a lost run. Columns of "
        f"numbers: {', '.join(others) or 'none'}."
    )


def _absent(cell_of: pd.Series, ids: pd.Series) -> list[str]:
    """A caveat if configurations that pair with others lack some of their seeds."""
    pairs = pd.DataFrame({"cell": cell_of, "id": ids}).drop_duplicates()
    counts = pairs["cell"].value_counts()
    if counts.max() == counts.min() or not pairs["id"].duplicated().any():
        return []
    return [ABSENT.format(int(counts.max()), int(counts.min()))]


def _mixed_units(table: Table, values: pd.DataFrame, numbers: Mapping[str, Numbers]) -> Iterator[str]:
    """A caveat for each accuracy of which several values seem to be fractions and several percentages."""
    for name, found in numbers.items():
        finite = values[name][np.isfinite(values[name]) & (values[name] > 0)]
        fractions, others = finite[finite <= 1], finite[finite > 1.5]
        is_share = MetricSpec.guess(name).is_fraction or bool(_SHARES & frozenset(re.split(r"[^a-z0-9]+", name.lower())))
        fraction = is_share and not found.percent and not _NOT_A_FRACTION.search(name)
        if fraction and min(len(fractions), len(others)) > 1:
            first, other = (f"{each.iloc[0]:g} in {table.places[int(each.index[0])]}" for each in (fractions, others))
            yield f"{name} may mix fractions and percentages: it is {first}, and {other}."


def _spelled_alike(factors: Mapping[str, Factor]) -> Iterator[str]:
    """A caveat for levels that may be one, such as `Ours` and `ours`, or `1e-3` and `0.001`."""
    for key, factor in factors.items():
        spellings: dict[float | str, list[str]] = {}
        for text in (level.text for level in factor.levels):
            try:
                spelling: float | str = number_in(text)
            except ValueError:
                spelling = " ".join(re.split(r"[\s_-]+", text.casefold().strip()))
            spellings.setdefault(spelling, []).append(text)
        for alike in (texts for texts in spellings.values() if len(texts) > 1):
            yield f"{key}: {' and '.join(alike)} are {len(alike)} levels; if they mean the same, write them in the same way."


def _seeds_spelled_alike(seed: str, ids: pd.Series) -> list[str]:
    """A caveat for seeds that may be one, such as `3` and `seed_3`: they do not pair."""
    spellings: dict[int, list[str]] = {}
    for text in map(str, ids.unique()):
        if match := re.fullmatch(r"\D*(\d{1,18})", text):
            spellings.setdefault(int(match[1]), []).append(text)
    alike = [texts for texts in spellings.values() if len(texts) > 1]
    if not alike:
        return []
    more = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
    return [f"{seed}: {' and '.join(alike[0])} are different seeds{more}; if they are one, write them in the same way."]


def _one_row_a_run(
    table: Table, roles: Roles, rows: Rows, seed: str | None, cells: Sequence[Cell], cell_of: pd.Series, ids: pd.Series
) -> tuple[Rows, list[str]]:
    """Reduce the rows to one for each run; also sentences about what was done."""
    replicate = "seed" if seed is not None else "run"
    caveats, how = [], roles.duplicates
    way_out = f"Add the column that distinguishes them to --factors; available: {table.listed()}."
    if roles.step is not None and roles.at_step is None:
        way_out = f"If {roles.step} is the step of a curve, use --step last, or mean, max, min. {way_out}"

    def label(at: int) -> str:
        place = rows.key.index[at]
        return f"{cells[cell_of[place]].label}, {replicate} {ids[place]}"

    if roles.step is not None and roles.at_step is not None:
        steps = parse(table.frame[roles.step], table.decimal)
        if steps.wrong is not None:
            raise UsageError(f"--step-column {roles.step}: {steps.wrong!r} is not a number; available: {table.listed()}.")
        both = pd.Series(pd.MultiIndex.from_arrays([rows.key, steps.values]).factorize()[0], rows.key.index)
        once, said = rows_of_runs.without_duplicates(replace(rows, key=both), label, how, way_out)
        caveats += [said] if said else []
        rows, said = rows_of_runs.at_step(replace(once, key=rows.key[once.key.index]), steps.values, roles.at_step)
        caveats.append(said)
    rows, said = rows_of_runs.without_duplicates(rows, label, how, way_out)
    return rows, [*caveats, *([said] if said else [])]


def _factor(table: Table, key: str, levels: pd.Series, baseline: Mapping[str, object]) -> Factor:
    factor = Factor.of(key, levels.unique())
    if len(factor) < 2:
        raise UsageError(
            f"--factors {key}: it is {factor.baseline} in every row of {table.source}; a factor needs two levels. "
            f"Available: {table.listed()}."
        )
    if key not in baseline:
        return factor
    try:
        first = factor.level(level_of(baseline[key]))
    except UsageError as error:
        raise UsageError(f"--baseline {key}={baseline[key]}: {error}") from None
    return Factor.of(key, [first, *factor.levels])


def _facts(table: Table, others: Sequence[str]) -> dict[str, Level]:
    constant = [
        name
        for name in table.columns
        if name not in others and table.may_be(name, "config") and len(table.frame[name].drop_duplicates()) == 1
    ]
    return common([{name: level_of(table.frame[name].iloc[0]) for name in constant}])


def _metrics(names: Sequence[str], numbers: Mapping[str, Numbers], roles: Roles) -> Metrics:
    found = dict(Metrics().completed(names))
    for name, spec in found.items():
        if numbers[name].percent:
            spec = replace(spec, unit="%", title="", digits=spec.digits or 1)
        if name in roles.lower_is_better:
            spec = replace(spec, better="lower")
        found[name] = spec
    return Metrics(found)
