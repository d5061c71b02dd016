"""Text is made safe for terminals and files, and cut."""

import io
import math
import sys
import unicodedata

import pytest

from ablate.core.text import (
    cut,
    cut_to_bytes,
    from_spreadsheet,
    in_spreadsheet,
    is_plain_name,
    number_in,
    printable,
    replace_unknown_characters,
)


def test_characters_that_control_a_terminal_are_escaped() -> None:
    assert printable("\x1b[2J\x00\x9b\u2028\u202e\ud800\uffff") == r"\x1b[2J\x00\x9b\u2028\u202e\ud800\uffff"
    assert printable("a\tb\r\nc") == r"a\tb\r\nc"
    assert printable("a\tb\r\nc\rd", lines=True) == "a\tb\nc\\rd"
    assert printable("字 é 😀 –") == "字 é 😀 –"


def test_no_character_of_a_control_category_is_left() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    left = {unicodedata.category(each) for each in printable(everything)}
    assert not left & {"Cc", "Cs", "Zl", "Zp"}
    printable(everything).encode()


@pytest.mark.parametrize(
    ("errors", "shown"), [("strict", b"? \xb1"), ("surrogateescape", b"? \xb1"), ("backslashreplace", b"\\u0394 \xb1")]
)
def test_what_standard_output_cannot_show_is_replaced(monkeypatch: pytest.MonkeyPatch, errors: str, shown: bytes) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "latin-1", errors))
    replace_unknown_characters()
    print("Δ ±", end="", flush=True)
    assert written.getvalue() == shown
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # as in a notebook
    replace_unknown_characters()


@pytest.mark.parametrize("text", ["=cmd|calc", "'=cmd", "''-x", "-0.5", "'-0.5", "+1+1", "@x", "\tx", "'a'", "", "a=1"])
def test_a_formula_is_inert_in_a_spreadsheet_and_can_be_read_back(text: str) -> None:
    written = in_spreadsheet(text)
    assert written == "-0.5" or not written.startswith(("=", "+", "-", "@", "\t"))
    assert from_spreadsheet(written) == text


def test_a_long_text_is_cut_in_the_middle() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("a" * 90 + "z" * 10, 20) == "aaaaaaaaaaaaaaa … [80 characters left out] … zzzzz"


@pytest.mark.parametrize("size", range(12))
def test_text_is_cut_between_characters(size: int) -> None:
    part = cut_to_bytes("a字😀é", size)
    assert "a字😀é".startswith(part)
    assert size - 4 < len(part.encode()) <= size


@pytest.mark.parametrize("name", ["right", "a b", "字", "v1.2", "x=1,y=[2]"])
def test_plain_names(name: str) -> None:
    assert is_plain_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a.", "a ", " a", "a/b", "a\\b", "a\nb", "\udcff", "a" * 201, "a:b"])
def test_names_that_are_not_plain(name: str) -> None:
    assert not is_plain_name(name)


@pytest.mark.parametrize(("text", "value"), [("1e3", 1000.0), (" -0.5 ", -0.5), ("nan", math.nan), ("007", 7.0)])
def test_numbers_are_those_of_programs(text: str, value: float) -> None:
    assert number_in(text) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("text", ["1_000", "2024_01_05", "", "x"])
def test_dates_and_names_with_underscores_are_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="1_000|2024_01_05|could not convert"):
        number_in(text)
