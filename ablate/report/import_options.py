"""The options of `python -m ablate.report` for the results of other programs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.core.errors import UsageError

if TYPE_CHECKING:
    from ablate.importers.imported import Imported
    from ablate.importers.sources import Source
    from ablate.importers.table import Roles


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser. Without a value, each is None."""
    columns = parser.add_argument_group(
        "the columns of a CSV or JSON file",
        "Columns that are not named are guessed from their names and contents; one line of the output says how.",
    )
    columns.add_argument("--factors", type=_names, metavar="A,B", help="the columns with the levels")
    columns.add_argument(
        "--seed",
        metavar="COLUMN",
        help="the column that pairs the runs; `none` if there is none: they are then compared unpaired",
    )
    columns.add_argument(
        "--status", metavar="COLUMN", help="the column with the status: finished, COMPLETED, failed, crashed, …"
    )
    columns.add_argument(
        "--run", metavar="COLUMN", help="the column with the name of the run, if a run has several rows and no seed"
    )
    analysis = parser.add_argument_group("the comparison of results in a CSV or JSON file")
    analysis.add_argument("--blocks", metavar="COLUMN", help="the column with data sets or tasks: blocks, not a treatment")
    analysis.add_argument(
        "--baseline",
        action="append",
        type=level_typed,
        metavar="FACTOR=LEVEL",
        help="the level to compare with; default: the first one in the file. May be repeated",
    )
    analysis.add_argument(
        "--lower-is-better", action="store_true", default=None, help="lower values of the first metric are better"
    )
    shape = parser.add_argument_group(
        "the rows of a CSV or JSON file", "Needed if the file does not have one row for each run."
    )
    shape.add_argument(
        "--wide",
        metavar="NAME",
        help="the file has a column for each seed (`--wide seed`) or for each level of a factor (`--wide method`); --metric "
        "names the values",
    )
    shape.add_argument(
        "--step",
        choices=("last", "mean", "max", "min"),
        help="the file has a row for each step: which value of a run counts; max, min: the values of the step at which the "
        "first metric is largest or smallest",
    )
    shape.add_argument("--step-column", metavar="COLUMN", help="the column with the step; default: step, epoch, iteration, …")
    shape.add_argument(
        "--duplicates", choices=("last", "mean"), help="if a run has several rows: the last one counts, or their mean"
    )
    tools = parser.add_argument_group("results that other tools stored", "Hydra, Lightning, TensorBoard, MLflow")
    tools.add_argument(
        "--files", metavar="PATTERN", help="the files with metrics in the folder of a run, such as '**/metrics.csv'"
    )
    tools.add_argument("--experiment", metavar="NAME", help="the experiment of an MLflow store, by name or id")
    text = parser.add_argument_group("the text of a CSV file", "Detected if not given.")
    text.add_argument("--delimiter", metavar="SIGN", help="the delimiter of the fields, or its name, such as tab")
    text.add_argument("--decimal", choices=(".", ","), help="the decimal separator")
    text.add_argument("--encoding", help="the encoding, such as utf-8 or latin-1")


def imported(source: Source | Path, arguments: argparse.Namespace, metrics: Sequence[str]) -> Imported:
    """Read what another tool stored as the options ask, and print in one line what was recognized and guessed.

    Args:
        source: what `ablate.importers.sources.detect` found, or the path of a CSV or JSON file.
        arguments: the options.
        metrics: the names given to --metric; empty: guess them.

    Raises:
        UsageError: see `ablate.importers.imported.read_source`.
    """
    from ablate.importers.imported import read_source

    found = read_source(
        source,
        _roles(arguments, metrics),
        lower_is_better=bool(arguments.lower_is_better),
        files=arguments.files,
        experiment=arguments.experiment,
        delimiter=arguments.delimiter,
        decimal=arguments.decimal,
        encoding=arguments.encoding,
    )
    if said := "; ".join(filter(None, [", ".join(found.notes), found.guessed])):
        print(f"ablate: {found.table.source}: {said}.")
    return found


def _roles(arguments: argparse.Namespace, metrics: Sequence[str]) -> Roles:
    from ablate.importers.table import Roles

    return Roles(
        factors=None if arguments.factors is None else tuple(arguments.factors),
        metrics=tuple(metrics) or None,
        seed=arguments.seed,
        run=arguments.run,
        step=arguments.step_column,
        at_step=arguments.step,
        status=arguments.status,
        blocks=arguments.blocks,
        baseline=dict(arguments.baseline or ()),
        duplicates=arguments.duplicates or "refuse",
        wide=arguments.wide,
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def level_typed(text: str) -> tuple[str, str]:
    """The factor and the level of a baseline.

    >>> level_typed("method=base")
    ('method', 'base')

    Raises:
        UsageError: without `=`.
    """
    factor, sign, level = text.partition("=")
    if not sign:
        raise UsageError(f"--baseline {text}: expected FACTOR=LEVEL, such as method=base.")
    return factor.strip(), level.strip()
