"""The console for tables and messages."""

from __future__ import annotations

import shutil

from rich.console import Console

PIPE = 140  # minimum width of a pipe or file, for which rich would assume 80 columns


def console() -> Console:
    """A console for standard output, with a minimum width if it is not a terminal."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=max(PIPE, shutil.get_terminal_size().columns))
