"""Installed fonts for letters in names that the default font of figures does not have, such as Japanese ones."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

DEFAULT = "DejaVu Sans"
BOXES = "Last Resort"  # matplotlib's font of boxes, which has every character


@functools.lru_cache(maxsize=8)
def families(text: str) -> tuple[tuple[str, ...], str]:
    """The fonts that together have the characters of a text, the default first, and the characters that none has.

    Other fonts are only read if the default lacks a character.
    """
    found = [DEFAULT]
    missing = {each for each in text if each.isprintable()} - _characters(font_manager.findfont(DEFAULT))
    having = {name: there for name, path in _installed() if (there := missing & _characters(path))} if missing else {}
    while having and missing:
        best = max(having, key=lambda name: len(having[name] & missing))
        missing -= having.pop(best)
        found.append(best)
        having = {name: there for name, there in having.items() if there & missing}
    return tuple(found), "".join(sorted(missing))


def _characters(path: str) -> set[str]:
    try:
        return set(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):  # removed, or in a format that matplotlib cannot read
        return set()


def _installed() -> Iterator[tuple[str, str]]:
    """Name and file of every font, also of those installed since matplotlib last looked; upright ones of normal weight last.

    Of several files with one name, the last one counts.
    """
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            font_manager.fontManager.addfont(path)
        except (OSError, RuntimeError):
            continue
    entries = [entry for entry in font_manager.fontManager.ttflist if not entry.name.startswith(BOXES)]
    for entry in sorted(
        entries, key=lambda each: (each.style == "normal", each.weight in (400, "normal", "regular"), each.name)
    ):
        yield entry.name, entry.fname
