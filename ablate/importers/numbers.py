"""Columns of numbers as programs and spreadsheets write them: percent signs, decimal commas, thousands separators."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ablate.core.text import number_in

# Values of runs that were lost, in lower case; an empty field is no value
_LOST = """
    nan -nan nan% inf -inf +inf infinity -infinity n/a na #n/a #num! #div/0! null none nil - -- – — ?
    fail failed failure error crash crashed killed oom out_of_memory timeout diverged div dnf
"""
LOST = frozenset(_LOST.split())
LARGEST = 1.797e308  # from here on, a number is infinite: SQL stores of MLflow write infinity as the largest double
SUMMARY, LIST = "a summary of several runs (a mean with its deviation)", "a list of several values"
_LIST = re.compile(r"\[\s*[+-]?\.?\d.*\]", re.DOTALL)
_SUMMARY = re.compile(r"\$?[+-]?\d[.,\d]*\s*%?\s*(±|\+/?-|\$?\\pm|\(\s*±?\s*\d[.,\d]*\s*%?\s*\)|\[\s*[+-]?\d)")
_MARKED = re.compile(
    r"\*\*(.*\d.*)\*\*|__(.*\d.*)__|\\(?:textbf|textit|underline|mathbf|bf)\s?\{(.*\d.*)\}|\$([^$]*\d[^$]*)\$|(.*\d\s?%?)[*†‡§]+"
)
_SPACES = re.compile(r"(?<=\d)[\s'’\u00a0\u202f](?=\d{3}(\D|$))")
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_DOT_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: NaN for an empty field, inf for the value of a lost run. Percentages are fractions.
        percent: whether the fields have percent signs.
        notes: how the numbers are written, unless it is Python's way.
        wrong: the first text that is not a number; None if all are.
        several: what this text is if it stands for several runs: a summary such as `0.84 ± 0.01`, or a list; otherwise empty.
    """

    values: pd.Series
    percent: bool = False
    notes: tuple[str, ...] = ()
    wrong: str | None = None
    several: str = ""


def parse(column: pd.Series, decimal: str | None = None) -> Numbers:
    """Parse a column.

    How the numbers are written is decided for the whole column: `1,234` is 1234 beside `12.5`, and 1.234 beside `0,5`.

    Args:
        column: texts, or numbers, which stay as they are.
        decimal: the sign before the decimals, for columns that do not tell.

    Example:
        >>> parse(pd.Series(["71.5%", "", "nan"])).values.tolist()
        [0.715, nan, inf]
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.astype(float)
        return Numbers(values.where((values.abs() < LARGEST) | values.isna(), math.inf))
    texts = column.astype(str).fillna("").str.strip()  # a setting that some runs do not have
    number_of: dict[str, float] = {}
    others: list[str] = []
    for text in texts.unique():
        if text == "":
            number_of[text] = math.nan
        elif text.lower() in LOST:
            number_of[text] = math.inf
        else:
            others.append(text)
    bare = {text: _without_marks(text) for text in others}
    plain = {text: bare[text].removesuffix("%").strip().replace("\u2212", "-") for text in others}
    signs = {text for text in others if bare[text].endswith("%")}
    notes = ["marks of bold type or of footnotes left out"] if any(bare[text] != text for text in others) else []
    form = _form([plain[text] for text in others], decimal)
    for text in others:
        try:
            number = number_in(form.rewritten(plain[text]))
        except ValueError:
            return Numbers(pd.Series(math.nan, column.index), wrong=text, several=_several(bare[text]))
        number = number / 100 if signs else number
        number_of[text] = number if abs(number) < LARGEST else math.inf
    if signs:
        notes.append("percent signs, read as fractions")
        if unsigned := [text for text in others if text not in signs]:
            return Numbers(pd.Series(math.nan, column.index), percent=True, wrong=unsigned[0])
    if form.decimal == "," and decimal != "," and any("," in text for text in others):
        notes.append("decimal comma")
    if form.grouped or any(_SPACES.search(text) for text in others):
        notes.append("thousands separators")
    return Numbers(texts.map(number_of).astype(float), bool(signs), tuple(notes))


def parse_metric(column: pd.Series, decimal: str | None = None) -> Numbers:
    """Parse a column that is known to hold results: `true` and `false`, such as of `success`, are 1 and 0.

    >>> parse_metric(pd.Series(["True", "False", "failed"])).values.tolist()
    [1.0, 0.0, inf]
    """
    found = parse(column, decimal)
    if found.wrong is None:
        return found
    texts = column.astype(str).fillna("").str.strip().str.lower()
    digits = parse(texts.replace({"true": "1", "false": "0"}))
    said = set(texts) - LOST - {""}
    return replace(digits, notes=("true and false, read as 1 and 0",)) if said <= {"true", "false"} else found


def is_numeric(column: pd.Series, decimal: str | None = None) -> bool:
    """Whether a column holds at least one number, and otherwise numbers, lost values and empty fields."""
    numbers = parse(column, decimal)
    return numbers.wrong is None and bool(np.isfinite(numbers.values).any())


def _several(text: str) -> str:
    if _SUMMARY.match(text):
        return SUMMARY
    return LIST if _LIST.fullmatch(text) else ""


def _without_marks(text: str) -> str:
    """A field of a table from a paper or a README without bold type, underlining and the signs of footnotes.

    >>> [_without_marks(text) for text in ("**91.2**", r"\\textbf{91.2\\%}", "91.2*", "$91.2$", "up")]
    ['91.2', '91.2%', '91.2', '91.2', 'up']
    """
    while (match := _MARKED.fullmatch(text)) is not None:
        text = next(each for each in match.groups() if each is not None).strip()
    return text.replace(r"\%", "%")


@dataclass(frozen=True)
class _Form:
    """How the numbers of a column are written."""

    decimal: str
    grouped: bool  # whether the other sign of "." and "," separates thousands

    def rewritten(self, text: str) -> str:
        """A number as Python writes it; a text that does not have this form stays as it is."""
        text = _SPACES.sub("", text)
        if self.decimal == ",":
            return (text.replace(".", "") if self.grouped else text).replace(",", ".")
        return text.replace(",", "") if self.grouped and _GROUPS.fullmatch(text.partition(".")[0]) else text


def _form(texts: Sequence[str], decimal: str | None) -> _Form:
    """How the numbers of a column are written, judged by those that have commas or dots."""
    texts = [_SPACES.sub("", text) for text in texts]
    commas = [text for text in texts if "," in text]
    dots = [text for text in texts if "." in text]
    grouped_by_commas = bool(commas) and all(map(_GROUPS.fullmatch, commas))
    grouped_by_dots = bool(dots) and all(map(_DOT_GROUPS.fullmatch, dots))
    if both := [text for text in commas if "." in text]:
        dot_last = all(text.rindex(".") > text.rindex(",") for text in both)
        return _Form("." if dot_last else ",", True)
    if commas and dots:  # 1,234 and 12.5, or 0,5 and 1.234; otherwise the commas cannot be understood
        return _Form("," if grouped_by_dots and not grouped_by_commas else ".", grouped_by_commas or grouped_by_dots)
    if commas:
        return _Form(".", True) if grouped_by_commas and decimal != "," else _Form(",", False)
    several = any(text.count(".") > 1 for text in dots)  # 1.234.567
    return _Form(",", True) if grouped_by_dots and (several or decimal == ",") else _Form(".", False)
