"""The command: tables, figures and verdicts of a study, from its records alone; or of results that another program made.

    python -m ablate.report outputs/<study>
    python -m ablate.report outputs/<study> --check verdicts.json
    python -m ablate.report results.csv --factors stem,dropout --seed seed --metric accuracy --claims claims.yaml

torch is not imported.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ablate.core.errors import UsageError
from ablate.report import terminal

if TYPE_CHECKING:
    from ablate.report.files import Report

BROKEN = 4  # the exit status of --check


def write(study: str | Path) -> Path:
    """Write the report of a study, print its first tables, and give the path of report.md.

    Raises UsageError if there are no runs.
    """
    from ablate.report import files

    return _show(files.build(Path(study)))


def main() -> None:
    """The command line. Exits with status 2 if what was typed cannot be used, and 4 if --check finds a verdict broken."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        # read before the report is written: it may be the very file that the report replaces
        before = _verdicts(arguments.check) if arguments.check else None
        report = _of_study(arguments) if arguments.source.is_dir() else _of_csv(arguments)
        try:
            _show(report)
        except OSError as error:
            raise UsageError(f"the report cannot be written to {report.folder} ({error.strerror or error}).") from None
    except UsageError as error:
        print(f"ablate: {error}", file=sys.stderr)
        sys.exit(2)
    if before is not None:
        _compare(arguments.check, before, report)


def _compare(path: Path, before: Sequence[Mapping[str, Any]], report: Report) -> None:
    from ablate.stats.verdict_changes import broken

    now: list[dict[Any, Any]] = report.verdicts.to_dict("records")
    for sentence in (found := broken(before, now)):
        print(f"ablate: {sentence}", file=sys.stderr)
    if found:
        sys.exit(BROKEN)
    print(f"{path}: every decided verdict holds.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.report", description="Tables, figures and verdicts, from results that are there."
    )
    parser.add_argument(
        "source", type=Path, help="the folder of a study, such as outputs/dropout+stem; or a CSV file, a row a run"
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="a verdicts.json: exit with status 4 unless its verdicts hold"
    )
    csv = parser.add_argument_group("for a CSV file")
    csv.add_argument("--factors", type=_names, metavar="A,B", help="the columns that hold the levels of the factors")
    csv.add_argument("--seed", metavar="COLUMN", help="the column that pairs the runs")
    csv.add_argument("--metric", type=_names, metavar="A,B", help="the columns of numbers; the first one is compared")
    csv.add_argument("--claims", type=Path, metavar="FILE", help="a YAML file of claims; it may also hold chance and budgets")
    csv.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where the report goes, instead of NAME-report beside the file"
    )
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _of_study(arguments: argparse.Namespace) -> Report:
    from ablate.report import files

    for option in ("factors", "seed", "metric", "claims", "output"):
        if getattr(arguments, option) is not None:
            raise UsageError(f"--{option} is for a CSV file: {arguments.source} is a folder. A study says all this itself.")
    return files.build(arguments.source)


def _of_csv(arguments: argparse.Namespace) -> Report:
    from ablate.engine.claims import check
    from ablate.importers.csv import read_results
    from ablate.report import files

    path: Path = arguments.source
    if not path.exists():
        if path.suffix.lower() != ".csv":
            raise UsageError(f"no runs in {path}: there is no such folder.")
        raise UsageError(f"{path}: there is no such file.")
    for option in ("factors", "seed", "metric"):
        if getattr(arguments, option) is None:
            raise UsageError(f"--{option} is missing: which of the columns of {path}?")
    runs = read_results(path, arguments.factors, arguments.seed, arguments.metric)
    launched = _claims(arguments.claims, arguments.metric) if arguments.claims else {}
    check(launched.get("claims", []), runs.attrs["factors"], runs.attrs["facts"], runs["seed"].nunique())
    return files.compose(
        runs,
        name=path.name,
        folder=arguments.output or path.with_name(f"{path.stem}-report"),
        metric=arguments.metric[0],
        launched={**launched, "command": shlex.join(["python", "-m", "ablate.report", *sys.argv[1:]])},
    )


def _claims(path: Path, metrics: Sequence[str]) -> dict[str, Any]:
    """The claims of a YAML file: a list, or `claims:` with `chance:` and `budgets:`, or all this under `study:`.

    A claim that names no metric is about the first one.
    """
    from ablate.stats.outcomes import terms_of

    found = _read(path, yaml.safe_load, "YAML")
    of_study = isinstance(found, Mapping) and isinstance(found.get("study"), Mapping)
    if of_study:
        found = found["study"]
    if isinstance(found, list):
        found = {"claims": found}
    if not isinstance(found, Mapping) or not isinstance(found.get("claims"), list):
        raise UsageError(f"--claims {path}: the file should hold a list of claims, or the key claims.")
    if unknown := [key for key in found if key not in ("claims", "chance", "budgets") and not of_study]:
        raise UsageError(f"--claims {path}: {unknown[0]} is no key of the file; its keys are claims, chance, budgets.")
    for key in ("chance", "budgets"):
        numbers = found.get(key) or {}
        if not isinstance(numbers, Mapping) or not all(type(value) in (int, float) for value in numbers.values()):
            raise UsageError(f"--claims {path}: {key} should give numbers of metrics, such as {{accuracy: 0.1}}.")
    claims = [{"metric": metrics[0], **claim} if isinstance(claim, Mapping) else claim for claim in found["claims"]]
    for claim in claims:
        unread = [term for term in terms_of(str(claim["metric"])) if term not in metrics] if isinstance(claim, Mapping) else []
        if unread:
            raise UsageError(f"claim {claim.get('id')} is about {unread[0]}: name it in --metric, behind the one to compare.")
    return {"claims": claims, **{key: dict(found[key]) for key in ("chance", "budgets") if found.get(key)}}


def _verdicts(path: Path) -> Sequence[Mapping[str, Any]]:
    found = _read(path, json.loads, "JSON")
    if not isinstance(found, list) or not all(
        isinstance(row, dict) and isinstance(row.get("id"), str) and isinstance(row.get("verdict"), str) for row in found
    ):
        raise UsageError(f"--check {path}: the file should be the verdicts.json of a report.")
    return found


def _read(path: Path, parse: Any, kind: str) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as {kind} ({error}).") from None


def _show(report: Report) -> Path:
    """Write a report, print what a reader looks for first, and give the path of report.md."""
    from ablate.report import files
    from ablate.report.caveats import head

    path = files.write(report)
    console = terminal.console()
    for line in head(report):
        console.print(line, markup=False)
    for table in [table for table in report.tables if table.at_once]:
        console.print(table.title, markup=False)
        console.print(table.to_rich())
        for note in table.notes:
            console.print(note, markup=False)
    for trouble in report.troubles:
        console.print(trouble, markup=False)
    if further := [table.title for table in report.tables if not table.at_once]:
        console.print(f"Further tables of the report: {', '.join(further)}.", markup=False)
    console.print(f"Report: {path}", markup=False, soft_wrap=True)
    console.print(f"Page: {path.with_name('index.html')}", markup=False, soft_wrap=True)
    return path


if __name__ == "__main__":
    main()
