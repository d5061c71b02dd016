"""Names stay text in Markdown and in LaTeX."""

import pytest
from markdown_it import MarkdownIt

from ablate.core.metrics import MetricSpec
from ablate.report.escaping import engine_for, in_latex, in_markdown, line_in_markdown
from ablate.report.formatting import number

AT_THE_START = ["# a", "- a", "+ a", "1. a", "12) a", "> a", ">a", "---", "===", "-1.0 a", "1.5 a", "3 a"]


@pytest.mark.parametrize("name", AT_THE_START)
def test_a_line_that_begins_with_a_sign_is_no_heading_or_list(name: str) -> None:
    tokens = MarkdownIt("commonmark").parse(line_in_markdown(name))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(each.content for each in tokens[1].children or []) == name


def test_names_of_metrics_stay_readable_in_markdown() -> None:
    assert in_markdown("final_test_accuracy: +1.99 M") == "final_test_accuracy: +1.99 M"
    assert in_markdown("[a](b) _c_") == r"\[a\](b) \_c\_"


def test_a_line_break_in_a_name_does_not_end_the_row() -> None:
    assert in_markdown("two\nlines") == in_latex("two\nlines") == "two lines"


def test_latex_at_the_start_of_a_row_is_no_argument_of_the_row_before() -> None:
    assert in_latex("[x]") == "{[x]}"
    assert in_latex("*") == "{*}"
    assert in_latex("Δ 5 %") == r"$\Delta$ 5 \%"


def test_greek_letters_and_check_marks_are_those_of_latex() -> None:
    assert in_latex("α-mix, Ω, ✓") == r"$\alpha$-mix, $\Omega$, \ensuremath{\surd}"
    assert engine_for(in_latex("α é – ≥ ✗")) == ""
    assert "XeLaTeX" in engine_for(in_latex("深い"))


def test_numbers_in_scientific_notation_are_powers_of_ten_in_latex() -> None:
    assert in_latex(number(3.5e-12, MetricSpec("loss"))) == r"3.500$\times10^{-12}$"
    assert in_latex(f"[{number(-2e6, MetricSpec('loss'))}, 1]") == r"{[$-$2.000$\times10^{6}$, 1]}"
    assert in_latex("lr=1e-06, stage3e+2, python3.11e+2") == "lr=1e-06, stage3e+2, python3.11e+2"
