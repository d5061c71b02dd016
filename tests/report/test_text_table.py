"""Tables as text: nothing that a name could smuggle in."""

import io
from typing import Any

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from ablate.report.text_table import SHOWN, TextTable, in_latex, in_markdown, line_in_markdown

LONG = TextTable(
    "Long Table", ["cell", "n", "why"], [[f"c{at}", str(at), "because"] for at in range(SHOWN + 3)], 1, loose=("why",)
)


def test_markdown_and_terminal_show_names_as_text() -> None:
    table = TextTable("T", ["a|b", "n"], [["<script>|", "[red]1"]], 1, ["a note"])
    assert table.to_markdown().splitlines() == [
        "## T", "", "| a\\|b | n |", "| --- | ---: |", "| &lt;script>\\| | \\[red\\]1 |", "", "a note",
    ]  # fmt: skip
    console = Console(file=io.StringIO(), width=80)
    console.print(table.to_rich())
    assert "[red]1" in console.file.getvalue()  # type: ignore[attr-defined]


def test_of_many_rows_a_terminal_shows_some_and_says_where_the_others_are() -> None:
    rows = LONG.to_markdown().splitlines()[4:]
    assert len(rows) == SHOWN + 1
    assert rows[-1] == "| … 3 more in tables/long_table.csv |  |  |"
    assert LONG.to_csv().count("\n") == SHOWN + 4
    assert LONG.to_latex().count(r"\\") == SHOWN + 4


def test_latex_has_the_rules_of_booktabs_and_no_other_commands() -> None:
    table = TextTable("T", ["a_b", "n", "why"], [["[x] 5% & $x^2$ {~\\}", "1 ± 2", "#1"]], 1, loose=("why",))
    assert table.to_latex().splitlines()[1:] == [
        r"\begin{tabular}{lrp{0.50\linewidth}}",
        r"\toprule",
        r"a\_b & n & why \\",
        r"\midrule",
        r"{[x] 5\% \& \$x\textasciicircum{}2\$ \{\textasciitilde{}\textbackslash{}\}} & 1 $\pm$ 2 & \#1 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_a_sentence_beside_many_columns_is_narrow() -> None:
    table = TextTable("T", list("abcdefgh"), [["x"] * 8], 1, loose=("h",))
    assert r"{lrrrrrrp{0.20\linewidth}}" in table.to_latex()


def test_a_line_break_in_a_name_does_not_end_the_row() -> None:
    assert in_latex("two\nlines") == "two lines"


def test_the_csv_has_the_numbers_where_they_are_known() -> None:
    table = TextTable("T", ["n"], [["55.5 ± 0.1"]], 0, numbers=pd.DataFrame({"mean": [0.555123], "sd": [0.001]}))
    assert table.to_csv() == "mean,sd\n0.555123,0.001\n"
    assert TextTable("T", ["n"], [["a, b"]], 0).to_csv() == 'n\n"a, b"\n'


NAMES = [
    "*a*", "**a**", "_a_", "__a", "a__b__", "a_b_c", "![i](http://x)", "![1](http://x)", "[1](http://x)", "[1, 2]", "`a`", "``a` b",
    "a\\*b", "a\\", "a|b", "~~a~~", "<b>a</b>", "<http://x>", "&amp;", "[1]: http://x", "final_test_accuracy", "a! [b]",
]  # fmt: skip
AT_THE_HEAD = ["# a", "- a", "+ a", "1. a", "12) a", "> a", ">a", "---", "===", "-1.0 a", "1.5 a", "3 a"]


def text_of(tokens: list[Any]) -> str:
    assert not {token.type for token in tokens} - {"text", "text_special"}, "some of it is no text"
    return "".join(token.content for token in tokens)


def parsed(markdown: str) -> tuple[list[str], list[str]]:
    """The kinds of its blocks, and its texts, as a parser of Markdown has them."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [token.type for token in tokens], [text_of(token.children or []) for token in tokens if token.type == "inline"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_to_a_parser_of_markdown(name: str) -> None:
    table = TextTable("T", [name, "n"], [[name, f"+1.0 [+0.5, +1.5] {name}"]], 1, [f"{name}: a note"])
    _, texts = parsed(table.to_markdown())
    assert texts == ["T", name, "n", name, f"+1.0 [+0.5, +1.5] {name}", f"{name}: a note"]


@pytest.mark.parametrize("name", AT_THE_HEAD)
def test_a_note_that_begins_with_a_sign_is_no_heading_or_list(name: str) -> None:
    assert parsed(line_in_markdown(name)) == (["paragraph_open", "inline", "paragraph_close"], [name])


def test_names_of_metrics_and_intervals_stay_readable_in_markdown() -> None:
    text = "final_test_accuracy: +1.0 [-3.0, +1.99 M]"
    assert in_markdown(text) == text
    assert in_markdown("two\nlines") == "two lines"
