"""The operating systems on which runs are executed."""

from __future__ import annotations

import sys

from ablate.core.errors import UsageError


def refuse_windows() -> None:
    """Reject to execute runs where processes cannot be asked, ended and locked as the engine needs it.

    Raises:
        UsageError: on Windows.
    """
    if sys.platform == "win32":
        raise UsageError(
            "runs cannot be executed on Windows: use the Windows Subsystem for Linux (WSL). Only `ablate report` and "
            "`ablate.load` are meant for Windows, too."
        )
