"""Render a table for the terminal, as Markdown, LaTeX and CSV. For HTML, see templates/index.html."""

from __future__ import annotations

import pandas as pd
import rich.table
from markupsafe import escape as escape_html
from rich.console import JustifyMethod
from rich.markup import escape

from ablate.core.levels import Level
from ablate.core.text import in_spreadsheet, printable
from ablate.report.escaping import engine_for, in_latex, in_markdown, line_in_markdown
from ablate.report.latex_table import table_environment
from ablate.report.table import Column, Row, Table
from ablate.report.values import AtSeed, Value, has_number, is_best, text_of

SHOWN = 24  # rows in the terminal and in report.md; the files have all
SLACK = 4  # rows more than these are shown all the same
_ALIGNED = {"number": "---:", "switch": ":---:"}


def to_rich(table: Table) -> rich.table.Table:
    """Render the first rows for the terminal, without title and notes, which would wrap at the width of the table."""
    shown = rich.table.Table()
    for column in table.columns:
        justify: JustifyMethod = "right" if column.numeric else "center" if column.kind == "switch" else "left"
        shown.add_column(escape(printable(column.title)), justify=justify, overflow="fold")
    for row in _first(table, SHOWN):
        shown.add_row(*(_in_terminal(row[column.key]) for column in table.columns))
    if rest := _rest(table, SHOWN):
        shown.add_row(rest)
    return shown


def to_markdown(table: Table, most: int | None = None) -> str:
    """Render heading, rows (the first `most` and the best, or a few more; None for all) and notes as Markdown."""
    lines = [_markdown_line([in_markdown(column.title) for column in table.columns])]
    lines.append(_markdown_line([_ALIGNED.get(column.kind, "---") for column in table.columns]))
    lines += [_markdown_line([_in_markdown(row, column) for column in table.columns]) for row in _first(table, most)]
    if rest := _rest(table, most):
        lines.append(_markdown_line([in_markdown(rest), *[""] * (len(table.columns) - 1)]))
    notes = [f"{line_in_markdown(note)}  " for note in table.notes]
    return "\n".join([f"## {in_markdown(table.title)}", "", *lines, "", *notes]).rstrip() + "\n"


def to_latex(table: Table, siunitx: bool = False) -> str:
    r"""Render all rows as a LaTeX `tabular` with booktabs rules. Columns of sentences have the type p{}.

    A table with a caption becomes a `table` environment, on request with `S` columns of siunitx, see latex_table.py.
    """
    if table.caption:
        return table_environment(table, siunitx)
    sentences = sum(column.wraps for column in table.columns)
    room = 0.5 if len(table.columns) < 8 or sentences > 1 else 0.2  # with many columns, a sentence gets little room
    sentence = f"p{{{room / max(sentences, 1):.2f}\\linewidth}}"
    kinds = [sentence if column.wraps else "r" if column.numeric else "l" for column in table.columns]
    rows = [[text_of(row[column.key]) for column in table.columns] for row in table.rows]
    lines = [" & ".join(map(in_latex, row)) + r" \\" for row in [[column.title for column in table.columns], *rows]]
    return "\n".join(
        [
            f"% \\usepackage{{booktabs}}{engine_for(' '.join(lines))}",
            f"\\begin{{tabular}}{{{''.join(kinds)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def to_html(table: Table) -> str:
    """Render all rows as an HTML table with the notes below it, without scripts or styles."""
    style = {"number": ' style="text-align: right; white-space: nowrap"', "switch": ' style="text-align: center"'}
    head = [f"<th{style.get(column.kind, '')}>{escape_html(column.title)}</th>" for column in table.columns]
    lines = [f"<table>\n<caption>{escape_html(table.title)}</caption>", f"<thead><tr>{''.join(head)}</tr></thead>", "<tbody>"]
    for row in table.rows:
        cells = [f"<td{style.get(column.kind, '')}>{_in_html(row[column.key])}</td>" for column in table.columns]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    notes = [f"<p>{escape_html(note)}</p>" for note in table.notes]
    return printable("\n".join([*lines, "</tbody>", "</table>", *notes, ""]), lines=True)


def to_csv(table: Table) -> str:
    """Render the unrounded numbers of the table as CSV."""
    return frame_to_csv(table.data)


def frame_to_csv(frame: pd.DataFrame) -> str:
    """Render a frame as CSV, with a quote before text that a spreadsheet would read as a formula."""
    inert = frame.rename(columns=lambda name: in_spreadsheet(str(name)))
    for position, kind in enumerate(inert.dtypes):
        if kind.kind not in "biufc":
            cells = [in_spreadsheet(str(cell)) if isinstance(cell, str | Level) else cell for cell in inert.iloc[:, position]]
            inert.isetitem(position, pd.Series(cells, index=inert.index, dtype=object))  # type: ignore[arg-type]
    return inert.to_csv(index=False)


def _in_markdown(row: Row, column: Column) -> str:
    value = row[column.key]
    # the brackets of intervals are not links; `AtSeed` has the name of a seed or block
    plain = has_number(value) and not isinstance(value, AtSeed)
    text = text_of(value) if plain else in_markdown(text_of(value))
    return f"**{text}**" if is_best(value) else text


def _in_html(value: Value) -> str:
    text = escape_html(text_of(value))
    return f"<b>{text}</b>" if is_best(value) else str(text)


def _in_terminal(value: Value) -> str:
    text = escape(printable(text_of(value)))
    return f"[bold]{text}[/bold]" if is_best(value) else text


def _markdown_line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _first(table: Table, most: int | None) -> list[Row]:
    """The first rows and every later one in bold, or all if there are hardly more."""
    if most is None or len(table.rows) <= most + SLACK:
        return list(table.rows)
    return [row for at, row in enumerate(table.rows) if at < most or any(map(is_best, row.values.values()))]


def _rest(table: Table, most: int | None) -> str:
    more = len(table.rows) - len(_first(table, most))
    return f"… {more} more in tables/{table.name}.csv" if more > 0 else ""
