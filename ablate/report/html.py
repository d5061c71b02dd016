"""Render index.html: one file without external resources. Jinja escapes all text."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup, escape

from ablate.core.levels import Level
from ablate.core.text import printable
from ablate.report.caveats import caveats, runs_by_state
from ablate.report.figures import DrawnFigure
from ablate.report.findings import Finding
from ablate.report.formatting import number
from ablate.report.headline import SHOWN, findings, headline, size
from ablate.report.inline_svg import inline
from ablate.report.model import Report
from ablate.report.status_grid import status_grid
from ablate.report.strips import strips
from ablate.report.table import Table, side_by_side, without_repeated_notes
from ablate.report.table_formats import to_latex, to_markdown
from ablate.report.values import Value, has_number, is_best, text_of
from ablate.stats import decision_rules

ROWS = 300  # rows of a table; the files have all
PRINTED = 60  # rows of a table on paper
NOTES = 12
CAVEATS = 3  # caveats above the findings; the others are folded
WIDE = 9  # columns of a table that is printed in landscape
PROBLEMS = 100
LISTED = 40  # configurations that a number is computed from
IN_FULL = 1000  # with more runs, only seeds are listed, with a link to the folder of each configuration
SIGNS = {
    "finished": "●", "diverged": "∞", "failed": "✕", "interrupted": "◐", "running": "…", "missing": "○", "left out": "⊘",
    decision_rules.SUPPORTED: "✓", decision_rules.SMALLER: "≤", decision_rules.CONTRADICTED: "✕", decision_rules.IDENTICAL: "=",
    decision_rules.INCONCLUSIVE: "?", decision_rules.NOT_TESTED: "–",
}  # fmt: skip
FILES = ("run.json", "config.yaml", "history.csv")
BAD_FLAGS = ("diverged", "failed", "missing")  # flags shown in red: runs without a result


@dataclass(frozen=True, slots=True)
class _Section:
    """A section of the page; its content is the template sections/<id>.html."""

    id: str
    title: str
    folded: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class _FigureItem:
    name: str
    title: str
    caption: str
    inline: Markup


@dataclass(frozen=True, slots=True)
class _RunItem:
    seed: Any
    status: str
    message: str  # error, or reason for leaving it out
    value: str  # value of the main metric
    directory: str
    path: str | None  # path of its folder, relative to the page
    files: Sequence[str]


@dataclass(slots=True)
class _ConfigurationItem:
    label: str
    source: str
    runs: list[_RunItem] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """The path of the folder of its runs, relative to the page; empty if there is none, or several."""
        folders = {run.path.rpartition("/")[0] for run in self.runs if run.path}
        return folders.pop() if len(folders) == 1 else ""


@dataclass(frozen=True, slots=True)
class _Origin:
    """The configurations behind a number, the first ones as sources and labels; empty for all configurations."""

    source: str
    title: str
    configurations: Sequence[tuple[str, str]]
    more: int


def render(report: Report, drawn: Sequence[DrawnFigure], refresh: int | None = None, siunitx: bool = False) -> str:
    """Render the page; it reloads itself after `refresh` seconds, and copies LaTeX for siunitx if asked for."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ablate.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": _breakable,
        "unbroken": _unbroken,
        "joined": _joined,
        "text": text_of,
        "sort_key": _sort_key,
    }
    environment.tests |= {"measured": has_number, "best": is_best}
    tables = report.tables
    every = findings(report)
    found = every if report.claims.judgements else every[:SHOWN]
    comparison = side_by_side(tables.results, tables.further_results, tables.costs) if tables.results else None
    grid = status_grid(report)
    page = environment.get_template("index.html").render(
        report=report,
        refresh=refresh,
        tables=replace(
            tables,
            blocks=without_repeated_notes(tables.blocks),
            attributions=without_repeated_notes(tables.attributions),
        ),
        ablation_latex="" if tables.ablation is None else to_latex(tables.ablation, siunitx),
        ablation_markdown="" if tables.ablation is None else to_markdown(tables.ablation),
        sections=list(_sections(report, found, comparison, drawn)),
        headline=headline(report),
        size=size(report),
        caveats=caveats(report),
        states=runs_by_state(report),
        signs=SIGNS,
        findings=list(zip(found, strips(found), strict=True)),
        more_findings=len(every) - len(found),
        comparison=comparison,
        figures=[_FigureItem(each.name, each.title, each.caption, inline(each.svg, each.name, each.alt)) for each in drawn],
        grid=grid,
        grid_anchors={report.configurations.names[digest]: f"cell-{digest}" for digest in report.configurations},
        origins=_origins(report),
        configurations=_configurations(report),
        count=report.results.runs["directory"].nunique(),
        anchors=_anchors(report),
        settings=_settings(report),
        BAD_FLAGS=[flag for flag in BAD_FLAGS if refresh is None or flag != "missing"],  # runs that have not started
        CAVEATS=CAVEATS,
        ROWS=ROWS,
        PRINTED=PRINTED,
        NOTES=NOTES,
        PROBLEMS=PROBLEMS,
        listed_in_full=len(report.results) <= IN_FULL,
    )
    return printable(page, lines=True)


def _sections(
    report: Report, found: Sequence[Finding], comparison: Table | None, drawn: Sequence[DrawnFigure]
) -> Iterator[_Section]:
    """The sections that have content, in order: the results first, then, folded, what they rest on."""
    tables = report.tables
    attribution = [_Section("attribution", "Attribution")] if tables.attributions else []
    by_orders = any(each.orders is not None for each in report.attributions)  # few configurations have runs of all seeds
    if found:
        yield _Section("findings", "Findings")
    yield from attribution if by_orders else ()
    if tables.ablation is not None:
        yield _Section("ablation", tables.ablation.title, wide=len(tables.ablation.columns) > WIDE)
    if comparison is not None:
        repeats = tables.ablation is not None  # it has the same rows
        yield _Section("configurations", "Configurations", repeats, len(comparison.columns) > WIDE)
    yield from () if by_orders else attribution
    if tables.blocks:
        yield _Section("blocks", "Blocks")
    if tables.scorecard is not None:
        yield _Section("scorecard", tables.scorecard.title)
    if drawn:
        yield _Section("figures", "Figures")
    if tables.contrasts is not None:
        yield _Section("contrasts", "Contrasts", folded=True)
    if tables.anova is not None:
        yield _Section("variance", tables.anova.title, folded=True)
    if tables.precision is not None:
        yield _Section("precision", tables.precision.title, folded=True)
    if tables.extra:
        yield _Section("measurements", "Further measurements", folded=True)
    yield _Section("status", "Run status", folded=not report.problems)
    yield _Section("provenance", "Provenance", folded=True)
    yield _Section("runs", "Runs", folded=True)


def _breakable(text: str) -> Markup:
    """Allow line breaks in a name after punctuation and underscores."""
    return Markup(re.sub(r"([,.=_])(?=[^\W\d])", r"\1<wbr>", str(escape(text))))


def _unbroken(text: str) -> Markup:
    """Keep `34.8 ± 1.4`, `[−1.3, +8.2]` and `(99.3 %)` on one line each where the screen allows it."""
    return Markup(
        re.sub(
            r"\[[^\]]*\][,.;]?|\([\d.]+ %\)[,.;]?|[+−]\S+ points|\S+ ± \S+|n = [\d,]+(?: blocks)?",
            lambda found: f'<span class="unbroken">{found[0]}</span>',
            str(escape(text)),
        )
    )


def _joined(text: str) -> str:
    """Keep `34.8 ± 1.4` and `[−1.3, +8.2]` in a cell of a table on one line each, also in print."""
    return re.sub(r" (?=±)|(?<=±) |(?<=,) (?=[^\[]*\])", "\N{NO-BREAK SPACE}", text)


def _sort_key(value: Value) -> float | str:
    """The number to sort by; empty for values that are sorted by their text."""
    if isinstance(value, Level):
        numeric = isinstance(value.value, int | float) and not isinstance(value.value, bool)
        return value.value if numeric else ""
    if value is None or isinstance(value, str | tuple):
        return ""
    return "" if math.isnan(value.sort_key) else value.sort_key


def _anchors(report: Report) -> dict[str, str]:
    """Short anchors for sources, because labels and claim ids may contain any characters."""
    names = [*(f"cell-{digest}" for digest in report.configurations), *report.sources]
    return {"runs": "runs", **{name: f"r{at}" for at, name in enumerate(names)}}


def _origins(report: Report) -> list[_Origin]:
    titles: dict[str, str] = {}
    for table, key in ((report.tables.contrasts, "change"), (report.tables.verdicts, "claim")):
        titles |= {row.source: text_of(row[key]) for row in table.rows} if table is not None else {}
    labels = report.configurations.labels
    return [
        _Origin(
            source,
            titles.get(source, source),
            [(f"cell-{cell}", labels[cell]) for cell in cells[:LISTED] if len(cells) < len(labels)],
            max(0, len(cells) - LISTED) if len(cells) < len(labels) else 0,
        )
        for source, cells in report.sources.items()
    ]


def _configurations(report: Report) -> list[_ConfigurationItem]:
    """All configurations with their runs and files."""
    results, study = report.results, report.results.folder
    root = None if study is None else quote(os.fsencode(os.path.relpath(study, report.folder).replace(os.sep, "/")))
    linked = FILES if len(results) <= IN_FULL else ()
    items = {
        digest: _ConfigurationItem(report.configurations.labels[digest], f"cell-{digest}") for digest in report.configurations
    }
    columns = ["cell", "seed", "status", "error", "left_out", "directory"]
    values = results.values[report.metric] if report.metric else pd.Series(math.nan, index=results.runs.index)
    for (cell, seed, status, error, left_out, directory), value in zip(
        results.runs[columns].itertuples(index=False, name=None), values, strict=True
    ):
        items[cell].runs.append(
            _RunItem(
                seed=seed,
                status="left out" if left_out else status,
                message=left_out or (error if pd.notna(error) else ""),
                value=number(value, report.metrics[report.metric]) if report.metric else "",
                directory=directory,
                path=None if root is None else f"{root}/{quote(os.fsencode(directory), safe='/=,+')}",
                files=[name for name in linked if study is not None and (study / directory / name).exists()],
            )
        )
    return list(items.values())


def _settings(report: Report) -> str:
    """The facts and the factors of the study as YAML."""
    results = report.results
    fixed: Mapping[str, Any] = results.manifest.fixed or {key: level.value for key, level in results.facts.items()}
    factors = {key: [level.value for level in factor] for key, factor in results.factors.items()}
    content = {"factors": factors, "fixed": {key: fixed[key] for key in sorted(fixed)}}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
