r"""Render a table as a LaTeX `table` environment for a two-column paper.

The text needs `\usepackage{booktabs}`, and graphicx if headers are rotated. `\cmark` and `\xmark` are defined unless the paper
defines them; with `pifont` they are its check mark and cross. On request, means and differences are in `S` columns of siunitx,
which aligns them at the decimal point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ablate.report.ablation import CONFIGURATION, DIFFERENCE, FLAGS, MEAN, SHARED, N
from ablate.report.escaping import engine_for, in_latex
from ablate.report.table import Column, Row, Table
from ablate.report.values import Baseline, Interval, PValue, Switch, is_best, text_of

ROWS = 40  # a float has to fit on a page
SLACK = 4  # rows more than these are shown all the same
COLUMN_WIDTH = 229  # points, of LaTeX's own two-column class; others have wider columns
TEXT_WIDTH = 1.9 * COLUMN_WIDTH  # below that of the page by what the estimate of long names may miss
WIDTHS = {
    **dict.fromkeys(" .,:;[]()|!iljtf", 0.32),
    **dict.fromkeys("+−±×=mwMWΔ✓✗", 0.8),
}  # in em, of Computer Modern; others 0.52
LOST = ("diverged", "failed", "interrupted", "no value", "missing")  # flags of runs without a result
MARKS = r"""\providecommand{\cmark}{\ifdefined\ding\ding{51}\else\ensuremath{\surd}\fi}
\providecommand{\xmark}{\ifdefined\ding\ding{55}\else\ensuremath{\times}\fi}
"""


@dataclass(frozen=True, slots=True)
class _Layout:
    """A type size at a main text of 10 points, the gap at each side of a column, and whether headers of levels are rotated."""

    size: str
    em: float  # points; small sizes of Computer Modern are wider than in proportion
    gap: int
    rotated: bool = False


LAYOUTS = [
    _Layout(size, em, gap, rotated)
    for size, em, rotated in (
        (r"\small", 9.0, False),
        (r"\footnotesize", 8.2, False),
        (r"\small", 9.0, True),
        (r"\footnotesize", 8.2, True),
        (r"\scriptsize", 7.5, False),
        (r"\scriptsize", 7.5, True),
    )
    for gap in (4, 3)
]
SHRUNK = 1.2  # a table that is at most this much too wide is scaled to the width of the column


@dataclass(frozen=True, slots=True)
class _Cell:
    """The LaTeX text of a cell, and its estimated width in em."""

    text: str
    width: float


def table_environment(table: Table, siunitx: bool = False) -> str:
    r"""Render a table with its caption. Flags are left out, p values become stars, and lost runs are marked by a dagger.

    The type size is the largest at which the table should fit the width of a column. A slightly wider table is scaled, and a
    much wider one becomes a `table*`, which is scaled to the page if it has to be: numbers beyond its edge would be lost.

    Args:
        table: a table with a caption.
        siunitx: whether means and differences are in `S` columns, for a paper with siunitx 2 or 3.
    """
    columns = [column for column in table.columns if column.kind != "flags" and not _of_p_values(table, column)]
    if N in table.keys and len(set(map(text_of, table.column(N)))) == 1:
        columns = [column for column in columns if column.key != N]  # the caption has it
    rows = _first(table.rows)
    stars = max((len(_stars(row)) for row in rows), default=0)
    sd = max((text_of(row[MEAN]).partition(" ± ")[2] for row in rows if MEAN in row.values), key=len, default="")
    aligned = {column.key: _Aligned.of(column, rows) for column in columns if siunitx and column.key in (MEAN, DIFFERENCE)}
    cells = [
        [aligned[column.key].cell(row) if column.key in aligned else _cell(row, column, stars, sd) for column in columns]
        for row in rows
    ]
    widths = [max((row[at].width for row in cells), default=0.0) for at in range(len(columns))]
    layout, excess = _fitting(COLUMN_WIDTH, columns, widths)
    environment, room = "table", r"\columnwidth"
    if excess > SHRUNK:
        layout, excess = _fitting(TEXT_WIDTH, columns, widths)
        environment, room = "table*", r"\textwidth"
    before, after = (rf"\resizebox{{{room}}}{{!}}{{%", "}") if excess > 1 else ("", "")
    kinds = "".join(aligned[column.key].kind if column.key in aligned else _kind(column) for column in columns)
    titles = [_title(column, layout) for column in columns]
    heads = [
        f"{{{title.text}}}" if column.key in aligned else title.text for column, title in zip(columns, titles, strict=True)
    ]
    lines = [
        rf"{_rule(row, at)}{' & '.join(cell.text for cell in of_row)} \\"
        for at, (row, of_row) in enumerate(zip(rows, cells, strict=True))
    ]
    if more := len(table.rows) - len(rows):
        lines.append(rf"\multicolumn{{{len(columns)}}}{{@{{}}l@{{}}}}{{\dots{{}} {more} more rows}} \\")
    text = "\n".join(
        [
            rf"\begin{{{environment}}}[t]",
            *(_marks(table)),
            rf"\centering{layout.size}\setlength{{\tabcolsep}}{{{layout.gap}pt}}\setlength{{\belowcaptionskip}}{{4pt}}",
            rf"\caption{{{_caption(table, rows)}}}",
            rf"\label{{{table.label}}}",
            *([before] if before else []),
            rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            rf"\end{{tabular}}{after}",
            rf"\end{{{environment}}}",
            "",
        ]
    )
    further = (",graphicx" if r"\rotatebox" in text or before else "") + (",siunitx" if aligned else "")
    return rf"% Needs \usepackage{{booktabs{further}}}{engine_for(text)}." + f"\n{text}"


@dataclass(frozen=True, slots=True)
class _Aligned:
    """A column of numbers that siunitx aligns at the decimal point; what follows a number is text.

    Attributes:
        key: that of the column.
        kind: the column type with its options.
    """

    key: str
    kind: str

    @classmethod
    def of(cls, column: Column, rows: Sequence[Row]) -> _Aligned:
        found = [split for row in rows if (split := _number_and_rest(text_of(row[column.key]))) is not None]
        numbers = [number.lstrip("+-").partition(".") for number, _ in found]
        whole = max((len(each[0]) for each in numbers), default=1)
        decimals = max((len(each[2]) for each in numbers), default=0)
        sign = "+" if any(number[0] in "+-" for number, _ in found) else ""
        post = max((_after(row, column.key, split[1]) for row in rows
                    if (split := _number_and_rest(text_of(row[column.key]))) is not None),
                   key=_ems, default="")  # fmt: skip
        options = f"table-format={sign}{whole}.{decimals},detect-weight,mode=text,table-space-text-post={{{post}}}"
        return cls(column.key, f"S[{options}]")

    def cell(self, row: Row) -> _Cell:
        text = text_of(row[self.key])
        if (split := _number_and_rest(text)) is None:
            return _Cell(f"{{{in_latex(text)}}}", _ems(text))
        number, rest = split
        bold = r"\bfseries " if is_best(row[self.key]) else ""
        after = _after(row, self.key, rest)
        return _Cell(f"{bold}{number}" + (f"{{{after}}}" if after else ""), _ems(text) + 0.4 * len(_stars(row)))


def _number_and_rest(text: str) -> tuple[str, str] | None:
    """The number at the start of a text, as siunitx reads it, and what follows it; None without a number."""
    found = re.match(r"([+−]?[\d,]+(?:\.\d+)?)(?= |$)(?! M)(.*)", text)
    return (found[1].replace("−", "-").replace(",", ""), re.sub(r"(?<=[\[ ])\+", "", found[2])) if found else None


def _after(row: Row, key: str, rest: str) -> str:
    """The LaTeX text after a number: standard deviation, dagger and stars."""
    text = in_latex(rest)
    if key == MEAN and (mark := _mark(row)):
        text += mark
    if key == DIFFERENCE and (stars := _stars(row)):
        text += rf"$^{{{stars}}}$"
    return text


def _kind(column: Column) -> str:
    return "c" if column.kind == "switch" else "r" if column.numeric else "l"


def _width(layout: _Layout, columns: Sequence[Column], widths: Sequence[float]) -> float:
    """The estimated width of a table in points."""
    titles = [_title(column, layout).width for column in columns]
    return sum(map(max, titles, widths)) * layout.em + 2 * layout.gap * (len(columns) - 1)


def _fitting(room: float, columns: Sequence[Column], widths: Sequence[float]) -> tuple[_Layout, float]:
    """The largest layout at which a table fits, or the narrowest one, and its width as a fraction of the room in points."""

    def width(layout: _Layout) -> float:
        return _width(layout, columns, widths)

    layout = next((each for each in LAYOUTS if width(each) <= room), min(LAYOUTS, key=width))
    return layout, width(layout) / room


def _ems(text: str) -> float:
    return sum(WIDTHS.get(character, 0.52) for character in text)


def _of_p_values(table: Table, column: Column) -> bool:
    return any(isinstance(value, PValue) for value in table.column(column.key))


def _stars(row: Row) -> str:
    return next((value.stars for value in row.values.values() if isinstance(value, PValue)), "")


def _marks(table: Table) -> Iterator[str]:
    """The definitions of ✓ and ✗, if the table has any."""
    if any(column.kind == "switch" for column in table.columns):
        yield from MARKS.splitlines()


def _rule(row: Row, at: int) -> str:
    """A rule above the baseline of each block but the first."""
    return "\\midrule\n" if at and _begins(row) else ""


def _begins(row: Row) -> bool:
    """Whether a row is the baseline, with which a block begins."""
    return isinstance(row.values.get(DIFFERENCE), Baseline)


def _first(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows that fit on a page: whole blocks where they fill half of it; all if there are hardly more."""
    if len(rows) <= ROWS + SLACK:
        return rows
    return rows[: max((at for at in range(ROWS // 2, ROWS + 1) if _begins(rows[at])), default=ROWS)]


def _lost(row: Row) -> str:
    """The flags of a row about runs without a result."""
    flags = row.values.get(FLAGS)
    return ", ".join(flag.text for flag in flags if flag.kind in LOST) if isinstance(flags, tuple) else ""


def _mark(row: Row) -> str:
    """What stands above the mean of a row: a dagger for lost runs, and the letter of rows that are one experiment."""
    letter = row.values.get(SHARED)
    dagger = r"$^\dagger$" if _lost(row) else ""
    return dagger + (rf"$^{{\mathrm{{{letter}}}}}$" if letter else "")


def _caption(table: Table, rows: Sequence[Row]) -> str:
    caption = in_latex(table.caption)
    for mark, macro in (("✓", r"\cmark{}"), ("✗", r"\xmark{}")):
        caption = caption.replace(in_latex(mark), macro)
    caption = re.sub(r"(\*+)p", r"$^{\1}$p", caption)
    caption = re.sub(r"\bp \\textless\{\} ([\d.]+)", r"$p<\1$", caption)
    caption = re.sub(r"(?<=\d) (?=\\%)", r"\\,", caption)
    caption = re.sub(r"\bn = (\d+)", r"$n=\1$", caption)
    if lost := [f"{text_of(row[CONFIGURATION])}: {_lost(row)}" for row in rows if _lost(row)]:
        caption += rf" $^\dagger$Runs without a result, {in_latex('; '.join(lost))}."
    return caption


def _title(column: Column, layout: _Layout) -> _Cell:
    """A header: two words or more are stacked, and in a narrow table the names of factors are rotated."""
    if column.kind in ("switch", "level") and layout.rotated:
        return _Cell(rf"\rotatebox{{90}}{{{in_latex(column.title)}}}", 1.2)
    words = column.title.split(" ")
    if len(words) < 2:
        return _Cell(in_latex(column.title), _ems(column.title))
    middle = min(range(1, len(words)), key=lambda at: max(len(" ".join(words[:at])), len(" ".join(words[at:]))))
    lines = [" ".join(words[:middle]), " ".join(words[middle:])]
    side = "c" if column.kind == "switch" else "r" if column.numeric else "l"
    stacked = r"\\".join(map(in_latex, lines))
    return _Cell(rf"\shortstack[{side}]{{{stacked}}}", max(map(_ems, lines)))


def _cell(row: Row, column: Column, stars: int, sd: str) -> _Cell:
    """A cell, padded to align its column: `sd` is the longest standard deviation, `stars` the largest number of stars."""
    value = row[column.key]
    if isinstance(value, Switch):
        return _Cell(r"\cmark" if value.on else r"\xmark", WIDTHS["✓"])
    text = text_of(value)
    if isinstance(value, Interval):
        text = re.sub(r"(?<=[\[ ])\+", "", text)  # only the estimate has a plus sign
    shown, width = in_latex(text), _ems(text)
    if is_best(value):
        shown = rf"\textbf{{{shown}}}".replace(r"$\pm$", r"\boldmath$\pm$")
        width *= 1.15
    if column.key == MEAN and sd and "±" not in text:
        shown += rf"\hphantom{{ $\pm$ {sd}}}"
    if column.key == MEAN and (mark := _mark(row)):
        shown = rf"{shown}\rlap{{{mark}}}"
    if column.key == DIFFERENCE and stars:  # all intervals end at the same place
        own = _stars(row)
        shown += rf"\rlap{{$^{{{own}}}$}}" if own else ""
        shown += rf"\hphantom{{$^{{{'*' * stars}}}$}}"
        width += 0.4 * stars
    return _Cell(shown, width)
