"""The command: tables and figures of a study, from its records alone.

    python -m ablate.report outputs/<study>

torch is not imported.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from rich.console import Console

from ablate.study.errors import UsageError


def write(study: str | Path) -> Path:
    """Write the report of a study, print its tables, and give the path of report.md.

    Raises UsageError if there are no runs.
    """
    from ablate.reporting import page

    report = page.build(Path(study))
    path = page.write(report)
    console = Console(highlight=False)
    if not console.is_terminal:  # nobody's screen is as narrow as what rich assumes of a pipe
        console = Console(highlight=False, width=max(120, shutil.get_terminal_size().columns))
    for table in report.tables:
        console.print(table.title, markup=False)
        console.print(table.to_rich())
        for note in table.notes:
            console.print(note, markup=False)
    for trouble in report.troubles:
        console.print(trouble, markup=False)
    console.print(f"Report: {path}", markup=False, soft_wrap=True)
    return path


def main() -> None:
    """The command line. Exits with status 2 if the study cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m ablate.report", description="Tables and figures of a study.")
    parser.add_argument("study", type=Path, help="the folder of a study, such as outputs/dropout+stem")
    arguments = parser.parse_args()
    try:
        write(arguments.study)
    except UsageError as error:
        print(f"ablate: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
