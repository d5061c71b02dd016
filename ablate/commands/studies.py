"""Finding studies by name or path; and the texts that several subcommands print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ablate.core.errors import UsageError
from ablate.storage.layout import ROOT, find_study, studies_in


def run(command: Callable[[], int | None]) -> None:
    """Run a subcommand and exit with its status: 2 for an invalid argument or an unusable file, 130 after Ctrl-C.

    Raises:
        BrokenPipeError: if the reader of the output, such as `head`, has closed the pipe.
    """
    try:
        sys.exit(command() or 0)
    except UsageError as error:
        print(f"ablate: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"ablate: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """The argument parser of a subcommand."""
    return argparse.ArgumentParser(
        prog=f"ablate {name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_study(to: argparse.ArgumentParser, name: str = "study") -> None:
    """Add a positional argument for a study, see `find`."""
    to.add_argument(name, metavar=name.upper(), help=f"the folder of a study, or its name in {ROOT}/")


def find(name: str) -> Path:
    """The folder of a study.

    Args:
        name: its path, or its name in `outputs/`.

    Raises:
        UsageError: if it does not exist or is no study; the message lists those that there are, and the command for results of
            other tools.
    """
    if (path := find_study(name)) is not None:
        return path
    available = ", ".join(path.name for path in studies_in(ROOT)) or "none"
    if Path(name).exists():
        way = f"For results of other tools, use `ablate report {name}`"
        raise UsageError(f"{name} is not the folder of a study. {way}; studies in {ROOT}/: {available}.")
    raise UsageError(f"{name}: there is no such study; available in {ROOT}/: {available}.")
