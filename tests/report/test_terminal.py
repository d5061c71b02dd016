"""What reaches the terminal."""

import pytest
from rich.table import Table

from ablate.report.terminal import console


def test_escape_sequences_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("\x1b[2Jtitle")
    table.add_row("\x1b]0;x\x07cell")
    out = console()
    out.print("\x1b[31mred\udcff\nnext", markup=False)
    out.print(table)
    shown = capsys.readouterr().out
    assert shown.startswith("\\x1b[31mred\\udcff\nnext\n")
    assert "\\x1b[2Jtitle" in shown
    assert "\\x1b]0;x\\x07cell" in shown
    assert "\x1b" not in shown


def test_names_with_colons_are_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(":fire:", title=":100:")
    table.add_row(":smile:")
    out = console()
    out.print("Report: outputs/:100:/report.md", markup=False, soft_wrap=True)
    out.print(table)
    shown = capsys.readouterr().out
    assert "outputs/:100:/report.md" in shown
    assert all(name in shown.split("report.md")[1] for name in (":fire:", ":100:", ":smile:"))
