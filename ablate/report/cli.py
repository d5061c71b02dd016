"""The command `python -m ablate.report`: report a study, or the results of another program.

python -m ablate.report outputs/<study>
python -m ablate.report outputs/<study> --check verdicts.json
python -m ablate.report multirun/2026-01-31/12-00-00 --metric test/acc
python -m ablate.report results.csv --factors stem,dropout --seed seed --metric accuracy --claims claims.yaml
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.core.errors import UsageError
from ablate.core.metrics import parse_typed
from ablate.core.text import replace_unknown_characters
from ablate.report.import_options import add_options, imported

if TYPE_CHECKING:
    from ablate.importers.sources import Source
    from ablate.report.model import Report

BROKEN = 4  # exit status of --check if a verdict no longer holds


def write(study: str | Path) -> Path:
    """Write the report of the study in a folder and print its main tables; returns the path of report.md."""
    from ablate.report.build import build

    return _write_and_show(build(study))


def main() -> None:
    """Run the command. Exits with status 2 for invalid arguments, and 4 if --check finds a verdict that no longer holds."""
    replace_unknown_characters()
    try:
        arguments = _parser().parse_args()
        # read it first, because the report may replace this file
        before = _verdicts(arguments.check) if arguments.check else None
        from ablate.importers.sources import source_of

        arguments.source, tool = source_of(arguments.source)
        is_study = arguments.source.is_dir() and tool is None
        report = _of_study(arguments) if is_study else _of_other(arguments, tool)
        try:
            _write_and_show(report, arguments.siunitx)
        except OSError as error:
            reason = f"the report cannot be written to {report.folder} ({error.strerror or error})."
            hint = f"`ablate show {arguments.source}` prints it." if is_study else "Name another folder with --output."
            raise UsageError(f"{reason} {hint}") from None
    except UsageError as error:
        print(f"ablate: {error}", file=sys.stderr)
        sys.exit(2)
    if before is not None:
        _compare(arguments.check, before, report)


def _write_and_show(report: Report, siunitx: bool = False) -> Path:
    from ablate.report.folder import write_folder
    from ablate.report.printing import show

    path = write_folder(report, siunitx=siunitx)
    show(report, path)
    return path


def _compare(path: Path, before: Sequence[Mapping[str, Any]], report: Report) -> None:
    from ablate.stats.verdict_changes import verdicts_that_fail

    now: list[dict[Any, Any]] = report.claims.verdicts.to_dict("records")
    failed = verdicts_that_fail(before, now)
    for sentence in failed:
        print(f"ablate: {sentence}", file=sys.stderr)
    if failed:
        sys.exit(BROKEN)
    print(f"{path}: all decided verdicts hold.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.report", description="Write a report with tables, figures and verdicts from existing results."
    )
    parser.add_argument(
        "source",
        type=Path,
        help="the folder of a study, or its name in outputs/, such as dropout+stem; a Hydra multirun folder, logs of Lightning "
        "or TensorBoard, or an MLflow store; or a CSV or JSON file with one row per run",
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="a verdicts.json: exit with status 4 unless its decided verdicts still hold"
    )
    parser.add_argument(
        "--metric",
        action="append",
        metavar="A,B",
        help="the metrics, columns of a file; the first one is compared. With a description: "
        "--metric 'acc: title=Accuracy, unit=%%, digits=1, better=higher, chance=0.1', once for each metric",
    )
    parser.add_argument(
        "--siunitx",
        action="store_true",
        help="ablation.tex with S columns of siunitx, which align numbers at the decimal point",
    )
    add_options(parser)
    foreign = parser.add_argument_group("other options for a CSV or JSON file")
    foreign.add_argument(
        "--claims", type=Path, metavar="FILE", help="a YAML file with claims, and optionally the keys chance and budgets"
    )
    foreign.add_argument(
        "--output", type=Path, metavar="FOLDER", help="the folder of the report; default: NAME-report next to the file"
    )
    return parser


def _metrics(arguments: argparse.Namespace) -> list[tuple[str, dict[str, Any]]]:
    """The metrics that were named, with their descriptions."""
    return [each for text in arguments.metric or () for each in parse_typed(text)]


def _of_study(arguments: argparse.Namespace) -> Report:
    from ablate.report.build import build

    of_both = ("source", "check", "metric", "siunitx")
    given = [name for name, value in vars(arguments).items() if name not in of_both and value is not None]
    if given:
        option = given[0].replace("_", "-")
        raise UsageError(f"--{option} is for a CSV or JSON file, but {arguments.source} is a folder: leave the option out.")
    return build(arguments.source, dict(_metrics(arguments)))


def _of_other(arguments: argparse.Namespace, tool: Source | None) -> Report:
    """The report of what another tool stored; without a tool, of a CSV or JSON file."""
    from ablate.report.build import compose
    from ablate.report.claims_of_imports import read_claims, with_claims

    path: Path = arguments.source
    typed = _metrics(arguments)
    found = imported(tool or path, arguments, [name for name, _ in typed])
    results, metrics = found.results(), found.metrics
    content = read_claims(arguments.claims, metrics) if arguments.claims else {}
    described = {name: keys for name, keys in typed if name in metrics}
    results = with_claims(results, content.get("claims"), described, content.get("chance"), content.get("budgets"))
    command = shlex.join(["python", "-m", "ablate.report", *sys.argv[1:]])
    return compose(
        replace(results, manifest=results.manifest.model_copy(update={"command": command})),
        name=path.absolute().name,
        folder=arguments.output or path.absolute().with_name(f"{path.absolute().stem}-report"),
        metric=metrics[0],
    )


def _verdicts(path: Path) -> Sequence[Mapping[str, Any]]:
    from ablate.report.claims_of_imports import read_text

    content = read_text(path, json.loads, "JSON")
    if not isinstance(content, list) or not all(
        isinstance(row, dict) and isinstance(row.get("id"), str) and isinstance(row.get("verdict"), str) for row in content
    ):
        raise UsageError(f"--check {path}: the file should be the verdicts.json of a report.")
    return content


if __name__ == "__main__":
    main()
