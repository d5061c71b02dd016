"""Wide tables: a column for each seed, or for each level of a factor."""

from __future__ import annotations

import re
from dataclasses import replace

from ablate.core.errors import UsageError
from ablate.importers.numbers import is_numeric
from ablate.importers.table import NO_SEED, Roles, Table

VALUE = "value"  # the metric, unless it is named
SUMMARY = "mean|avg|average|median|std|sd|stdev|stderr|sem|se|var|ci|min|max|n|rank"
WITH_SUMMARY = re.compile(rf"(^|[\W_])({SUMMARY})([\W_]|$)", re.I)
_OF_SUMMARY = set(f"{SUMMARY}|dev|deviation|err|error|low|high|lower|upper|95".split("|"))  # words of std_dev, 95% CI
_NUMBERED = re.compile(r"(.*?)(\d+)\D*")


def melted(table: Table, roles: Roles) -> tuple[Table, Roles]:
    """Turn the columns without a role into rows, as `Roles.wide` asks.

    `wide="seed"` (or the name given to `seed`) makes a column of seeds: of columns such as `seed_0`, the numbers. Any other
    name makes a factor of that name, whose levels are the names of the columns. Summaries, such as a column `mean`, are left
    out. A note names all columns that have no role and are left out.

    Args:
        table: one row for each cell, or for each seed.
        roles: of its columns; `metrics` names the values.

    Returns:
        The long table, and the roles of its columns.

    Raises:
        UsageError: if fewer than two columns can be melted.
    """
    assert roles.wide is not None
    of_seeds = roles.wide in ("seed", roles.seed)
    new = roles.seed if of_seeds and roles.seed not in (None, NO_SEED) else roles.wide
    metric = (roles.metrics or (VALUE,))[0]
    kept_roles = {*(roles.factors or ()), roles.blocks, roles.status, roles.step, roles.run, None if of_seeds else roles.seed}
    free = [name for name in table.columns if name not in kept_roles]
    columns = [name for name in free if is_numeric(table.frame[name], table.decimal)]
    if of_seeds:
        columns = [name for name in columns if not WITH_SUMMARY.search(name)]
    else:
        columns = [name for name in columns if not _is_summary(name, metric)]
    seed_columns = [name for name in columns if re.fullmatch(r"seed|fold|rep\w*|trial|run", name, re.I)]
    columns = [name for name in columns if name not in seed_columns]
    if of_seeds:
        columns = numbered(columns)
    elif len(varying := [name for name in columns if len(table.frame[name].drop_duplicates()) > 1]) > 1:
        columns = varying  # a constant column is a setting
    if len(columns) < 2:
        raise UsageError(
            f"--wide {roles.wide}: {table.source} has no two columns of numbers without another role; its columns are "
            f"{table.listed()}. Name the columns with levels in --factors, so that the others hold the values."
        )
    rest = [name for name in table.columns if name not in columns]
    if new in rest or metric in rest:
        raise UsageError(
            f"--wide {roles.wide}: {table.source} has a column {new if new in rest else metric} already; "
            "choose another name for --wide and --metric, or leave --wide out."
        )
    long = table.frame.melt(id_vars=rest, value_vars=columns, var_name=new, value_name=metric)
    if of_seeds:
        long[new] = long[new].map(_seeds(columns))
    places = [f"{place}, column {name}" for name in columns for place in table.places]
    factors = roles.factors
    if not of_seeds:
        factors = (*(factors or ()), *(() if new in (factors or ()) else (new,)))
    seed = new if of_seeds else roles.seed
    if not of_seeds and seed is None and len(seed_columns) == 1:
        seed = seed_columns[0]
    left_out = [name for name in free if name not in columns and name != seed]
    note = f"{len(columns)} columns melted into {new} ({columns[0]} … {columns[-1]})"
    note += f"; not melted: {', '.join(left_out)}" if left_out else ""
    return (
        replace(table, frame=long, places=places, notes=(*table.notes, note)),
        replace(roles, wide=None, factors=factors, seed=seed, metrics=(metric,)),
    )


def _is_summary(name: str, metric: str) -> bool:
    """Whether a column that could be a level is a summary: `mean` and `acc_std` (of the metric `acc`), but not `max_pool`."""
    words, of_metric = (set(re.findall(r"[^\W\d_]+|\d+", text.lower())) for text in (name, metric))
    return WITH_SUMMARY.search(name) is not None and words <= _OF_SUMMARY | of_metric


def numbered(columns: list[str]) -> list[str]:
    """The columns that differ in a number alone, such as `seed_0` and `seed_1`; all of them if no two do."""
    families: dict[str, list[str]] = {}
    for name in columns:
        if match := _NUMBERED.fullmatch(name):
            families.setdefault(match[1], []).append(name)
    largest = max(families.values(), key=len, default=[])
    return largest if len(largest) > 1 else columns


def _seeds(columns: list[str]) -> dict[str, str]:
    """The seed of each column: its number if all have different ones, otherwise its name."""
    matches = {name: _NUMBERED.fullmatch(name) for name in columns}
    numbers = {name: match[2] for name, match in matches.items() if match}
    return numbers if len(set(numbers.values())) == len(columns) else {name: name for name in columns}
