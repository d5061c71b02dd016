"""The command `ablate`: dispatches to its subcommands, importing only the one that is asked for.

ablate --help
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import NamedTuple

from ablate.core.text import nearest, replace_unknown_characters


class Command(NamedTuple):
    """A subcommand: its module, the function to call, and one line of help."""

    module: str
    function: str
    summary: str


COMMANDS = {
    "run": Command("ablate.run", "train", "train the included experiment, or sweep it with -m"),
    "sweep": Command("ablate.commands.sweep", "main", "study a program that does not use Hydra: ablate sweep … -- COMMAND"),
    "list": Command("ablate.commands.list_studies", "main", "list the studies in a folder"),
    "show": Command("ablate.commands.show", "main", "show the findings and tables of a study in the terminal"),
    "watch": Command("ablate.commands.watch", "main", "watch a study while it runs"),
    "open": Command("ablate.commands.open_report", "main", "open the page of a study in a browser"),
    "compare": Command("ablate.commands.compare", "main", "compare the configurations and verdicts of two studies"),
    "export": Command("ablate.commands.export", "main", "export the runs or the learning curves as one table"),
    "rm": Command("ablate.commands.rm", "main", "remove a study, or some of its runs"),
    "status": Command("ablate.commands.status", "main", "show what the runs of a study are doing, and where"),
    "report": Command("ablate.report.cli", "main", "write the report of a study, or of results of other tools"),
}


def main() -> None:
    """Run a subcommand with the remaining arguments. Exits with status 2 if there is no such subcommand."""
    replace_unknown_characters()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(help_text())
        return
    if name not in COMMANDS:
        print(f"ablate: unknown command '{name}'; available: {', '.join(COMMANDS)}.{nearest(name, COMMANDS)}", file=sys.stderr)
        sys.exit(2)
    command = COMMANDS[name]
    sys.argv = [f"ablate {name}", *sys.argv[2:]]
    try:
        try:
            sys.exit(getattr(importlib.import_module(command.module), command.function)())
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        # Python writes what is left in its buffer as it exits, and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def help_text() -> str:
    """The usage and a line for each subcommand."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        ["usage: ablate COMMAND [arguments]", "", "commands:", *lines, "", "`ablate COMMAND --help` explains a command."]
    )


if __name__ == "__main__":
    main()
