"""Names of rows and lines in the little room that a figure has for them.

What the rows share is shortened first (the names of factors, and the baseline that a change starts from), and what tells them
apart last.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Callable, Sequence

LINES = 2  # that a name should take
FURTHER = 2  # lines more before parts are cut, which may then look like each other
SHORTEST = 5  # characters that a level in such a name keeps
PART = r", (?=[^\s=]+=)"  # what separates `stem=direct` and `norm=none`, also where a level is a list
SUFFIX = r"( \(n = [^()]*\))?$"  # the number of seeds behind the name of a row
WORD = r"\(n = \d+[,)]|\S+(?: →)?"  # what stays in one line
NUMBER = r"[+\-.\d\[({]|true$|false$|yes$|no$|on$|off$|none$|null$"  # levels that say nothing without their factor


def in_room(names: Sequence[str], length: int, at_most: int = LINES) -> list[str]:
    r"""Break names into lines that are at most so long, and shorten all in the same way where they do not fit.

    Args:
        names: the names of all rows.
        length: of a line, in characters.
        at_most: the lines that a name should take; up to `FURTHER` more before parts of names are cut.

    Returns:
        Texts as different from each other as the names.

    >>> in_room(["dropout=true, stem=direct", "dropout=false, stem=pyramid"], 24)
    ['dropout=true,\nstem=direct', 'dropout=false,\nstem=pyramid']
    >>> in_room(["stem × norm: direct, none → pyramid, batch", "stem × norm: direct, none → direct, batch"], 16)
    ['stem=pyramid ×\nnorm=batch', 'stem=direct ×\nnorm=batch']
    """
    ways = [names, ends := _without_starts(names), _without_factors(ends)]
    for more in range(FURTHER + 1):
        for each in ways:
            found = [_broken(name, length) for name in each]
            if len(set(found)) == len(set(names)) and all(_fits(text, length, at_most + more) for text in found):
                return _numbered(found)
    return _numbered(_cut_alike(ways[-1], names, length, at_most + FURTHER))


def wrapped(text: str, length: int, at_most: int = LINES) -> str:
    """Break one name into at most so many lines; of the levels after factors, the longest are shortened first.

    >>> print(wrapped("backbone × norm: resnet50_imagenet21k, none → vit_base_patch16_224, batch", 32))
    backbone × norm:
    resn…21k, none → vit_…224, batch
    """
    lines = textwrap.wrap(text, length) or [text]
    fits = len(lines) <= at_most
    factors, sign, levels = text.partition(": ")
    if sign and len(factors) < length and not (fits and max(map(len, text.split())) <= length):
        for longest in range(length, SHORTEST - 1, -1):
            words = cut_words(levels.split(), longest)
            found = [f"{factors}:", *textwrap.wrap(" ".join(words), length, break_long_words=False)]
            if len(found) <= at_most:
                return "\n".join(found)
    if fits:
        return "\n".join(lines)
    return "\n".join([*lines[: at_most - 1], cut(" ".join(lines[at_most - 1 :]), length)])


def cut(text: str, length: int, sign: str = " … ") -> str:
    """Shorten a long text in the middle.

    Args:
        text: the text.
        length: the characters that remain.
        sign: what stands for those that are left out.

    >>> cut("label_smoothing=true", 13)
    'label … =true'
    """
    kept = max(length - len(sign), 2)
    return text if len(text) <= length else f"{text[: kept // 2]}{sign}{text[-(kept - kept // 2) :]}"


def cut_words(words: Sequence[str], length: int) -> list[str]:
    """Cut words to a length; of those that would look alike, their common beginning first."""
    found = {word: cut(word, length, "…") for word in words}
    for short in set(found.values()):
        alike = [word for word in found if found[word] == short]
        common = next((at for at, letters in enumerate(zip(*alike, strict=False)) if len(set(letters)) > 1), 0)
        if len(alike) > 1:
            found |= {word: cut(f"…{word[common:]}", length, "…") for word in alike}
    return [found[word] for word in words]


def _without_starts(names: Sequence[str]) -> list[str]:
    """`a × b: 0, 1 → 2, 3` as `a=2 × b=3`, unless rows change a factor from different levels."""
    changes = [_change(name) for name in names]
    starts: dict[str, set[str]] = {}
    for factors, before, _, _ in filter(None, changes):
        for factor, level in zip(factors, before, strict=True):
            starts.setdefault(factor, set()).add(level)
    if any(len(levels) > 1 for levels in starts.values()):
        return list(names)
    return [
        name if change is None
        else " × ".join(f"{factor}={level}" for factor, level in zip(change[0], change[2], strict=True)) + change[3]
        for name, change in zip(names, changes, strict=True)
    ]  # fmt: skip


def _change(name: str) -> tuple[list[str], list[str], list[str], str] | None:
    """The factors of a change, their levels before and after, and what follows; None for another name."""
    found = re.fullmatch(rf"(.+?): (.+?) → (.+?){SUFFIX}", name)
    if found is None:
        return None
    factors, start, end = found[1].split(" × "), found[2].split(", "), found[3].split(", ")
    return (factors, start, end, found[4] or "") if len(factors) == len(start) == len(end) else None


def _without_factors(names: Sequence[str]) -> list[str]:
    """`stem=direct, width=64` as `direct, width=64`: words whose factor is clear from the other rows go without it."""
    factors: dict[str, set[str]] = {}
    for name in names:
        for part in re.split(rf"{PART}| × ", re.sub(SUFFIX, "", name)):
            factor, sign, level = part.partition("=")
            factors.setdefault(level if sign else part, set()).add(factor if sign else "")

    def short(part: str) -> str:
        _, sign, level = part.partition("=")
        return level if sign and len(factors.get(level, ())) == 1 and not re.match(NUMBER, level, re.IGNORECASE) else part

    return [_of_parts(name, lambda parts: list(map(short, parts))) for name in names]


def _cut_alike(short: Sequence[str], names: Sequence[str], length: int, at_most: int) -> list[str]:
    """The names with their longest levels cut, to the greatest length at which all fit and none looks like another."""
    for longest in range(length, SHORTEST - 1, -1):
        every = sorted({word for name in short for word in re.split(r"[\s=]+", name)})
        cuts = dict(zip(every, cut_words(every, longest), strict=True))
        found = [_broken("".join(cuts.get(each, each) for each in re.split(r"([\s=]+)", name)), length) for name in short]
        if len(set(found)) == len(set(names)) and all(_fits(text, length, at_most) for text in found):
            return found
    found = [wrapped(name, length, at_most - FURTHER) for name in short]
    return found if len(set(found)) == len(set(names)) else [wrapped(name, length, at_most) for name in short]


def _of_parts(name: str, change: Callable[[list[str]], list[str]]) -> str:
    """A name with its parts changed, which a comma or × separates; what follows them stays."""
    found = re.search(SUFFIX, name)
    rest = found[0] if found is not None else ""
    sign = " × " if " × " in name else ", "
    parts = re.split(PART if sign == ", " else sign, name.removesuffix(rest))
    return sign.join(change(parts)) + rest


def _broken(text: str, length: int) -> str:
    """A text in lines, broken at spaces; longer words behind the name of a factor, or else behind a sign within them."""
    lines = [""]
    for word in re.findall(WORD, text):
        pieces = [word]
        for signs in ("=", "=_/.+-"):
            if max(map(len, pieces)) > length:
                pieces = re.findall(rf".+?(?:[{signs}]+|$)", word)
        for at, piece in enumerate(pieces):
            joined = f"{lines[-1]}{' ' if at == 0 and lines[-1] else ''}{piece}"
            if len(joined) <= length:
                lines[-1] = joined
            else:
                lines.append(piece)
    return "\n".join(filter(None, lines))


def _fits(text: str, length: int, at_most: int) -> bool:
    lines = text.split("\n")
    return len(lines) <= at_most and max(map(len, lines)) <= length


def _numbered(texts: Sequence[str]) -> list[str]:
    """Names that are equal nevertheless, with a number each."""
    numbers = {text: itertools.count(1) for text in texts}
    return [f"{text} ({next(numbers[text])})" if texts.count(text) > 1 else text for text in texts]
