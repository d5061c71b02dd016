"""The console for tables and messages."""

from __future__ import annotations

import shutil
from typing import Any

from rich.console import Console
from rich.text import Text

from ablate.core.text import printable, replace_unknown_characters

PIPE = 140  # minimum width of a pipe or file, for which rich would assume 80 columns


class _SafeConsole(Console):
    """A console that shows control characters in texts by their escapes, so that no name or error can control the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text, lines=True), **options)


def console() -> Console:
    """A console for standard output, with a minimum width if it is not a terminal. Characters that it lacks are replaced."""
    replace_unknown_characters()
    shown = _SafeConsole(highlight=False, emoji=False)  # a level or a path may contain `:fire:`
    if not shown.is_terminal:
        shown.width = max(PIPE, shutil.get_terminal_size().columns)
    return shown
