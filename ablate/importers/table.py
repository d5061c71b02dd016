"""A table of foreign results before it is interpreted, and the roles of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from ablate.core.errors import UsageError
from ablate.core.text import nearest
from ablate.core.wording import shortened

AtStep = Literal["last", "mean", "max", "min"]
Kind = Literal["config", "metric", "other"]
Duplicates = Literal["refuse", "last", "mean"]
NO_SEED = "none"  # as the name of the seed column: there is none, even if a column looks like one
SHOWN = 40  # columns that a message lists


@dataclass(frozen=True)
class Table:
    """One row for each run, or for each step of each run.

    Attributes:
        source: the file or the folder, for messages.
        frame: the columns, indexed from 0. Fields are texts, "" where there is none. Columns of numbers are allowed: NaN for
            no value, inf for the value of a lost run.
        places: for each row, where it is in the source, such as `results.csv, line 12` or `run 3fa8`.
        decimal: the sign before the decimals, if it is known.
        notes: what was recognized in the file, for the line that is printed.
        kinds: of a table of a known tool, which has one row for each run: what a column holds, `config`, `metric`, or `other`
            (neither). Columns that are not in it may be either.
        aliases: of columns that were renamed, their names in the file, which may be used as well.
        caveats: sentences for the report about how the runs were read.
    """

    source: str
    frame: pd.DataFrame
    places: Sequence[str]
    decimal: str | None = None
    notes: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()

    def may_be(self, name: str, kind: Kind) -> bool:
        """Whether a column may hold levels (`config`) or results (`metric`)."""
        return self.kinds.get(name, kind) == kind

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(map(str, self.frame.columns))

    def listed(self) -> str:
        """The names of the columns for a message."""
        return shortened([name or "(without a name)" for name in self.columns], SHOWN, ", ")


@dataclass(frozen=True)
class Roles:
    """What the columns of a `Table` are. `guess.completed` fills in what is None.

    Attributes:
        factors: the columns with the levels.
        metrics: the columns with the results, the one to compare first.
        seed: the column that pairs the runs; NO_SEED if none does: the runs are then compared unpaired.
        run: the column that names the run of a row, for runs without a seed that have several rows.
        step: the column with the step, where a run has a row for each.
        at_step: how the values at the steps become one: that of the last step, or their mean, maximum or minimum.
        status: the column with the status of the runs; see `status.py` for its words.
        blocks: the factor whose levels are blocks (data sets, tasks), not treatments.
        baseline: by factor, the baseline level, also as text; otherwise the first level in the table.
        lower_is_better: the metrics of which lower values are better, whatever their name suggests.
        duplicates: what to do with several rows of one run: refuse, take the last one, or average.
        wide: the columns that nobody names are melted into one column of this name, see `wide.py`.
    """

    factors: tuple[str, ...] | None = None
    metrics: tuple[str, ...] | None = None
    seed: str | None = None
    run: str | None = None
    step: str | None = None
    at_step: AtStep | None = None
    status: str | None = None
    blocks: str | None = None
    baseline: Mapping[str, object] = field(default_factory=dict)
    lower_is_better: tuple[str, ...] = ()
    duplicates: Duplicates = "refuse"
    wide: str | None = None

    def renamed(self, table: Table) -> Roles:
        """The roles with the present names of columns that a user names as in the file."""

        def new(name: str) -> str:
            return name if name in table.frame else table.aliases.get(name, name)

        def all_new(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return None if names is None else tuple(map(new, names))

        def one_new(name: str | None) -> str | None:
            return None if name is None else new(name)

        return replace(
            self,
            factors=all_new(self.factors),
            metrics=all_new(self.metrics),
            seed=one_new(self.seed),
            run=one_new(self.run),
            step=one_new(self.step),
            status=one_new(self.status),
            blocks=one_new(self.blocks),
            baseline={new(name): level for name, level in self.baseline.items()},
            lower_is_better=tuple(map(new, self.lower_is_better)),
        )

    def require_in(self, table: Table) -> None:
        """Check that a table has the columns that were named.

        Raises:
            UsageError: for the first unknown name; the message lists the columns.
        """
        options: tuple[tuple[str, Sequence[str | None]], ...] = (
            ("--blocks", [self.blocks]),
            ("--factors", self.factors or ()),
            ("--seed", [None if self.seed == NO_SEED else self.seed]),
            ("--metric", self.metrics or ()),
            ("--run", [self.run]),
            ("--step-column", [self.step]),
            ("--status", [self.status]),
            ("--lower-is-better", self.lower_is_better),
        )
        for option, column in ((option, column) for option, columns in options for column in columns if column is not None):
            if column not in table.frame:
                hint = nearest(column, table.columns)
                raise UsageError(f"{option} {column}: {table.source} has no such column; available: {table.listed()}.{hint}")

    @property
    def named(self) -> list[str]:
        """The columns that have a role, each once."""
        single = [self.seed if self.seed != NO_SEED else None, self.run, self.step, self.status, self.blocks]
        names = [*(self.factors or ()), *(self.metrics or ()), *(name for name in single if name)]
        return list(dict.fromkeys(names))
