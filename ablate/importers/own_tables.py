"""Tables that ablate itself wrote: those of `ablate export`, and the frame `Study.runs`."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ablate.core.text import from_spreadsheet
from ablate.importers.table import Table
from ablate.storage.results import RUN_COLUMNS

BOOKKEEPING = ("cell", "label", "directory")  # of RUN_COLUMNS, what follows from the levels and the seed


def is_of_runs(table: Table) -> bool:
    """Whether a table has the columns of `StudyResults.runs`, perhaps with others: of two studies, say, with their names."""
    return set(RUN_COLUMNS) <= set(table.columns)


def results_in(table: Table) -> list[str]:
    """The columns of a table of runs that differ between the seeds of a configuration, which no level does.

    None where a configuration has several runs of a seed, as in the runs of two studies: then a level may differ as well.
    """
    if not is_of_runs(table) or table.frame.duplicated(["cell", "seed"]).any():
        return []
    several = table.frame.drop(columns=list(set(RUN_COLUMNS) - {"cell"})).groupby("cell").nunique().max() > 1
    return [str(name) for name in several.index[several]]


def as_written(table: Table) -> Table:
    """A CSV file of ours with its levels as they were, without the quote that keeps a spreadsheet from computing them."""
    directories = table.frame.get("directory", pd.Series(dtype=object))
    of_history = len(directories) > 0 and directories.str.match(r"runs/.+/seed=").all()
    if not is_of_runs(table) and not of_history:
        return table
    names = {name: from_spreadsheet(name) for name in table.columns}
    return replace(table, frame=table.frame.map(from_spreadsheet).rename(columns=names))
