"""Export the runs or the learning curves of a study as one table.

ablate export STUDY [--history] [--format csv|json] [--output FILE]
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ablate.commands import studies
from ablate.core.errors import UsageError
from ablate.report.table_formats import frame_to_csv
from ablate.storage.dataframe import load_history, load_results
from ablate.storage.files import remove_abandoned, write_atomically

FORMATS = ("csv", "json")


def exported(study: Path, history: bool) -> tuple[pd.DataFrame, list[str]]:
    """The table, and messages about files that were skipped.

    Args:
        study: the folder of the study.
        history: whether to export a row for each epoch instead of a row for each run. The levels and the seed of the run are
            added to each row.
    """
    results = load_results(study)
    frame, warnings = results.to_frame(), list(results.warnings)
    if history:
        levels = [name for name in frame if name in results.levels or str(name).removeprefix("factor.") in results.levels]
        runs = frame[["directory", "seed", *levels]]  # configurations that share a run have a row each
        epochs = load_history(results, warnings)
        taken = {name: f"history.{name}" for name in epochs if name in runs and name != "directory"}
        frame = runs.merge(epochs.rename(columns=taken), on="directory", how="inner")
    return frame, warnings


def as_text(frame: pd.DataFrame, form: str) -> str:
    """The table as CSV, inert in a spreadsheet, or as JSON with a list of rows."""
    if form == "csv":
        return frame_to_csv(frame)
    rows = [{str(name): _known(value) for name, value in row.items()} for row in frame.to_dict("records")]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def _write(text: str) -> None:
    """Write to standard output; a level must not become `?`, as in a message."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        lacking = text[error.start]
        raise UsageError(f"standard output is {encoding}, which lacks {lacking!r}: use --output FILE (UTF-8).") from None
    sys.stdout.write(text)


def _known(value: object) -> object:
    """A value for JSON: null for what is missing or not finite; numbers keep all digits."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> None:
    """Run the command."""
    parser = studies.parser("export", "Export the runs, or the learning curves, of a study as one table.")
    studies.add_study(parser)
    parser.add_argument("--history", action="store_true", help="a row for each epoch instead of a row for each run")
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    arguments = parser.parse_args()

    def command() -> None:
        frame, warnings = exported(studies.find(arguments.study), arguments.history)
        if arguments.history and frame.empty:
            warnings.append(f"no run of {arguments.study} has a history: its program logs nothing by epoch.")
        for warning in warnings:
            print(f"ablate: {warning}", file=sys.stderr)
        text = as_text(frame, arguments.format)
        if arguments.output is None:
            _write(text)
            return
        try:
            output = arguments.output.resolve()  # a link stays one
            if output.exists() and not output.is_file():  # a pipe, or a device
                output.write_text(text, encoding="utf-8")
            else:
                remove_abandoned(output.parent, re.escape(output.name))
                write_atomically(output, text)
        except OSError as error:
            raise UsageError(f"--output {arguments.output} cannot be written ({error.strerror or error}).") from None
        print(f"{len(frame):,} rows: {arguments.output}")

    studies.run(command)
