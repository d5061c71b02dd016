"""Write the report folder: index.html, report.md, tables/, figures/, verdicts.json and cells.csv."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.report import figures, html, inventory, markdown
from ablate.report.cell_tables import summary_frame
from ablate.report.model import Report
from ablate.report.table_formats import frame_to_csv, to_csv, to_latex, to_markdown
from ablate.storage.files import remove_abandoned, write_atomically


def write_folder(report: Report, refresh: int | None = None, siunitx: bool = False) -> Path:
    """Write the files of a report and return the path of report.md.

    Everything is rendered before the first file is written. Only files of an earlier report are replaced or removed.

    Args:
        report: the report.
        refresh: after how many seconds the page reloads itself, for a study that is running; None for never.
        siunitx: whether the LaTeX of the ablation table has `S` columns of siunitx.

    Raises:
        UsageError: if the folder contains files that are not from a report. Nothing is written then.
    """
    folder = report.folder
    before = inventory.files_of_earlier_report(folder)
    files = _render(report, refresh, siunitx)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("", "tables", "figures"):
        remove_abandoned(folder / name)
    inventory.write_list(folder, before | files.keys())  # so that the files are known to be ours even after a crash
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_atomically(folder / name, content)
    for name in before - files.keys():
        (folder / name).unlink(missing_ok=True)
    inventory.write_list(folder, files)
    return folder / "report.md"


def _render(report: Report, refresh: int | None, siunitx: bool) -> dict[str, str | bytes]:
    """The content of each file by its path within the folder."""
    files: dict[str, str | bytes] = {
        inventory.CONFIGURATIONS: frame_to_csv(summary_frame(report.summary, report.configurations))
    }
    if not report.claims.verdicts.empty:
        files[inventory.VERDICTS] = _as_json(report.claims.verdicts)
    for table in report.tables:
        files[f"tables/{table.name}.csv"] = to_csv(table)
        files[f"tables/{table.name}.tex"] = to_latex(table, siunitx)
    if (ablation := report.tables.ablation) is not None:
        files[f"tables/{ablation.name}.md"] = to_markdown(ablation)
    drawn = figures.draw(report)
    report = replace(report, problems=[*report.problems, *figures.boxes(report)])
    for figure in drawn:
        files[f"figures/{figure.name}.svg"] = figure.svg
        files[f"figures/{figure.name}.png"] = figure.png
        files[f"figures/{figure.name}.pdf"] = figure.pdf
    files["index.html"] = html.render(report, drawn, refresh, siunitx)
    files["report.md"] = markdown.render(report, drawn)
    return files


def _as_json(frame: pd.DataFrame) -> str:
    """The rows as JSON, unrounded; null for numbers that are not finite."""
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    known = [
        {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()}
        for row in rows
    ]
    return json.dumps(known, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
