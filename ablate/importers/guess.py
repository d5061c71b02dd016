"""Guess the roles of the columns that nobody named: factors, seed, metrics, step and status."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.importers import status
from ablate.importers.numbers import is_numeric, parse
from ablate.importers.table import NO_SEED, Roles, Table
from ablate.importers.wide import melted

# Usual names in lower case, the part after the last dot or slash; the earlier ones of SEEDS come first. BLOCKS are factors that
# are seldom a treatment
SEEDS = ("seed", "random_seed", "rng_seed", "random_state", "fold", "split", "replicate", "replication", "repeat", "repetition",
         "rep", "trial", "run")  # fmt: skip
STEPS = ("step", "_step", "global_step", "epoch", "iteration", "iter", "timestep", "timesteps", "env_steps", "total_steps")
_RUNS = re.compile(r"(run|trial|experiment|job|task)?[ _-]?(id|uuid|name)|name|run|trial", re.I)
_OTHERS = re.compile(
    r"(.*[\W_])?(id|uuid|index|date|time|timestamp|start(ed)?|end(ed)?|created(_at)?|updated(_at)?|duration|runtime|seconds|"
    r"host(name)?|user(name)?|git|commit|sha|path|dir(ectory)?|folder|file|url|uri|notes?|comments?|tags?|gpu|node)|"
    r"unnamed: ?\d*|_.*|.*_at|(error|left_out)",
    re.I,
)
_METRIC_PREFIX = re.compile(r"(metrics?|summary|results?|scores?)[./]", re.I)
_FACTOR_PREFIX = re.compile(r"(params?|config|hparams?|hyperparameters?|args?)[./]", re.I)
_SEED_COLUMN = re.compile(r"(((.+[ _-])?(random|rng)?[ _-]?seed|(.+[ _-])?(fold|run|rep\w*|trial))[ _-]?)?\d+", re.I)
BLOCKS = ("dataset", "data_set", "data", "task", "benchmark", "env", "environment", "game", "domain", "corpus", "language")
LISTED = 8  # names in the sentence
SAMPLE = 200  # fields by which a column is judged
_DATA = (  # words for the data that a result is on
    frozenset({"test"}),
    frozenset({"val", "valid", "validation", "dev", "eval"}),
    frozenset({"train", "training"}),
)


def completed(table: Table, roles: Roles) -> tuple[Table, Roles, str]:
    """Fill in the roles that are None.

    The seed is a column with a usual name. Metrics are columns of numbers with the name of a metric, otherwise columns of
    decimal numbers that are nearly all different. Factors are the other columns that vary and repeat, without identifiers,
    times, and columns that say the same as an earlier one.

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
    if roles.wide is not None:
        table, roles = melted(table, _with_factors_of_wide(table, roles))
        asked = replace(asked, seed=roles.seed, factors=asked.factors and roles.factors)  # the notes have the melted columns
    elif roles.metrics is None and not table.kinds:
        _refuse_columns_of_seeds(table)
    if roles.status is None:
        roles = replace(roles, status=_status(table, roles))
    if roles.seed is None:
        free = [name for name in table.columns if name not in roles.named and table.may_be(name, "config")]
        seeds = [name for name in free if _is_seed(table, name)]
        most = {name: -len(table.frame[name].drop_duplicates()) for name in seeds}
        roles = replace(roles, seed=min(seeds, key=lambda name: (_rank(name), most[name]), default=NO_SEED))
    if roles.step is None and not table.kinds:
        named = [name for usual in STEPS for name in table.columns if _short(name) == usual and name not in roles.named]
        roles = replace(roles, step=next((name for name in named if roles.at_step or _repeats(table, roles, name)), None))
    if roles.run is None and roles.seed == NO_SEED:
        names = [name for name in table.columns if _RUNS.fullmatch(_short(name)) and name not in roles.named]
        roles = replace(roles, run=next((name for name in names if roles.step is not None), None))
    if roles.metrics is None:
        roles = replace(roles, metrics=_metrics(table, roles))
    if roles.factors is None:
        factors, left_out, confounded = _factors(table, roles)
        roles = replace(roles, factors=factors)
        table = replace(table, caveats=(*table.caveats, *confounded))
    else:
        left_out = []
    return table, roles, _sentence(asked, roles, left_out)


def _refuse_columns_of_seeds(table: Table) -> None:
    """Refuse a table with a column for each seed, whose columns would be taken for so many metrics."""
    names = [name for name in table.columns if _SEED_COLUMN.fullmatch(name) and is_numeric(table.frame[name], table.decimal)]
    if len(names) > 1:
        raise UsageError(
            f"{table.source}: there is a column for each seed ({names[0]} … {names[-1]}). Use `--wide seed --metric NAME`, "
            f"NAME being what the values are, such as accuracy. Available: {table.listed()}."
        )


def _short(name: str) -> str:
    return re.split(r"[./]", name)[-1].strip().lower()


def _status(table: Table, roles: Roles) -> str | None:
    """The column of the status: `status` in any case, or another usual name if a word in it is known."""
    for usual in status.COLUMNS:
        for name in table.columns:
            if name.lower() == usual and name not in roles.named:
                words = [str(word) for word in table.frame[name].unique() if str(word).strip()]
                if usual == "status" or any(status.status_of(word) for word in words):
                    return name
    return None


def _words(name: str) -> str:
    return re.sub(r"[\W_]+", "_", _short(name))


def _rank(name: str) -> int:
    """The place of the name of a seed among the usual ones; others, such as `train_seed`, come last."""
    return SEEDS.index(_words(name)) if _words(name) in SEEDS else len(SEEDS)


def _is_seed(table: Table, name: str) -> bool:
    """Whether a column may be the seed: of those not called a seed, integers (`1`, `fold1`) that several rows share."""
    usual, column = _words(name), table.frame[name]
    if "seed" in usual.split("_"):
        return usual in SEEDS or len(column.drop_duplicates()) > 1
    numbered = column.astype(str).str.fullmatch(rf"({usual}[ _-]?)?\d+(\.0+)?", case=False).all() and usual in SEEDS
    return bool(numbered) and 1 < len(column.drop_duplicates()) < len(column)


def _repeats(table: Table, roles: Roles, step: str) -> bool:
    """Whether the rows of a run have different steps: rows that are otherwise equal, but for metrics."""
    if not table.frame[step].astype(str).str.fullmatch(r"\d+(\.\d+)?").any():
        return False
    keys = [name for name in table.columns if name != step and not _is_decimal(table, name) and not _OTHERS.fullmatch(name)]
    keys = [name for name in keys if name not in (roles.metrics or ())]
    return bool(table.frame[keys].astype(str).duplicated().any()) if keys else len(table.frame) > 1


def _is_decimal(table: Table, name: str) -> bool:
    """Whether a column holds numbers that are not all integers."""
    numbers = parse(table.frame[name], table.decimal)
    finite = numbers.values[np.isfinite(numbers.values)]
    return numbers.wrong is None and bool((finite % 1 != 0).any())


def _metrics(table: Table, roles: Roles) -> tuple[str, ...]:
    free = [name for name in table.columns if name not in roles.named and not _FACTOR_PREFIX.match(name)]
    free = [name for name in free if table.may_be(name, "metric")]
    free = [name for name in free if name in table.kinds] or free
    numbers = {name: parse(table.frame[name], table.decimal) for name in free}
    for name, found in numbers.items():
        if found.summary:
            return (name,)  # which is then refused, with the reason
    numeric = {name: each.values for name, each in numbers.items() if each.wrong is None and np.isfinite(each.values).any()}
    prefixed = [name for name in numeric if _METRIC_PREFIX.match(name) and not table.kinds]
    other = [name for name in numeric if _OTHERS.fullmatch(_short(name)) and _short(name) != "error"]  # a message has words
    known = [name for name in numeric if MetricSpec.guess(_short(name)).better is not None and name not in other]
    known = [name for name in known if not _is_switch(numeric[name])] or known  # focal_loss: 0 or 1
    if found_names := prefixed or [name for name in known if MetricSpec.guess(_short(name)).role == "outcome"]:
        return tuple(sorted(found_names, key=lambda name: _split(name, found_names)))
    if certain := [name for name in numeric if name in table.kinds]:
        return tuple(name for name in certain if _short(name) not in STEPS) or tuple(certain)
    others = [name for name in numeric if not _OTHERS.fullmatch(name)]
    scattered = [name for name in others if len(numeric[name].drop_duplicates()) > len(table.frame) / 2]
    if scattered:
        return tuple(scattered)
    if unreadable := [name for name in free if _named_as_outcome(name) and numbers[name].wrong and _has_numbers(table, name)]:
        return (unreadable[0],)  # which is then refused, with the reason
    if others:
        return (others[-1],)
    raise UsageError(f"{table.source}: no column looks like a metric; name one with --metric. Available: {table.listed()}.")


def _named_as_outcome(name: str) -> bool:
    return (spec := MetricSpec.guess(_short(name))).better is not None and spec.role == "outcome"


def _has_numbers(table: Table, name: str) -> bool:
    """Whether most fields of a column are numbers, each taken by itself."""
    fields = table.frame[name].map(str)
    return sum(parse(fields[[at]], table.decimal).wrong is None for at in fields.index[:SAMPLE]) > min(len(fields), SAMPLE) / 2


def _is_switch(numbers: pd.Series) -> bool:
    """Whether numbers are 0 and 1: a component that is off or on."""
    return set(numbers[np.isfinite(numbers)]) == {0.0, 1.0}


def _split(name: str, others: Iterable[str]) -> int:
    """Results on test data come first, then on validation data, and those on training data last.

    Without a word for the data, a result is one on training data if only another column has it on other data: `accuracy` beside
    `val_accuracy`, as Keras names them.
    """
    words = _words_of(name)
    if (found := _data_of(words)) is not None:
        return found
    elsewhere = {_data_of(other) for other in map(_words_of, others) if other - frozenset().union(*_DATA) == words} - {None}
    return 2 if elsewhere and 2 not in elsewhere else 1


def _data_of(words: frozenset[str]) -> int | None:
    return next((at for at, group in enumerate(_DATA) if group & words), None)


def _words_of(name: str) -> frozenset[str]:
    return frozenset(filter(None, re.split(r"[^a-z]+", name.lower())))


def _factors(table: Table, roles: Roles) -> tuple[tuple[str, ...], list[str], list[str]]:
    """The factors; other columns that vary and might be meant, each with the reason against it; caveats about settings.

    A caveat names the settings that a tool has recorded whose effect cannot be told from that of a factor.
    """
    found: list[str] = []
    left_out, caveats = [], []
    seen: dict[str, pd.Series] = {}
    taken = [name for name in roles.named if name != roles.blocks]
    free = [name for name in table.columns if name not in taken and not _METRIC_PREFIX.match(name)]
    for name in (name for name in free if table.may_be(name, "config")):
        if roles.seed == NO_SEED and _is_seed(table, name):
            left_out.append(f"{name} (runs are not paired)")
            continue
        codes = pd.Series(table.frame[name].map(str).factorize()[0])
        levels, runs = int(codes.max()) + 1, len(table.frame)
        if levels < 2:
            continue
        spec = MetricSpec.guess(_short(name))
        cost = spec.role == "cost" and is_numeric(table.frame[name], table.decimal)
        counts = _short(name) in STEPS and is_numeric(table.frame[name], table.decimal)  # how far a run came is no factor
        if name not in table.kinds and (_OTHERS.fullmatch(_short(name)) or cost or counts):
            if levels < runs:
                left_out.append(f"{name} (by its name; a factor with --factors)")
        elif name not in table.kinds and spec.better is not None and _is_decimal(table, name):
            continue
        elif levels == runs or (levels > runs / 2 and _is_decimal(table, name)):
            left_out.append(f"{name} (different in every run)")
        elif twin := next((other for other, theirs in seen.items() if _alike(codes, theirs)), None):
            left_out.append(f"{name} (changes together with {twin})")
            if name in table.kinds:
                caveats.append(f"{name} changes together with {twin}: their effects cannot be told apart.")
        else:
            found.append(name)
            seen[name] = codes
    for name in _results_among(table, found, roles.seed):
        found.remove(name)
        left_out.append(f"{name} (a result: it differs between the seeds of a configuration)")
        caveats.append(f"{name} is taken for a result, because it differs between the seeds of a configuration.")
    if not found:
        raise UsageError(
            f"{table.source}: no column looks like a factor (the same level in several rows); name one with --factors. "
            "If there is a column for each seed or for each level of a factor, use `--wide seed` or `--wide NAME`, such as "
            f"`--wide method`. Available: {table.listed()}."
        )
    return tuple(found), left_out, caveats[:LISTED]


def _results_among(table: Table, factors: Sequence[str], seed: str | None) -> list[str]:
    """Columns of integers, such as `best_epoch`, that vary between the seeds of the cells of the others.

    The others tell all runs apart, most seeds are in most of their cells, the seed alone does not decide the value, and the
    values do not group the seeds in nearly the same way in all cells, as where a baseline was trained with other seeds.
    """
    if seed is None or seed == NO_SEED:
        return []
    frame = table.frame[[*factors, seed]].map(str)
    whole = [name for name in factors if not table.kinds and _is_whole(table, name)]
    kept = [name for name in factors if name not in whole]
    for name in whole:
        if kept and not frame.duplicated([*kept, seed]).any():
            break
        kept.append(name)
    cells, seeds = len(frame[kept].drop_duplicates()), frame[seed].nunique()
    if frame.duplicated([*kept, seed]).any() or 2 * len(frame) <= cells * seeds:
        return []
    rest = [name for name in whole if name not in kept and not _groups_seeds(frame, [*kept, name], seed)]
    return [name for name in rest if frame.groupby(kept)[name].nunique().max() > 1 < frame.groupby(seed)[name].nunique().max()]


def _groups_seeds(frame: pd.DataFrame, factors: Sequence[str], seed: str) -> bool:
    """Whether any two cells have most of their seeds in common, or none."""
    groups = {frozenset(seeds) for _, seeds in frame.groupby(list(factors))[seed]}
    return all(2 * len(one & other) > len(one | other) for one, other in itertools.combinations(groups, 2) if one & other)


def _is_whole(table: Table, name: str) -> bool:
    """Whether a column holds integers, not only 0 and 1."""
    numbers = parse(table.frame[name], table.decimal)
    finite = numbers.values[np.isfinite(numbers.values)]
    return numbers.wrong is None and bool((finite % 1 == 0).all()) and bool((finite > 1).any())


def _alike(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns split the rows in the same way."""
    pairs = len(pd.DataFrame({"one": one, "other": other}).drop_duplicates())
    return pairs == int(one.max()) + 1 == int(other.max()) + 1


def _with_factors_of_wide(table: Table, roles: Roles) -> Roles:
    """The factors of a wide table, unless they are named: its columns that are no numbers."""
    if roles.factors is not None:
        return roles
    texts = [name for name in table.columns if name not in roles.named and parse(table.frame[name], table.decimal).wrong]
    varying = [name for name in texts if len(table.frame[name].drop_duplicates()) > 1]
    return replace(roles, factors=tuple(name for name in varying if name.lower() not in status.COLUMNS))


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
    places = [name for name in roles.factors or () if _short(name) in BLOCKS and asked.factors is None and asked.blocks is None]
    if places and len(roles.factors or ()) > 1:
        parts.append(f"if {places[0]} is no treatment, use --blocks {places[0]}")
    return f"{'; '.join(parts)}" if parts else ""


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
