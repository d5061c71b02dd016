"""index.html: one file that asks for nothing else. What it is given is escaped by Jinja."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup, escape

from ablate.report import tables
from ablate.report.caveats import headline, notices, runs_by_state
from ablate.report.formatting import number
from ablate.report.stats_tables import quantity
from ablate.report.text_table import TextTable
from ablate.stats import decision_rules

if TYPE_CHECKING:
    from ablate.report.build import Report
    from ablate.report.figures import Drawn

ROWS = 300  # of a table; the files have all
CHANGES = 12  # that stand at the head of a page without claims
TROUBLES = 100
IN_FULL = 1000  # more runs than that are listed by their seeds alone
GRID_CELLS, GRID_SEEDS = 40, 40  # of the picture of how runs ended
SIGNS = {
    "finished": "●", "diverged": "∞", "failed": "✕", "interrupted": "◐", "running": "…", "missing": "○", "left out": "⊘",
    decision_rules.SUPPORTED: "✓", decision_rules.CONTRADICTED: "✕", decision_rules.IDENTICAL: "=",
    decision_rules.INCONCLUSIVE: "?", decision_rules.NOT_TESTED: "–",
}  # fmt: skip
FILES = ("run.json", "config.yaml", "history.csv")


def render(report: Report, drawn: Sequence[Drawn]) -> str:
    """The page as text."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ablate.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    shown = {table.name: table for table in report.tables}
    return environment.get_template("index.html").render(
        report=report,
        headline=headline(report),
        notices=notices(report),
        states=runs_by_state(report),
        signs=SIGNS,
        tables=shown,
        comparison=tables.comparison(shown["results"], shown.get("further_results"), shown.get("costs"))
        if "results" in shown
        else None,
        attributions=[shown[path.name] for path in report.paths if path.name in shown],
        claims=_claims(report, shown.get("verdicts")),
        changes=_changes(report, shown.get("contrasts")) if report.verdicts.empty else [],
        figures=[(figure, _data_uri(figure.svg)) for figure in drawn],
        grid=_grid(report),
        behind=_behind(report, shown),
        cells=_cells(report),
        count=report.runs["directory"].nunique(),
        anchors=_anchors(report),
        settings=_settings(report),
        ROWS=ROWS,
        TROUBLES=TROUBLES,
        IN_FULL=IN_FULL,
    )


def _breakable(text: str) -> Markup:
    """A name that may be broken into lines behind its commas and dots."""
    return Markup(re.sub(r"([,.])(?=[^\W\d])", r"\1<wbr>", str(escape(text))))


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _anchors(report: Report) -> dict[str, str]:
    """A short name in the page for each source of numbers: names of cells and claims hold any characters."""
    names = [*(f"cell-{cell}" for cell in report.runs["cell"].drop_duplicates()), *report.sources]
    return {"runs": "runs", **{name: f"r{at}" for at, name in enumerate(names)}}


def _claims(report: Report, shown: TextTable | None) -> list[dict[str, Any]]:
    """The verdicts with the words of the table, and the quote."""
    if shown is None:
        return []
    return [
        {
            **dict(zip(shown.headers, row, strict=True)),
            "quote": judged["quote"],
            "source": source,
            "metric": report.wordings(judged["metric"]).title + ", ratio" * (judged["scale"] == "ratio"),
        }
        for row, source, judged in zip(shown.rows, shown.sources, report.verdicts.to_dict("records"), strict=True)
    ]


def _changes(report: Report, shown: TextTable | None) -> list[dict[str, str]]:
    """Without claims, the contrasts stand in their place."""
    if shown is None or report.metric is None:
        return []
    metric = quantity(report.wordings(report.metric))
    return [
        {"over test images": "", "note": "", **dict(zip(shown.headers, row, strict=True)), "source": source, "metric": metric}
        for row, source in zip(shown.rows[:CHANGES], shown.sources, strict=False)
    ]


def _behind(report: Report, shown: Mapping[str, TextTable]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """For each claim and contrast: its source, what it is, and its cells; no cells means all of them."""
    labels = report.runs.drop_duplicates("cell").set_index("cell")["label"].to_dict()
    titles: dict[str, str] = {}
    for name in ("contrasts", "verdicts"):
        if name in shown:
            titles |= {source: row[0] for source, row in zip(shown[name].sources, shown[name].rows, strict=True)}
    return [
        (source, titles.get(source, source), [(f"cell-{cell}", labels[cell]) for cell in cells if len(cells) < len(labels)])
        for source, cells in report.sources.items()
    ]


def _cells(report: Report) -> list[dict[str, Any]]:
    """Every cell with its runs, and the files of each, seen from the page."""
    root = None if report.study is None else quote(os.path.relpath(report.study, report.folder).replace(os.sep, "/"))
    linked = FILES if len(report.runs) <= IN_FULL else FILES[:1]
    wording = report.wordings(report.metric) if report.metric else None
    ordered = [*report.summary["cell"], *report.runs["cell"]]
    cells: dict[str, dict[str, Any]] = {cell: {"source": f"cell-{cell}", "runs": []} for cell in dict.fromkeys(ordered)}
    columns = ["cell", "label", "seed", "status", "error", "left_out", "directory"]
    values = report.runs[report.metric] if report.metric else [float("nan")] * len(report.runs)
    for (cell, label, seed, status, error, left_out, directory), value in zip(
        report.runs[columns].itertuples(index=False, name=None), values, strict=True
    ):
        cells[cell]["label"] = label
        cells[cell]["runs"].append(
            {
                "seed": seed,
                "status": "left out" if left_out else status,
                "said": left_out or (error if pd.notna(error) else ""),
                "value": number(value, wording) if wording else "",
                "path": None if root is None else f"{root}/{quote(directory, safe='/=,+')}",
                "directory": directory,
                "files": [name for name in linked if report.study and (report.study / directory / name).exists()],
            }
        )
    return list(cells.values())


def _grid(report: Report) -> dict[str, Any]:
    """How each run ended: a row a cell, a column a seed. Of many cells, those with a run that did not finish."""
    seeds = sorted({*report.runs["seed"], *(_as_seed(run.seed, report.runs["seed"]) for run in report.health.missing)})
    found: dict[str, dict[Any, str]] = {label: {} for label in report.summary["label"]}
    columns = ["label", "seed", "status", "left_out"]
    for label, seed, status, left_out in report.runs[columns].itertuples(index=False, name=None):
        found.setdefault(label, {})[seed] = "left out" if left_out else status
    labels = dict(zip(report.runs["cell"], report.runs["label"], strict=True))
    for run in report.health.missing:
        found.setdefault(labels.get(run.cell, run.label), {})[_as_seed(run.seed, report.runs["seed"])] = "missing"
    if len(found) > GRID_CELLS:
        found = {label: ended for label, ended in found.items() if set(ended.values()) != {"finished"}}
    shown = dict(list(found.items())[:GRID_CELLS])
    return {"seeds": seeds[:GRID_SEEDS], "rows": shown, "more": len(found) - len(shown), "more_seeds": len(seeds) - GRID_SEEDS}


def _as_seed(text: str, seeds: pd.Series) -> Any:
    return int(text) if pd.api.types.is_integer_dtype(seeds) else text


def _settings(report: Report) -> str:
    """What was equal in all runs, and what varied, as YAML."""
    fixed = report.launched.get("fixed") or report.runs.attrs["facts"]
    content = {"factors": report.runs.attrs["factors"], "fixed": {key: fixed[key] for key in sorted(fixed)}}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
