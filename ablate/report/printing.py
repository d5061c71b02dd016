"""Print a report to the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ablate.core.text import cut
from ablate.report.caveats import caveats
from ablate.report.headline import headline, size
from ablate.report.model import Report
from ablate.report.table import Table, without_repeated_notes
from ablate.report.table_formats import to_rich
from ablate.report.terminal import console

PROBLEM = 400  # characters; report.md has more of a long error


def show(report: Report, path: Path) -> None:
    """Print the summary and the main tables of a report, and the paths of its files."""
    out = console()
    print_top(report, out)
    for table in without_repeated_notes([table for table in report.tables if table.main], caveats(report)):
        print_table(table, out)
    for problem in report.problems:
        out.print(cut(problem, PROBLEM), markup=False)
    if further := [table.title for table in report.tables if not table.main]:
        out.print(f"Further tables in the report: {', '.join(further)}.", markup=False)
    out.print(f"Report: {path}", markup=False, soft_wrap=True)
    out.print(f"Page: {path.with_name('index.html')}", markup=False, soft_wrap=True)


def print_top(report: Report, out: Console) -> None:
    """Print the headline, the size of the study, and the caveats."""
    for line in (headline(report), f"{size(report)}.", *caveats(report)):
        out.print(line, markup=False)


def print_table(table: Table, out: Console) -> None:
    """Print a table with its title and notes."""
    out.print(table.title, markup=False)
    out.print(to_rich(table))
    for note in table.notes:
        out.print(note, markup=False)
