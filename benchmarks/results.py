"""Results of a benchmark: series of one value a round, ratios computed per round, and the targets they are held against."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine


@dataclass(frozen=True)
class Target:
    """A bound on a median. One that needs AMX applies only where the CPU has it."""

    bound: float
    at_least: bool = True  # else at most
    needs_amx: bool = False

    def verdict(self, value: float, machine: Machine) -> str:
        """`met`, `missed`, or why the target does not apply on this machine."""
        if self.needs_amx and not machine.amx:
            return "does not apply (needs AMX)"
        return "met" if (value >= self.bound if self.at_least else value <= self.bound) else "missed"

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"


@dataclass
class Series:
    """The values of one quantity, one a round."""

    name: str
    unit: str
    values: list[float]
    target: Target | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def ratio(name: str, above: Series, below: Series, target: Target | None = None) -> Series:
    """The ratio of two series, computed in each round. The rounds of both must be those of one interleaved run."""
    values = [one / other for one, other in zip(above.values, below.values, strict=True)]
    return Series(name, "×", values, target)


@dataclass
class Table:
    """Series that were measured in one interleaved run, and their ratios."""

    title: str
    series: list[Series] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Section:
    """The results of one section; `skipped` says what was not measured, and why."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    seconds: float = 0.0
    load_before: float | None = None


@dataclass
class Results:
    """Everything that one command measured."""

    machine: Machine
    date: str
    rounds: int
    quick: bool
    images: str  # where the images came from: drawn, or a zip
    sections: list[Section] = field(default_factory=list)

    def to_mapping(self) -> dict[str, Any]:
        """The content of the JSON file: the values of every round, medians, and verdicts about targets."""
        content = asdict(self)
        for section, written in zip(self.sections, content["sections"], strict=True):
            for table, shown in zip(section.tables, written["tables"], strict=True):
                for series, row in zip(table.series, shown["series"], strict=True):
                    row["median"], row["min"], row["max"] = series.median, min(series.values), max(series.values)
                    if series.target is not None:
                        row["target"] = str(series.target)
                        row["verdict"] = self.verdict(series)
        return content

    def verdict(self, series: Series) -> str:
        """What becomes of the target of a series; empty if it has none."""
        if series.target is None:
            return ""
        if self.quick:
            return "not judged (--quick)"
        return series.target.verdict(series.median, self.machine)

    def write(self, path: Path) -> None:
        """Write the JSON file; its folder is made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_mapping(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
