"""What the names of columns mean: usual names of seeds, steps, runs and blocks, and of what is neither a level nor a result."""

from __future__ import annotations

import re

import numpy as np

from ablate.core.metrics import MetricSpec
from ablate.importers.numbers import parse
from ablate.importers.table import Table

# Usual names, as `short` makes them; the earlier ones of SEEDS come first. BLOCKS are factors that are seldom a treatment
CALLED_SEEDS = ("seed", "random_seed", "rng_seed", "random_state")
SEEDS = (*CALLED_SEEDS, "fold", "split", "replicate", "replication", "repeat", "repetition", "rep", "trial", "run")
RUNS = re.compile(r"(run|trial|experiment|job|task)?[ _-]?(id|uuid|name)|name|run|trial", re.I)
OTHERS = re.compile(
    r"(.*[\W_])?(id|uuid|index|date|time|timestamp|start(ed)?|end(ed)?|created(_at)?|updated(_at)?|duration|runtime|seconds|"
    r"host(name)?|user(name)?|git|commit|sha|path|dir(ectory)?|folder|file|url|uri|notes?|comments?|tags?|gpu|node)|pid|"
    r"unnamed: ?\d*|_.*|.*_at|(error|left_out)",
    re.I,
)
METRIC_PREFIX = re.compile(r"(metrics?|summary|results?|scores?)[./]", re.I)
FACTOR_PREFIX = re.compile(r"(params?|config|hparams?|hyperparameters?|args?)[./]", re.I)
SEED_COLUMN = re.compile(
    r"(((.+[ _-])?(random|rng)?[ _-]?seed|(.+[ _-])?(fold|run|rep\w*|trial))[ _-]?)?\d+",
    re.I,
)
IN_SEED_COLUMN = re.compile(r"(.+[./_ -])?(seed|split|fold|run|rep|trial)[_ -]?\d+[./_ -]\D.*", re.I)  # split0_test_score
# What a run was measured at, which is no factor unless it is named; SUCCESS is a metric, also as true and false
SUCCESS = re.compile(r"(has_)?(succe(ss|eded)|solved|correct|passed|won)", re.I)
MEASURED = re.compile(
    rf".*per_sec(ond)?|{SUCCESS.pattern}|(has_)?(failed|crashed|diverged|converged|finished|completed|done|killed|oom)", re.I
)
_SPREAD = re.compile("std|stdev|sd|stderr")  # words of a deviation or an error, beside that of a metric
_SPREAD_LAST = re.compile("sem|se|ci|iqr")  # at the end alone: sem_miou is of a semantic segmentation
METHODS = re.compile(
    r"methods?|models?|algorithms?|approach(es)?|variants?|configs?|configurations?|ablations?|settings?", re.I
)
BLOCKS = ("dataset", "data_set", "data", "task", "benchmark", "env", "environment", "game", "domain", "corpus", "language")


def short(name: str) -> str:
    """The part after the last dot or slash, in lower case."""
    return re.split(r"[./]", name)[-1].strip().lower()


def words(name: str) -> str:
    """The short name with `_` between its words."""
    return re.sub(r"[\W_]+", "_", short(name))


def rank(name: str) -> int:
    """The place of the name of a seed among the usual ones; others, such as `train_seed`, come last."""
    return SEEDS.index(words(name)) if words(name) in SEEDS else len(SEEDS)


def is_seed(table: Table, name: str) -> bool:
    """Whether a column may be the seed: of those not called a seed, integers (`1`, `fold1`) that several rows share."""
    usual, column = words(name), table.frame[name]
    if "seed" in usual.split("_"):
        return usual in SEEDS or len(column.drop_duplicates()) > 1
    numbered = column.astype(str).str.fullmatch(rf"({usual}[ _-]?)?\d+(\.0+)?", case=False).all() and usual in SEEDS
    return bool(numbered) and 1 < len(column.drop_duplicates()) < len(column)


def is_decimal(table: Table, name: str) -> bool:
    """Whether a column holds numbers that are not all integers."""
    numbers = parse(table.frame[name], table.decimal)
    finite = numbers.values[np.isfinite(numbers.values)]
    return numbers.wrong is None and bool((finite % 1 != 0).any())


def is_spread(table: Table, name: str) -> bool:
    """Whether a column is a deviation or an error of a metric, such as `acc_std`, and not a setting such as `noise_std`."""
    parts = re.split("[^a-z0-9]+", name.lower())
    rest = parts[:-1] if _SPREAD_LAST.fullmatch(parts[-1]) else parts
    rest = [part for part in rest if not _SPREAD.fullmatch(part)]
    if rest == parts or not is_decimal(table, name):
        return False
    of = "_".join(rest)
    return not of or MetricSpec.guess(of).better is not None or f"{of}_mean" in table.frame
