"""Every format shows the same texts, and nothing that a name could smuggle in."""

import csv
import io
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.report.table import Column, Row, Table
from ablate.report.table_formats import SHOWN, SLACK, frame_to_csv, to_csv, to_latex, to_markdown, to_rich
from ablate.report.values import AtSeed, Count, Interval, Mean, Value
from ablate.stats.flags import Flag

SPEC = MetricSpec("accuracy", unit="%", digits=1)


def table(columns: list[Column], *rows: list[Value], notes: tuple[str, ...] = (), title: str = "T") -> Table:
    keys = [column.key for column in columns]
    found = [Row(dict(zip(keys, row, strict=True))) for row in rows]
    return Table("long_table", title, columns, found, pd.DataFrame({"mean": [0.555123], "sd": [0.001]}), notes)


NAME, NUMBER, SENTENCE = Column("a", "a|b"), Column("n", "n", "number"), Column("why", "why", "sentence")
LONG = table([NAME, NUMBER, SENTENCE], *([f"c{at}", Count(at), "because"] for at in range(SHOWN + SLACK + 3)))


def test_markdown_and_terminal_show_names_as_text() -> None:
    shown = table([NAME, NUMBER], ["<script>|", "[red]1"], notes=("a note",))
    assert to_markdown(shown).splitlines() == [
        "## T", "", "| a\\|b | n |", "| --- | ---: |", "| &lt;script>\\| | \\[red\\]1 |", "", "a note",
    ]  # fmt: skip
    console = Console(file=io.StringIO(), width=80)
    console.print(to_rich(shown))
    assert "[red]1" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_value_has_the_same_text_in_every_format() -> None:
    flags = (Flag("failed", "1 failed"), Flag("slower", "slower: 9 %"))
    columns = [NUMBER, Column("d", "d", "number"), Column("flags", "flags", "flags")]
    shown = table(columns, [Mean(0.81, 0.01, 2, 2, SPEC), Interval(-0.01, -0.03, 0.01, SPEC), flags])
    assert to_markdown(shown).splitlines()[4] == "| 81.0 ± 1.0 | −1.0 [−3.0, +1.0] | 1 failed; slower: 9 % |"
    assert to_latex(shown).splitlines()[5] == r"81.0 $\pm$ 1.0 & $-$1.0 [$-$3.0, +1.0] & 1 failed; slower: 9 \% \\"
    console = Console(file=io.StringIO(), width=80)
    console.print(to_rich(shown))
    assert "│ 81.0 ± 1.0 │ −1.0 [−3.0, +1.0] │ 1 failed; slower: 9 % │" in console.file.getvalue()  # type: ignore[attr-defined]


def test_of_many_rows_a_terminal_shows_some_and_says_where_the_others_are() -> None:
    assert len(to_markdown(LONG).splitlines()[4:]) == SHOWN + SLACK + 3
    rows = to_markdown(LONG, SHOWN).splitlines()[4:]
    assert len(rows) == SHOWN + 1
    assert rows[-1] == f"| … {SLACK + 3} more in tables/long_table.csv |  |  |"
    assert to_rich(LONG).row_count == SHOWN + 1
    assert to_latex(LONG).count(r"\\") == SHOWN + SLACK + 4


def test_a_few_rows_more_are_shown_and_the_best_always() -> None:
    few = replace(LONG, rows=LONG.rows[: SHOWN + SLACK])
    assert len(to_markdown(few, SHOWN).splitlines()[4:]) == to_rich(few).row_count == SHOWN + SLACK
    best = Row({**LONG.rows[-2].values, NUMBER.key: Mean(3.0, 0.1, 5, 5, MetricSpec("x"), best=True)})
    rows = to_markdown(replace(LONG, rows=[*LONG.rows[:-2], best, LONG.rows[-1]]), SHOWN).splitlines()[4:]
    assert "**3.00 ± 0.10**" in rows[-2]
    assert f"… {SLACK + 2} more" in rows[-1]


def test_latex_has_the_rules_of_booktabs_and_no_other_commands() -> None:
    shown = table([Column("a", "a_b"), NUMBER, SENTENCE], ["[x] 5% & $x^2$ {~\\}", "1 ± 2", "#1"])
    assert to_latex(shown).splitlines()[1:] == [
        r"\begin{tabular}{lrp{0.50\linewidth}}",
        r"\toprule",
        r"a\_b & n & why \\",
        r"\midrule",
        r"{[x] 5\% \& \$x\textasciicircum{}2\$ \{\textasciitilde{}\textbackslash{}\}} & 1 $\pm$ 2 & \#1 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_a_sentence_beside_many_columns_is_narrow() -> None:
    columns = [Column("a", "a"), *(Column(name, name, "number") for name in "bcdefg"), Column("h", "h", "sentence")]
    assert r"{lrrrrrrp{0.20\linewidth}}" in to_latex(table(columns, ["x"] * 8))


def test_the_csv_has_the_numbers_with_all_their_digits() -> None:
    assert to_csv(LONG) == "mean,sd\n0.555123,0.001\n"


NAMES = [
    "*a*", "**a**", "_a_", "__a", "a__b__", "a_b_c", "![i](http://x)", "![1](http://x)", "[1](http://x)", "[1, 2]", "`a`", "``a` b",
    "a\\*b", "a\\", "a|b", "~~a~~", "<b>a</b>", "<http://x>", "&amp;", "[1]: http://x", "final_test_accuracy", "a! [b]",
]  # fmt: skip


def text_of(tokens: list[Any]) -> str:
    assert not {token.type for token in tokens} - {"text", "text_special"}, "some of it is not text"
    return "".join(token.content for token in tokens)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_to_a_parser_of_markdown(name: str) -> None:
    shown = table(
        [Column("a", name), NUMBER, Column("worst", "lowest block", "number")],
        [name, Interval(0.01, 0.005, 0.015, SPEC), AtSeed(-0.01, name, SPEC)],
        notes=(f"{name}: a note",),
        title=name,
    )
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(to_markdown(shown))
    texts = [text_of(token.children or []) for token in tokens if token.type == "inline"]
    assert texts == [
        name, name, "n", "lowest block", name, "+1.0 [+0.5, +1.5]", f"−1.0 ({name})", f"{name}: a note"
    ]  # fmt: skip


def test_text_that_a_spreadsheet_would_compute_is_quoted_and_numbers_are_not() -> None:
    cells = ["=cmd()", "+1+1", "-2+3", "@x", "\tx", "-0.5", "+3", "-inf", "a=1", "–"]
    frame = pd.DataFrame(
        {"=name": cells, "n": [-1.5] * len(cells), "level": [Level.of("=x"), *[Level.of(-1)] * (len(cells) - 1)]}
    )
    rows = list(csv.reader(io.StringIO(frame_to_csv(frame))))
    assert rows[0] == ["'=name", "n", "level"]
    assert [row[0] for row in rows[1:]] == ["'=cmd()", "'+1+1", "'-2+3", "'@x", "'\tx", "-0.5", "+3", "-inf", "a=1", "–"]
    assert {row[1] for row in rows[1:]} == {"-1.5"}
    assert [row[2] for row in rows[1:3]] == ["'=x", "-1"]


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(to_rich(table([Column("a", "\x1b[2Ja")], ["\x1b[31mred"])))
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
