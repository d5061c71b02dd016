"""How a program describes its results. Stored in study.yaml, so that a report does not need the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ablate.core.metrics import MetricSpec


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an `ExtraTable`: the array called `name`, averaged over the runs of a configuration."""

    name: str
    title: str
    mean: Literal["arithmetic", "geometric"] = "arithmetic"
    digits: int = 2


@dataclass(frozen=True, slots=True)
class ExtraTable:
    """A table of arrays that runs saved with `Run.keep(source, …)`: one row for each configuration and each value of `by`."""

    name: str  # of its files
    title: str
    source: str
    by: str  # the array that names the rows, such as the layers of a network
    by_title: str
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examples:
    """Which test examples each run classified correctly, for confidence intervals over test examples.

    Runs save them with `Run.keep(source, …)`: `array` is the name of the array with the packed bits (`numpy.packbits`), and the
    array `count` holds the number of examples.
    """

    metric: str
    source: str
    array: str
    noun: str = "test examples"


@dataclass(frozen=True, slots=True)
class Description:
    """How a program describes the results of its runs.

    Attributes:
        metrics: the metrics that a run returns, the main one first.
        tables: additional tables for the report.
        examples: where to find the correctly classified test examples, for the interval of a contrast over test examples.
        caveats: sentences for the top of the report, such as where the data come from.
        curves: the columns of history.csv to plot, with their titles; if empty, the report chooses.
    """

    metrics: tuple[MetricSpec, ...] = ()
    tables: tuple[ExtraTable, ...] = ()
    examples: tuple[Examples, ...] = ()
    caveats: tuple[str, ...] = ()
    curves: Mapping[str, str] = field(default_factory=dict)

    def to_mapping(self) -> dict[str, Any]:
        """Convert to plain values for YAML, without empty entries."""
        content: dict[str, Any] = {
            "metrics": {spec.name: spec.to_mapping() for spec in self.metrics},
            "tables": [_table_mapping(table) for table in self.tables],
            "examples": [{key: getattr(each, key) for key in ("metric", "source", "array", "noun")} for each in self.examples],
            "caveats": list(self.caveats),
            "curves": dict(self.curves),
        }
        return {key: value for key, value in content.items() if value}

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Description:
        """The inverse of `to_mapping`.

        Raises:
            UsageError: if a metric's description is invalid.
            TypeError, ValueError, KeyError, AttributeError: if anything else is invalid.
        """
        return cls(
            metrics=tuple(MetricSpec.parse(str(name), each) for name, each in (content.get("metrics") or {}).items()),
            tables=tuple(_parse_table(each) for each in content.get("tables") or ()),
            examples=tuple(Examples(**each) for each in content.get("examples") or ()),
            caveats=tuple(map(str, content.get("caveats") or ())),
            curves={str(name): str(title) for name, title in (content.get("curves") or {}).items()},
        )


def _table_mapping(table: ExtraTable) -> dict[str, Any]:
    columns = [{key: getattr(each, key) for key in ("name", "title", "mean", "digits")} for each in table.columns]
    plain = {key: getattr(table, key) for key in ("name", "title", "source", "by", "by_title")}
    return {**plain, "columns": columns, "notes": list(table.notes)}


def _parse_table(content: Mapping[str, Any]) -> ExtraTable:
    columns: Sequence[Mapping[str, Any]] = content["columns"]
    return ExtraTable(**{**content, "columns": tuple(Column(**each) for each in columns), "notes": tuple(content["notes"])})
