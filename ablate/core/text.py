"""Text from users, errors and files, made safe for terminals, pages and file formats."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable

# control characters, Unicode's line separators and directional controls, lone surrogates, and what XML does not allow
_UNSAFE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
_IN_LINES = re.compile(f"[{_UNSAFE}]")
_IN_ONE_LINE = re.compile(f"[\t\n{_UNSAFE}]")
_FORMULA = re.compile(r"'*[=+\-@\t\n]")

NAME_BYTES = 200  # of a file name; file systems allow 255, and temporary files and suffixes need some


def printable(text: str, *, lines: bool = False) -> str:
    r"""Replace characters that control a terminal, or that files cannot represent, by their Python escapes.

    Args:
        text: any text.
        lines: whether to keep tabs and line breaks.

    >>> printable("\x1b[31mred\udcff")
    '\\x1b[31mred\\udcff'
    """
    if text.isascii() and text.isprintable():
        return text
    if lines:
        return _IN_LINES.sub(_escape, text.replace("\r\n", "\n"))
    return _IN_ONE_LINE.sub(_escape, text)


def replace_unknown_characters() -> None:
    """Have standard output print `?` for what its encoding lacks, such as the `Δ` of a heading in Latin-1, rather than fail.

    Standard error prints the escapes of such characters anyway. A handling of errors that a user chose stays.
    """
    reconfigure = getattr(sys.stdout, "reconfigure", None)  # a notebook and a captured output have none
    if reconfigure is not None and sys.stdout.errors in ("strict", "surrogateescape"):
        reconfigure(errors="replace")


def in_spreadsheet(text: str) -> str:
    """Text for a field of a CSV file: a quote precedes what a spreadsheet would read as a formula. Numbers stay as they are.

    So it does before a text that begins with quotes and such a formula, so that `from_spreadsheet` gives back either.

    >>> in_spreadsheet("=1+1"), in_spreadsheet("-0.5")
    ("'=1+1", '-0.5')
    """
    text = printable(text, lines=True)
    if not _FORMULA.match(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def from_spreadsheet(text: str) -> str:
    """The text that `in_spreadsheet` wrote.

    >>> from_spreadsheet("'=1+1"), from_spreadsheet("'a'")
    ('=1+1', "'a'")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def number_in(text: str) -> float:
    """Parse a number as programs write it. Unlike in Python source, `1_000` is none: dates and names contain underscores.

    >>> number_in(" 1e-3")
    0.001

    Raises:
        ValueError: if the text is not a number.
    """
    if "_" in text:
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def cut(text: str, length: int) -> str:
    """Cut a text to about `length` characters: most of its beginning, and its end.

    >>> cut("a" * 1000, 40)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa … [960 characters left out] … aaaaaaaaaa'
    """
    if len(text) <= length:
        return text
    end = length // 4
    return f"{text[: length - end]} … [{len(text) - length:,} characters left out] … {text[-end:]}"


def cut_to_bytes(text: str, size: int) -> str:
    """Cut a text to at most `size` bytes in UTF-8, between characters."""
    return text.encode(errors="replace")[:size].decode(errors="ignore")


def is_plain_name(name: str) -> bool:
    """Whether a text is a file name on all systems: no folder, not hidden, without control characters, and not too long.

    >>> is_plain_name("right"), is_plain_name("../right"), is_plain_name("right ")
    (True, False, False)
    """
    plain = printable(name) == name and not re.search(r'[/\\:*?"<>|]', name)
    return plain and bool(name) and name[0] not in ". " and name[-1] not in ". " and len(name.encode()) <= NAME_BYTES


def is_study_name(name: str) -> bool:
    """Whether a text names a folder below another one, possibly in further folders, which file systems keep as it is.

    >>> [is_study_name(name) for name in ("dropout+stem", "lr/x=1", "12:00", "../x", "/x", "x ")]
    [True, True, True, False, False, False]
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return bool(parts) and not name.startswith("/") and all(map(_is_folder_name, parts))


def _is_folder_name(name: str) -> bool:
    kept = printable(name) == name and name[0] != " " and name[-1] not in ". "
    return kept and name.strip("./ ") != "" and len(name.encode()) <= NAME_BYTES


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence for a message about an unknown name that suggests the most similar known one; empty if there is none.

    >>> nearest("model.dropuot", ["model.dropout", "stem"]), nearest("Stem", ["stem"]), nearest("x", ["stem"])
    (" Did you mean 'model.dropout'?", " Did you mean 'stem'?", '')
    """
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""
