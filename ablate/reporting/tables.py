"""The comparison tables: from the frames of `analysis` to cells of text, for a terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from rich.markup import escape
from rich.table import Table

from ablate.reporting.wording import HOLE, Wording, number, wording_of
from ablate.study.design import say


@dataclass
class TextTable:
    """A table whose cells are text. Columns from `numbers_from` on are set to the right."""

    title: str
    headers: list[str]
    rows: list[list[str]]
    numbers_from: int
    notes: list[str] = field(default_factory=list)

    def to_rich(self) -> Table:
        """For a terminal, where title and notes stand around it: they would wrap at the width of the table."""
        table = Table()
        for index, header in enumerate(self.headers):
            table.add_column(escape(header), justify="right" if index >= self.numbers_from else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(escape(cell) for cell in row))
        return table

    def to_markdown(self) -> str:
        rule = ["---:" if index >= self.numbers_from else "---" for index in range(len(self.headers))]
        lines = [" | ".join(_in_markdown(cell) for cell in row) for row in [self.headers, *self.rows]]
        body = [f"| {lines[0]} |", f"| {' | '.join(rule)} |", *(f"| {line} |" for line in lines[1:])]
        return "\n".join([f"## {self.title}", "", *body, "", *(f"{note}  " for note in self.notes)]).rstrip() + "\n"


def results(
    summary: pd.DataFrame, differences: pd.DataFrame, metric: str, metrics: Sequence[str], factors: Sequence[str]
) -> TextTable:
    """What each cell achieved, and its paired difference to the baseline (the first row)."""
    shown = [name for name in metrics if not wording_of(name).cost and not wording_of(name).hidden]
    headers = [*_level_headers(factors), "n", *(wording_of(name).title for name in shown)]
    if len(summary) > 1:
        headers.append(f"{wording_of(metric).title} - first row")
    by_cell = differences.set_index("cell")
    rows = []
    for position, (_, row) in enumerate(summary.iterrows()):
        cells = [*_levels(row, factors), _count(row), *(_mean(row, name) for name in shown)]
        if len(summary) > 1:
            cells.append("baseline" if position == 0 else _difference(by_cell.loc[row["cell"]], wording_of(metric)))
        rows.append(cells)
    notes = ["Mean ± standard deviation over n seeds."]
    if any(wording_of(name).percent for name in shown):
        notes[0] += " Accuracies in %, of the last epoch (final) and of the best (peak)."
    if any(name.startswith("article_") for name in shown):
        notes.append("(article): tested as the article's author did, in training mode and on flipped images.")
    if len(summary) > 1:
        notes.append(f"{headers[-1]}: mean over paired seeds; from two pairs on, with the 95 % interval of the paired t.")
    return TextTable("Results", headers, rows, len(_level_headers(factors)), notes)


def verdicts(judged: pd.DataFrame) -> TextTable:
    """What the study says of each claim, in the order of the claims (see `ablate.analysis.judging.judge`)."""
    rows = []
    for row in judged.to_dict("records"):
        # a ratio is a number of its own, whatever it is a ratio of
        wording = Wording("", digits=3) if row["scale"] == "ratio" else wording_of(row["metric"])
        estimate = _difference(pd.Series(row), wording, signed=row["kind"] not in ("exact", "path") and row["scale"] != "ratio")
        rows.append([row["id"], row["says"], row["verdict"], estimate, str(row["look"] or row["n"]), row["reason"]])
    notes = [
        "The estimate has its 95 % interval over seeds, not adjusted for looks; verdicts are (5, 8, 12 and 20 seeds, Holm)."
    ]
    return TextTable("Verdicts", ["claim", "says", "verdict", "estimate", "n", "why"], rows, len(rows[0]) if rows else 0, notes)


def costs(summary: pd.DataFrame, metrics: Sequence[str], factors: Sequence[str]) -> TextTable | None:
    """What each cell takes; None if no metric says so."""
    shown = [name for name in metrics if wording_of(name).cost and not wording_of(name).hidden]
    if not shown:
        return None
    rows = [[*_levels(row, factors), *(_mean(row, name) for name in shown)] for _, row in summary.iterrows()]
    notes = []
    if any("to target" in wording_of(name).title for name in shown):
        notes.append(f"To target: of the runs that reached it, with their number; {HOLE}: none did.")
    return TextTable(
        "Costs",
        [*_level_headers(factors), *(wording_of(name).title for name in shown)],
        rows,
        len(_level_headers(factors)),
        notes,
    )


def _level_headers(factors: Sequence[str]) -> list[str]:
    return list(factors) or ["cell"]


def _levels(row: pd.Series, factors: Sequence[str]) -> list[str]:
    return [say(row[factor]) for factor in factors] or [str(row["label"])]


def _count(row: pd.Series) -> str:
    return str(row["n"]) if row["n"] == row["runs"] else f"{row['n']} of {row['runs']}"


def _mean(row: pd.Series, metric: str) -> str:
    wording = wording_of(metric)
    text = number(row[metric], wording)
    if text == HOLE:
        return text
    if row[f"{metric}_n"] < row["n"]:
        return f"{text} ({row[f'{metric}_n']:.0f} of {row['n']})"
    spread = row[f"{metric}_sd"]
    return f"{text} ± {number(spread, wording)}" if pd.notna(spread) and spread > 0 else text


def _difference(row: pd.Series, wording: Wording, signed: bool = True) -> str:
    text = number(row["estimate"], wording, signed)
    if pd.isna(row["low"]):
        return text
    return f"{text} [{number(row['low'], wording, signed)}, {number(row['high'], wording, signed)}]"


def _in_markdown(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")
