"""A table whose cells are text, and how it is written: for a terminal, in Markdown, in LaTeX, as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd
from rich.markup import escape
from rich.table import Table

SHOWN = 24  # rows in a terminal and in Markdown; the files have all

_INTERVAL = r"\[[-+\d.,e M–]+\](?![\[(:])"  # numbers in brackets are no link
_IN_MARKDOWN = re.compile(rf"{_INTERVAL}|[\\`*\[\]~$|]|!(?=\[)|(?<![^\W_])_|_(?![^\W_])")  # within a word _ is itself
_IN_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "±": r"$\pm$", "×": r"$\times$", "→": r"$\rightarrow$", "–": "--", "²": r"\textsuperscript{2}", "…": r"\dots{}",
    "ω": r"$\omega$", "≥": r"$\geq$", "\n": " ",
}  # fmt: skip


@dataclass
class TextTable:
    """Columns from `numbers_from` on are set to the right.

    `sources` has for each row the name of what its numbers come from, to link to; `loose` are the columns of sentences, which
    may be broken into lines.
    """

    title: str
    headers: list[str]
    rows: list[list[str]]
    numbers_from: int
    notes: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    loose: tuple[str, ...] = ()
    numbers: pd.DataFrame | None = None  # for the CSV: what the text was made of
    at_once: bool = True  # printed when a report is written; else it is in its files alone
    file: str = ""  # without suffix, where it is not made from the title

    @property
    def name(self) -> str:
        """As the name of a file."""
        return self.file or self.title.lower().replace(" ", "_")

    def to_rich(self) -> Table:
        """For a terminal, where title and notes stand around it: they would wrap at the width of the table."""
        table = Table()
        for index, header in enumerate(self.headers):
            table.add_column(escape(header), justify="right" if self.is_number(index) else "left", overflow="fold")
        for row in self._first_rows():
            table.add_row(*(escape(cell) for cell in row))
        return table

    def to_markdown(self) -> str:
        """Names stay text, in cells and in notes."""
        rule = ["---:" if self.is_number(index) else "---" for index in range(len(self.headers))]
        lines = [" | ".join(in_markdown(cell) for cell in row) for row in [self.headers, *self._first_rows()]]
        body = [f"| {lines[0]} |", f"| {' | '.join(rule)} |", *(f"| {line} |" for line in lines[1:])]
        return (
            "\n".join([f"## {self.title}", "", *body, "", *(f"{line_in_markdown(note)}  " for note in self.notes)]).rstrip()
            + "\n"
        )

    def to_csv(self) -> str:
        """Every row: the numbers as they are, else the text."""
        if self.numbers is not None:
            return self.numbers.to_csv(index=False)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.headers, *self.rows])
        return text.getvalue()

    def to_latex(self) -> str:
        """Every row in a `tabular` for \\input, with the rules of booktabs. Sentences have the type p{}."""
        room = 0.5 if len(self.headers) < 8 or len(self.loose) > 1 else 0.2  # beside many columns a sentence has little
        sentence = f"p{{{room / max(len(self.loose), 1):.2f}\\linewidth}}"
        kinds = [
            sentence if header in self.loose else "r" if self.is_number(index) else "l"
            for index, header in enumerate(self.headers)
        ]
        lines = [" & ".join(map(in_latex, row)) + r" \\" for row in [self.headers, *self.rows]]
        return "\n".join(
            [
                "% \\usepackage{booktabs}; other letters than Latin ones need XeLaTeX or LuaLaTeX and a font that has them",
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

    def is_number(self, index: int) -> bool:
        """Whether a column is one of numbers."""
        return self.numbers_from <= index < len(self.headers) and self.headers[index] not in self.loose

    def _first_rows(self) -> list[list[str]]:
        if len(self.rows) <= SHOWN:
            return self.rows
        rest = f"… {len(self.rows) - SHOWN} more in tables/{self.name}.csv"
        return [*self.rows[:SHOWN], [rest, *[""] * (len(self.headers) - 1)]]


def in_markdown(text: str) -> str:
    """Text that stays text, in a table too."""
    text = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").splitlines())
    return _IN_MARKDOWN.sub(lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", text)


def line_in_markdown(text: str) -> str:
    """The same for the beginning of a line, where a sign could begin a heading, a list or a quotation."""
    return re.sub(r"^(\d*)(?=>|[-+=#.)]+(?:\s|$))", r"\1\\", in_markdown(text).strip())


def in_latex(text: str) -> str:
    """Text that stays text. At the head of a row a bracket would be read as an argument of the row before."""
    special: Callable[[re.Match[str]], str] = lambda found: _IN_LATEX[found[0]]  # noqa: E731 - it needs its type
    escaped = re.sub("|".join(map(re.escape, _IN_LATEX)), special, text)
    return f"{{{escaped}}}" if escaped.startswith(("[", "*")) else escaped
