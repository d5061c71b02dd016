"""Where tables and lines are printed."""

from __future__ import annotations

import shutil

from rich.console import Console

PIPE = 140  # columns of a pipe or a file at least: rich would take it for a screen of 80


def console() -> Console:
    """The terminal, or what stands in its place."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=max(PIPE, shutil.get_terminal_size().columns))
