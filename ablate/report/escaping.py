"""Escape text for Markdown and LaTeX."""

from __future__ import annotations

import re

from ablate.core.text import printable

_IN_MARKDOWN = re.compile(r"[\\`*\[\]~$|]|!(?=\[)|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word needs no escaping
_GREEK = """
    alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho varsigma sigma tau upsilon varphi chi psi
    omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_IN_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "-": "-{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$", "×": r"$\times$", "→": r"$\rightarrow$", "–": "--", "²": r"\textsuperscript{2}", "…": r"\dots{}",
    "≥": r"$\geq$", "≤": r"$\leq$", "−": r"$-$", "✓": r"\ensuremath{\surd}", "✗": r"\ensuremath{\times}", "\n": " ",
    **{letter: rf"$\{name}$" for letter, name in zip("αβγδεζηθικλμνξπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK.split(), strict=True)},
}  # fmt: skip
NON_LATIN = "non-Latin letters need XeLaTeX or LuaLaTeX and a font that has them"
LATIN = "\u017f"  # the last letter that every LaTeX knows
_SPECIAL_IN_LATEX = re.compile("|".join("-(?=-)" if sign == "-" else re.escape(sign) for sign in _IN_LATEX))  # -- is a dash
_EXPONENT = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)e(?:(\$-\$)|\+)0*(\d+)(?![\w.])")  # of a number, after escaping


def in_markdown(text: str) -> str:
    """Escape text for Markdown, within a line or a table cell."""
    text = " ".join(printable(text, lines=True).replace("&", "&amp;").replace("<", "&lt;").splitlines())
    return _IN_MARKDOWN.sub(lambda found: f"\\{found[0]}", text)


def line_in_markdown(text: str) -> str:
    """Escape text for the start of a line, where a character could begin a heading, a list or a quotation."""
    return re.sub(r"^(\d*)(?=>|[-+=#.)]+(?:\s|$))", r"\1\\", in_markdown(text).strip())


def in_latex(text: str) -> str:
    """Escape text for LaTeX; scientific notation becomes a power of ten.

    This includes brackets, which at the start of a row would be an argument of the previous `\\\\`.

    >>> print(in_latex("50 % ± 1.2e−06"))
    50 \\% $\\pm$ 1.2$\\times10^{-6}$
    """
    text = printable(text, lines=True).replace("\t", " ")
    escaped = _SPECIAL_IN_LATEX.sub(lambda found: _IN_LATEX[found[0]], text)
    escaped = _EXPONENT.sub(lambda found: rf"{found[1]}$\times10^{{{'-' if found[2] else ''}{found[3]}}}$", escaped)
    return f"{{{escaped}}}" if escaped.startswith(("[", "*")) else escaped


def engine_for(text: str) -> str:
    """What LaTeX text needs of the engine, as the end of a comment; empty if nothing."""
    return f"; {NON_LATIN}" if any(character > LATIN for character in text) else ""
