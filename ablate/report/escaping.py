"""Text that stays text in Markdown and in LaTeX, whatever characters a name holds."""

from __future__ import annotations

import re

_IN_MARKDOWN = re.compile(r"[\\`*\[\]~$|]|!(?=\[)|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word needs no escape
_IN_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "±": r"$\pm$", "×": r"$\times$", "→": r"$\rightarrow$", "–": "--", "²": r"\textsuperscript{2}", "…": r"\dots{}",
    "ω": r"$\omega$", "Δ": r"$\Delta$", "≥": r"$\geq$", "≤": r"$\leq$", "\n": " ",
}  # fmt: skip
_SPECIAL_IN_LATEX = re.compile("|".join(map(re.escape, _IN_LATEX)))


def in_markdown(text: str) -> str:
    """The text escaped for Markdown, within a line or a cell of a table."""
    text = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").splitlines())
    return _IN_MARKDOWN.sub(lambda found: f"\\{found[0]}", text)


def line_in_markdown(text: str) -> str:
    """The same for the beginning of a line, where a sign could begin a heading, a list or a quotation."""
    return re.sub(r"^(\d*)(?=>|[-+=#.)]+(?:\s|$))", r"\1\\", in_markdown(text).strip())


def in_latex(text: str) -> str:
    """The text escaped for LaTeX. At the start of a row, a bracket would be read as an argument of the row before."""
    escaped = _SPECIAL_IN_LATEX.sub(lambda found: _IN_LATEX[found[0]], text)
    return f"{{{escaped}}}" if escaped.startswith(("[", "*")) else escaped
