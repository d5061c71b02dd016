"""Read a CSV file of another program: its encoding, delimiter and decimal sign are recognized."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path

import charset_normalizer
import pandas as pd

from ablate.core.errors import UsageError
from ablate.importers.table import Table

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "spaces"}
_NAMED = {name: sign for sign, name in DELIMITERS.items()} | {"space": " ", "\\t": "\t"}
SAMPLE = 200  # rows by which the delimiter and the decimal sign are recognized
_MARKS = {  # byte order marks
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins like that of utf-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NUMBERED = re.compile(r"#\d")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+%?")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}%?")  # with decimals or thousands
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3}){2,}(\.\d+)?$|^[+-]?\d{1,3}(,\d{3})+\.\d+$")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?%?")

Rows = list[tuple[int, list[str]]]  # the number of the (last) line, and the fields


def read_table(
    path: str | Path, *, delimiter: str | None = None, decimal: str | None = None, encoding: str | None = None
) -> Table:
    """Read a CSV file as texts.

    Args:
        path: the file.
        delimiter, decimal, encoding: what is otherwise recognized: the sign between fields (or its name, such as `tab`), the
            sign before the decimals, and the encoding.

    Raises:
        UsageError: if the file cannot be read, has no rows, or a row has not as many fields as the header.
    """
    path = Path(path)
    if delimiter is not None and len(delimiter := _NAMED.get(delimiter, delimiter)) != 1:
        raise UsageError(f"--delimiter {delimiter}: expected one character, or one of {', '.join(DELIMITERS.values())}.")
    if decimal not in (None, ".", ","):
        raise UsageError(f"--decimal {decimal}: expected . or ,")
    text, notes = _decoded(path, encoding)
    lines, skipped = _without_comments(io.StringIO(text, newline="").readlines())
    notes += [f"{skipped} comment line{'s' if skipped > 1 else ''} skipped"] if skipped else []
    found = delimiter or _delimiter([line for line in lines if line.strip()][:SAMPLE])
    if found != ",":
        notes.append(f"delimiter {DELIMITERS.get(found, found)}")
    header, rows = _parsed(path, lines, found)
    named = [at for at, name in enumerate(header) if name or any(fields[at] for _, fields in rows)]  # a delimiter at the ends
    columns = {header[at] or f"Unnamed: {at}": pd.Series([fields[at] for _, fields in rows], dtype=object) for at in named}
    if decimal is None and found != ",":
        decimal = _decimal(path, [[fields[at] for _, fields in rows[:SAMPLE]] for at in named])
        notes += ["decimal comma"] if decimal else []
    places = [f"{path.name}, line {number}" for number, _ in rows]
    return Table(str(path), pd.DataFrame(columns), places, decimal, tuple(notes))


def _decimal(path: Path, columns: list[list[str]]) -> str | None:
    """The decimal sign, where it is a comma; refuses numbers with a comma that may stand before decimals or thousands.

    Beside decimal points, only columns of different numbers tell: those that repeat may be lists, such as the widths `64,128`.
    """
    sample = [field for column in columns for field in column]
    points = [field for field in sample if _DECIMAL_POINT.fullmatch(field)]
    telling = columns if not points else [column for column in columns if len(set(column)) > len(column) / 2]
    commas = [field for column in telling for field in column if _DECIMAL_COMMA.fullmatch(field)]
    if not commas or any(map(_THOUSANDS.search, sample)):
        return None
    if points and all(map(_EITHER.fullmatch, commas)):
        one = commas[0].strip("+-%")
        raise UsageError(
            f"{path}: {commas[0]} may be {one.replace(',', '.')} or {one.replace(',', '')}, since {points[0]} has a point. Add "
            "`--decimal ,` or `--decimal .`."
        )
    return ","


def _decoded(path: Path, encoding: str | None) -> tuple[str, list[str]]:
    """The text of a file, and a note unless it is UTF-8."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a CSV file ({error.strerror or error}).") from None
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    for name in (encoding,) if encoding else filter(None, (marked, "utf-8")):
        try:
            note = {"utf-8": [], "utf-8-sig": ["byte order mark"]}.get(name, [f"encoding {name}"])
            return content.decode(name), note
        except (UnicodeDecodeError, LookupError):
            continue
    if encoding:
        raise UsageError(f"--encoding {encoding}: {path} cannot be decoded; leave the option out, or save the file as UTF-8.")
    guess = charset_normalizer.from_bytes(content, cp_exclusion=["utf_7"]).best()
    if guess is None or b"\0" in content:
        raise UsageError(f"{path} is not a text file in a known encoding; save it as CSV in UTF-8, or name its --encoding.")
    try:  # Western European texts, of which short ones are easily mistaken for others
        western = content.decode("cp1252")
        if sum(not character.isascii() for character in western) < len(western) / 10:
            return western, ["encoding cp1252"]
    except UnicodeDecodeError:
        pass
    return str(guess), [f"encoding {guess.encoding}"]


def _without_comments(lines: list[str]) -> tuple[list[str], int]:
    """The lines with comments (`#`) and Excel's first line `sep=;` blanked, so that lines keep their numbers; their count.

    If the header itself begins with `#`, as NumPy writes it, the sign is removed.
    """
    at = [number for number, line in enumerate(lines) if line.startswith("#")]
    top = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if top is None:
        return lines, 0
    if sum(number > top for number in at) > (len(lines) - top) / 2:  # rows with the number of an issue, say
        at = [number for number in at if number < top]
    sign = max(",;\t|", key=lines[top].count)
    fields = lines[top].count(sign)
    if fields:  # a line with as many fields as the header that begins with a number is a row, such as of a method `#1 ours`
        at = [
            number for number in at if number < top or lines[number].count(sign) != fields or not _NUMBERED.match(lines[number])
        ]
    comments = set(at)
    rest = [line for number, line in enumerate(lines) if line.strip() and number not in comments]
    if re.fullmatch(r"sep=.\s*", lines[top]):
        comments.add(top)
    blanked = ["\n" if number in comments else line for number, line in enumerate(lines)]
    if at and rest and _is_data(rest[0]):
        last = max((number for number in at if lines[number].strip("# \r\n")), default=at[0])
        if len(re.findall(r"[,;\t|]| +", lines[last].strip("# \r\n"))) == len(re.findall(r"[,;\t|]| +", rest[0].strip())):
            blanked[last] = lines[last].lstrip("# ")
            return blanked, len(at) - 1
    return blanked, len(at)


def _is_data(line: str) -> bool:
    """Whether a first line cannot be a header, because it contains a number."""
    return any(re.fullmatch(r"[+-]?\d*[.,]?\d+([eE][+-]?\d+)?%?", field.strip()) for field in re.split(r"[,;\t|\s]", line))


def _delimiter(sample: list[str]) -> str:
    """The delimiter that splits most rows like the header, into the most fields."""

    def alike(delimiter: str) -> tuple[float, int]:
        try:
            rows = list(csv.reader(sample, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            return 0.0, 0
        width = len(rows[0]) if rows else 0
        return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 0)

    found = {delimiter: alike(delimiter) for delimiter in DELIMITERS}
    signs = [sign for sign in DELIMITERS if sign != " " and found[sign][1]]
    return max(signs, key=lambda sign: found[sign]) if signs else (" " if found[" "][0] == 1.0 else ",")


def _parsed(path: Path, lines: list[str], delimiter: str) -> tuple[list[str], Rows]:
    """The header and the rows; every row must have as many fields as the header."""
    try:
        reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
        filled = [(reader.line_num, [field.strip() for field in fields]) for fields in reader if any(map(str.strip, fields))]
    except csv.Error as error:
        raise UsageError(f"{path} cannot be read as a CSV file ({error}).") from None
    (_, header), rows = filled[0] if filled else (0, []), filled[1:]
    if twice := [name for name in dict.fromkeys(header) if name and header.count(name) > 1]:
        raise UsageError(f"{path} has two columns named {twice[0]!r}; rename one.")
    for number, fields in rows:
        if len(fields) != len(header):
            raise UsageError(
                f"{path}, line {number}: {len(fields)} fields, but the header has {len(header)}. Quote fields that contain the "
                f"delimiter ({DELIMITERS.get(delimiter, delimiter)}), or name another one with --delimiter."
            )
    if not rows:
        raise UsageError(f"{path}, read as a CSV file, has no rows; expected a header and one row for each run.")
    return header, rows
