"""What a person looks at: tables, figures, the page. It computes no statistic."""

from __future__ import annotations

from pathlib import Path


def write(study: str | Path) -> Path:
    """Write the report of a study and print its first tables; see `ablate.report.cli.write`."""
    from ablate.report import cli

    return cli.write(study)
