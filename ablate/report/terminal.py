"""The console that tables and messages are printed to."""

from __future__ import annotations

import shutil

from rich.console import Console

PIPE = 140  # columns of a pipe or a file at least: rich would assume a screen of 80


def console() -> Console:
    """A console for standard output, wide enough if that is not a terminal."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=max(PIPE, shutil.get_terminal_size().columns))
