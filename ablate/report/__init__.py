"""Reports: tables, figures and an HTML page from the results of a study. Statistics are computed in ablate/stats/."""

from __future__ import annotations

from pathlib import Path


def write(study: str | Path) -> Path:
    """Write the report of the study in a folder and print its main tables.

    Returns:
        The path of report.md.

    Raises:
        UsageError: if there are no runs.
    """
    from ablate.report import cli

    return cli.write(study)
