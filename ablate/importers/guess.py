"""Guess the roles of the columns that nobody named: factors, seed, metrics, step and status."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ablate.core.errors import UsageError
from ablate.core.main_metric import data_rank
from ablate.core.metrics import MetricSpec
from ablate.importers import guess_factors, status
from ablate.importers.column_names import (
    BLOCKS,
    FACTOR_PREFIX,
    IN_SEED_COLUMN,
    METRIC_PREFIX,
    OTHERS,
    RUNS,
    SEED_COLUMN,
    SUCCESS,
    is_decimal,
    is_seed,
    is_spread,
    rank,
    short,
)
from ablate.importers.metric_files import STEPS
from ablate.importers.numbers import SUMMARY, is_numeric, parse, parse_metric
from ablate.importers.own_tables import BOOKKEEPING, is_of_runs
from ablate.importers.table import NO_SEED, Roles, Table
from ablate.importers.wide import WITH_SUMMARY, melted, numbered

LISTED = 8  # names in the sentence
SAMPLE = 200  # fields by which a column is judged


def completed(table: Table, roles: Roles) -> tuple[Table, Roles, str]:
    """Fill in the roles that are None.

    The seed is a column with a usual name. Metrics are columns of numbers with the name of a metric, otherwise columns of
    decimal numbers that are nearly all different. Factors are the other columns that vary and repeat, without identifiers,
    times, and columns that say the same as an earlier one. Without any, a column of names that are all different is the factor.

    Args:
        table: of foreign results.
        roles: as far as the user named them.

    Returns:
        The table (a wide one is melted; with caveats), the roles, and what was found as one sentence, empty if nothing was
        guessed.

    Raises:
        UsageError: if no metric or no factor is found; the message lists the columns.
    """
    roles = asked = roles.renamed(table)
    for option, column in (
        ("--seed", roles.seed),
        ("--run", roles.run),
        ("--step-column", roles.step),
        ("--status", roles.status),
    ):
        if column not in (None, NO_SEED) and roles.wide is None:
            table.require(option, [column])
    if roles.wide is not None:
        table, roles = melted(table, _with_factors_of_wide(table, roles))
        asked = replace(asked, seed=roles.seed, factors=asked.factors and roles.factors)  # the notes have the melted columns
    elif roles.metrics is None and not table.kinds:
        _refuse_columns_of_seeds(table)
        _refuse_rows_of_metrics(table, roles)
    if roles.status is None:
        roles = replace(roles, status=_status(table, roles))
    if roles.seed is None:
        free = [name for name in table.columns if name not in roles.named and table.may_be(name, "config")]
        seeds = [name for name in free if is_seed(table, name)]
        most = {name: -len(table.frame[name].drop_duplicates()) for name in seeds}
        roles = replace(roles, seed=min(seeds, key=lambda name: (rank(name), most[name]), default=NO_SEED))
    if roles.step is None and not table.kinds:
        named = [name for usual in STEPS for name in table.columns if short(name) == usual and name not in roles.named]
        roles = replace(roles, step=next((name for name in named if roles.at_step or _repeats(table, roles, name)), None))
    if roles.run is None and roles.seed == NO_SEED:
        names = [name for name in table.columns if RUNS.fullmatch(short(name)) and name not in roles.named]
        roles = replace(roles, run=next((name for name in names if roles.step is not None), None))
    if roles.metrics is None:
        roles = replace(roles, metrics=_metrics(table, roles))
    if roles.factors is None:
        factors, left_out, confounded = guess_factors.factors(table, roles)
        roles = replace(roles, factors=factors)
        table = replace(table, caveats=(*table.caveats, *confounded, *_of_summaries(table, roles)))
    else:
        left_out = []
    return table, roles, _sentence(asked, roles, left_out)


def _refuse_columns_of_seeds(table: Table) -> None:
    """Refuse a table with a column for each seed, whose columns would be taken for so many metrics."""
    names = [name for name in table.columns if SEED_COLUMN.fullmatch(name)]
    if not any(is_seed(table, name) for name in table.columns):
        names += [name for name in table.columns if IN_SEED_COLUMN.fullmatch(name)]
    names = [name for name in names if is_numeric(table.frame[name], table.decimal)]
    if len(names) > 1:
        raise UsageError(
            f"{table.source}: there is a column for each seed ({names[0]} … {names[-1]}). Use `--wide seed --metric NAME`, "
            f"NAME being what the values are, such as accuracy. Available: {table.listed()}."
        )


def _refuse_rows_of_metrics(table: Table, roles: Roles) -> None:
    """Refuse a table with a row for each metric of a run, whose column of names would be taken for a factor."""
    free = [name for name in table.columns if name not in roles.named and not FACTOR_PREFIX.match(name)]
    if any(_named_as_outcome(name) and is_numeric(table.frame[name], table.decimal) for name in free):
        return
    for name in (each for each in free if re.fullmatch("metric|metric_?name|measure", short(each))):
        levels = [str(level) for level in table.frame[name].unique()]
        if len(levels) > 1 and any(MetricSpec.guess(level).better for level in levels):
            raise UsageError(
                f"{table.source}: there is a row for each {name} ({', '.join(levels[:LISTED])}). Write a column for each "
                "(such as with `pivot` of pandas), or keep the rows of one."
            )


def _status(table: Table, roles: Roles) -> str | None:
    """The column of the status: `status` in any case, or another usual name if a word in it is known."""
    for usual in status.COLUMNS:
        for name in table.columns:
            if name.lower() == usual and name not in roles.named:
                words = [str(word) for word in table.frame[name].unique() if str(word).strip()]
                if usual == "status" or any(status.status_of(word) for word in words):
                    return name
    return None


def _repeats(table: Table, roles: Roles, step: str) -> bool:
    """Whether the rows of a run have different steps: rows that are otherwise equal, but for metrics."""
    if not table.frame[step].astype(str).str.fullmatch(r"\d+(\.\d+)?").any():
        return False
    keys = [name for name in table.columns if name != step and not is_decimal(table, name) and not OTHERS.fullmatch(name)]
    keys = [name for name in keys if name not in (roles.metrics or ())]
    return bool(table.frame[keys].astype(str).duplicated().any()) if keys else len(table.frame) > 1


def _metrics(table: Table, roles: Roles) -> tuple[str, ...]:
    free = [name for name in table.columns if name not in roles.named and not FACTOR_PREFIX.match(name)]
    free = [name for name in free if table.may_be(name, "metric") and not (is_of_runs(table) and name in BOOKKEEPING)]
    free = [name for name in free if name in table.kinds] or free
    numbers = {
        name: (parse_metric if SUCCESS.fullmatch(short(name)) else parse)(table.frame[name], table.decimal) for name in free
    }
    for name, found in numbers.items():
        if found.several == SUMMARY:
            return (name,)  # which is then refused, with the reason
    numeric = {name: each.values for name, each in numbers.items() if each.wrong is None and np.isfinite(each.values).any()}
    prefixed = [name for name in numeric if METRIC_PREFIX.match(name) and not table.kinds]
    other = [name for name in numeric if OTHERS.fullmatch(short(name)) and short(name) != "error"]  # a message has words
    known = [name for name in numeric if MetricSpec.guess(short(name)).better is not None and name not in other]
    known = [name for name in known if not _is_switch(numeric[name])] or known  # focal_loss: 0 or 1
    if found_names := prefixed or [name for name in known if MetricSpec.guess(short(name)).role == "outcome"]:
        return tuple(sorted(found_names, key=lambda name: data_rank(name, found_names)))
    if certain := [name for name in numeric if name in table.kinds]:
        return tuple(name for name in certain if short(name) not in STEPS) or tuple(certain)
    others = [name for name in numeric if not OTHERS.fullmatch(name)]
    scattered = [name for name in others if len(numeric[name].drop_duplicates()) > len(table.frame) / 2]
    if scattered:
        return tuple(scattered)
    named = [name for name in free if _named_as_outcome(name) and numbers[name].wrong]
    if unreadable := [name for name in named if numbers[name].several or _has_numbers(table, name)]:
        return (unreadable[0],)  # which is then refused, with the reason
    if others:
        return (others[-1],)
    raise UsageError(f"{table.source}: no column looks like a metric; name one with --metric. Available: {table.listed()}.")


def _named_as_outcome(name: str) -> bool:
    return (spec := MetricSpec.guess(short(name))).better is not None and spec.role == "outcome"


def _has_numbers(table: Table, name: str) -> bool:
    """Whether most fields of a column are numbers, each taken by itself."""
    fields = table.frame[name].map(str)
    return sum(parse(fields[[at]], table.decimal).wrong is None for at in fields.index[:SAMPLE]) > min(len(fields), SAMPLE) / 2


def _is_switch(numbers: pd.Series) -> bool:
    """Whether numbers are 0 and 1: a component that is off or on."""
    return set(numbers[np.isfinite(numbers)]) == {0.0, 1.0}


def _with_factors_of_wide(table: Table, roles: Roles) -> Roles:
    """The factors of a wide table, unless they are named: its columns of texts, or those of numbers that are not of seeds."""
    if roles.factors is not None:
        return roles
    texts = [name for name in table.columns if name not in roles.named and parse(table.frame[name], table.decimal).wrong]
    varying = [name for name in texts if len(table.frame[name].drop_duplicates()) > 1 and name.lower() not in status.COLUMNS]
    if not varying and roles.wide in ("seed", roles.seed):  # lr, seed_0, seed_1: the numbers that are not of seeds
        numbers = [
            name for name in table.columns if name not in roles.named and name not in texts and not WITH_SUMMARY.search(name)
        ]
        values = numbered(numbers)
        others = [name for name in numbers if name not in values and not OTHERS.fullmatch(short(name))]
        varying = [name for name in others if len(table.frame[name].unique()) > 1 and MetricSpec.guess(name).role != "cost"]
    return replace(roles, factors=tuple(varying))


def _of_summaries(table: Table, roles: Roles) -> list[str]:
    """A caveat where rows seem to be means: they have a column of standard deviations, and no seed."""
    names = [name for name in table.columns if name not in roles.named and is_spread(table, name)]
    if roles.seed != NO_SEED or not names:
        return []
    return [
        f"{names[0]} is not used: if the rows are means of several runs, each counts as one run here. Use the runs themselves."
    ]


def _sentence(asked: Roles, roles: Roles, left_out: Sequence[str]) -> str:
    """What was guessed."""
    parts = []
    if asked.factors is None:
        parts.append(f"factors {_listed(roles.factors or ())}")
    if asked.seed is None:
        parts.append("no column of seeds" if roles.seed == NO_SEED else f"seed {roles.seed}")
    if asked.metrics is None:
        parts.append(f"metric{'s' if len(roles.metrics or ()) > 1 else ''} {_listed(roles.metrics or ())}")
    if asked.step is None and roles.step is not None:
        parts.append(f"step {roles.step}")
    if asked.run is None and roles.run is not None:
        parts.append(f"run {roles.run}")
    if asked.status is None and roles.status is not None:
        parts.append(f"status {roles.status}")
    if left_out:
        parts.append(f"not a factor: {_listed(left_out)}")
    places = [name for name in roles.factors or () if short(name) in BLOCKS and asked.factors is None and asked.blocks is None]
    if places and len(roles.factors or ()) > 1:
        parts.append(f"if {places[0]} is no treatment, use --blocks {places[0]}")
    return f"{'; '.join(parts)}" if parts else ""


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
