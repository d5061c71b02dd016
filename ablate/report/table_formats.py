"""Render a table for the terminal, as Markdown, LaTeX and CSV. For HTML, see templates/index.html."""

from __future__ import annotations

import rich.table
from rich.markup import escape

from ablate.report.escaping import in_latex, in_markdown, line_in_markdown
from ablate.report.table import Column, Row, Table
from ablate.report.values import has_number, text_of

SHOWN = 24  # rows in the terminal and in Markdown; the files have all


def to_rich(table: Table) -> rich.table.Table:
    """Render the rows for the terminal, cut to `SHOWN`, without title and notes, which would wrap at the width of the table."""
    shown = rich.table.Table()
    for column in table.columns:
        shown.add_column(escape(column.title), justify="right" if column.numeric else "left", overflow="fold")
    for row in table.rows[:SHOWN]:
        shown.add_row(*(escape(text_of(row[column.key])) for column in table.columns))
    if rest := _rest(table):
        shown.add_row(rest)
    return shown


def to_markdown(table: Table) -> str:
    """Render heading, rows (cut to `SHOWN`) and notes as Markdown."""
    lines = [_markdown_line([in_markdown(column.title) for column in table.columns])]
    lines.append(_markdown_line(["---:" if column.numeric else "---" for column in table.columns]))
    lines += [_markdown_line([_in_markdown(row, column) for column in table.columns]) for row in table.rows[:SHOWN]]
    if rest := _rest(table):
        lines.append(_markdown_line([in_markdown(rest), *[""] * (len(table.columns) - 1)]))
    notes = [f"{line_in_markdown(note)}  " for note in table.notes]
    return "\n".join([f"## {in_markdown(table.title)}", "", *lines, "", *notes]).rstrip() + "\n"


def to_latex(table: Table) -> str:
    r"""Render all rows as a LaTeX `tabular` with booktabs rules. Columns of sentences have the type p{}."""
    sentences = sum(column.wraps for column in table.columns)
    room = 0.5 if len(table.columns) < 8 or sentences > 1 else 0.2  # with many columns, a sentence gets little room
    sentence = f"p{{{room / max(sentences, 1):.2f}\\linewidth}}"
    kinds = [sentence if column.wraps else "r" if column.numeric else "l" for column in table.columns]
    rows = [[text_of(row[column.key]) for column in table.columns] for row in table.rows]
    lines = [" & ".join(map(in_latex, row)) + r" \\" for row in [[column.title for column in table.columns], *rows]]
    return "\n".join(
        [
            "% \\usepackage{booktabs}; non-Latin letters need XeLaTeX or LuaLaTeX and a font that has them",
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


def to_csv(table: Table) -> str:
    """Render the unrounded numbers of the table as CSV."""
    return table.data.to_csv(index=False)


def _in_markdown(row: Row, column: Column) -> str:
    value = row[column.key]
    return (
        text_of(value) if has_number(value) else in_markdown(text_of(value))
    )  # escape the brackets of intervals, which are not links


def _markdown_line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rest(table: Table) -> str:
    more = len(table.rows) - SHOWN
    return f"… {more} more in tables/{table.name}.csv" if more > 0 else ""
