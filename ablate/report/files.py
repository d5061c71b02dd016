"""The report of a study, in its folder `report/`: index.html, report.md, tables/, figures/, verdicts.json and cells.csv."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

from ablate.report import figures, file_list, html, markdown
from ablate.report.build import Report, compose
from ablate.stats.bootstrap import unpacked
from ablate.storage.dataframe import load_history, load_kept, load_runs
from ablate.storage.records import read_study, write_atomically

KEPT = 2000  # runs; of more, the arrays that they kept are not read

__all__ = ["Report", "build", "compose", "write"]


def build(study: Path) -> Report:
    """Read a study and sum it up. Raises UsageError if there are no runs."""
    with warnings.catch_warnings(record=True) as set_aside:
        warnings.simplefilter("always")
        runs = load_runs(study)
        history = load_history(study, runs)
        # which test images each run had right, where it says so
        right = unpacked(load_kept(study, runs, "standard_right"), "last") if len(runs) <= KEPT else {}
        norms = load_kept(study, runs, "norm_statistics") if len(runs) <= KEPT else {}
    troubles = [str(warning.message) for warning in set_aside]
    return compose(
        runs,
        name=study.resolve().name,
        folder=study / "report",
        study=study,
        history=history,
        launched=read_study(study),
        right=right,
        norms=norms,
        troubles=troubles,
    )


def write(report: Report) -> Path:
    """Write the report's files; the path of report.md.

    Files that an earlier report wrote there are replaced or taken away, and no others. Raises UsageError, before anything
    is written, if the folder holds files and no report.
    """
    folder = report.folder
    before = file_list.earlier(folder)
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    file_list.write_list(folder, before)  # the folder is a report's, even if this one does not come to its end
    files = {"cells.csv": report.summary.to_csv(index=False)}
    if not report.verdicts.empty:
        files[file_list.VERDICTS] = _as_json(report.verdicts.to_dict("records"))
    for shown in report.tables:
        files[f"tables/{shown.name}.csv"] = shown.to_csv()
        files[f"tables/{shown.name}.tex"] = shown.to_latex()
    drawn = figures.draw(report, folder / "figures")
    files["index.html"] = html.render(report, drawn)
    files["report.md"] = markdown.render(report, drawn)
    for name, content in files.items():
        write_atomically(folder / name, content)
    now = files.keys() | {f"figures/{figure.name}.{kind}" for figure in drawn for kind in ("png", "svg")}
    for name in before - now:
        (folder / name).unlink(missing_ok=True)
    file_list.write_list(folder, now)
    return folder / "report.md"


def _as_json(rows: list[dict[Any, Any]]) -> str:
    """Every digit of the numbers; null for what is not there."""
    known = [
        {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
        for row in rows
    ]
    return json.dumps(known, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
