"""Show the findings and the tables of a study in the terminal, without writing a report.

ablate show STUDY [TABLE …]
"""

from __future__ import annotations

from ablate.commands import studies
from ablate.report import terminal
from ablate.report.build import build
from ablate.report.caveats import caveats
from ablate.report.headline import SHOWN, findings
from ablate.report.model import Report
from ablate.report.printing import print_table, print_top
from ablate.report.table import Table, named, without_repeated_notes


def chosen(report: Report, names: list[str]) -> list[Table]:
    """The tables with these names; without names, the main ones but the verdicts, which the findings tell in sentences.

    Raises:
        UsageError: for an unknown name; the message lists those that there are.
    """
    if not names:
        return [table for table in report.tables if table.main and table.name != "verdicts"]
    if names == ["all"]:
        return list(report.tables)
    return [named(report.tables, name, report.name, "all") for name in names]


def main() -> None:
    """Run the command."""
    parser = studies.parser("show", "Show the findings and the tables of a study in the terminal, without writing a report.")
    studies.add_study(parser)
    parser.add_argument(
        "tables", metavar="TABLE", nargs="*", default=[], help="tables to show, such as contrasts; all for every table"
    )
    arguments = parser.parse_args()

    def command() -> None:
        report = build(studies.find(arguments.study))
        console = terminal.console()
        tables = chosen(report, arguments.tables)
        if not arguments.tables:
            print_top(report, console)
            for finding in findings(report)[: None if report.claims.judgements else SHOWN]:
                console.print("  ".join(filter(None, [finding.claim, finding.sentence, finding.next_step])), markup=False)
        for table in without_repeated_notes(tables, () if arguments.tables else caveats(report)):
            print_table(table, console)

    studies.run(command)
