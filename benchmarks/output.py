"""Results as tables on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.results import Results, Section, Series, Table

AMX_TARGETS = (
    "This CPU has AMX: the targets in bfloat16 apply (factors over the loops (a), (b), (c); the shares of (d) and (e); "
    "images/s on one core; two processes against one), and so do the others."
)
OTHER_TARGETS = (
    "This CPU has no AMX: the targets in bfloat16 do not apply here (factors over the loops (a), (b), (c); the share of "
    "(e); images/s on one core; two processes against one). The share of the bare step (d) in float32 and the start of "
    "--help apply everywhere."
)


def print_head(console: Console, results: Results) -> None:
    """The machine, and which targets apply on it."""
    machine = results.machine
    console.print(f"Machine: {machine.describe()}")
    console.print(f"{results.rounds} round{'s' if results.rounds > 1 else ''}, images: {results.images}")
    console.print(AMX_TARGETS if machine.amx else OTHER_TARGETS)
    if results.quick:
        console.print("--quick: tiny sizes, to see that everything works; the figures mean nothing.")


def print_section(console: Console, results: Results, section: Section) -> None:
    """The tables of a section, what was skipped, and an error."""
    for table in section.tables:
        console.print(_table(results, table))
        for note in table.notes:
            console.print(note)
    for reason in dict.fromkeys(section.skipped.values()):
        names = "; ".join(name for name, why in section.skipped.items() if why == reason)
        console.print(f"skipped ({reason}): {names}", markup=False)
    if section.error:
        console.print(f"{section.name} failed: {section.error}", markup=False)
    load = "" if section.load_before is None else f"; load average before: {section.load_before}"
    console.print(f"{section.name}: {section.seconds:.0f} s{load}\n")


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _table(results: Results, table: Table) -> RichTable:
    shown = RichTable("", "median", "min", "max", "unit", "target", "", title=table.title, title_justify="left")
    for column in (1, 2, 3):
        shown.columns[column].justify = "right"
    for series in table.series:
        shown.add_row(*_row(results, series))
    return shown


def _row(results: Results, series: Series) -> tuple[str, ...]:
    values = (series.median, min(series.values), max(series.values))
    target = "" if series.target is None else str(series.target)
    return (series.name, *map(number, values), series.unit, target, results.verdict(series))
