"""The report of a study, in its folder `report/`: index.html, report.md, tables/, figures/, verdicts.json and cells.csv."""

from __future__ import annotations

import warnings
from pathlib import Path

from ablate.analysis.uncertainty import unpacked
from ablate.reporting import figures, html, markdown
from ablate.reporting.content import Report, compose
from ablate.study.loading import load_history, load_kept, load_runs
from ablate.study.records import read_study, write_atomically

ANSWERS = 2000  # runs; of more, the answers to single images are not read

__all__ = ["Report", "build", "compose", "write"]


def build(study: Path) -> Report:
    """Read a study and sum it up. Raises UsageError if there are no runs."""
    with warnings.catch_warnings(record=True) as set_aside:
        warnings.simplefilter("always")
        runs = load_runs(study)
        history = load_history(study, runs)
        # which test images each run had right, where it says so
        right = unpacked(load_kept(study, runs, "standard_right"), "last") if len(runs) <= ANSWERS else {}
    troubles = [str(warning.message) for warning in set_aside]
    return compose(
        runs,
        name=study.name,
        folder=study / "report",
        study=study,
        history=history,
        launched=read_study(study),
        right=right,
        troubles=troubles,
    )


def write(report: Report) -> Path:
    """Write the report's files; the path of report.md."""
    folder = report.folder
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "cells.csv", report.summary.to_csv(index=False))
    if not report.verdicts.empty:
        found = report.verdicts.to_json(orient="records", indent=1, force_ascii=False)
        write_atomically(folder / "verdicts.json", found + "\n")
    for shown in report.tables:
        write_atomically(folder / "tables" / f"{shown.name}.csv", shown.to_csv())
        write_atomically(folder / "tables" / f"{shown.name}.tex", shown.to_latex())
    names = {shown.name for shown in report.tables}
    for path in [*(folder / "tables").glob("*.csv"), *(folder / "tables").glob("*.tex")]:
        if path.stem not in names:  # of an earlier report
            path.unlink()
    drawn = figures.draw(report, folder / "figures")
    write_atomically(folder / "index.html", html.render(report, drawn))
    path = folder / "report.md"
    write_atomically(path, markdown.render(report, drawn))
    return path
