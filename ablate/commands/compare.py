"""Compare two studies: the configurations that both have, and the verdicts on their claims.

ablate compare BEFORE AFTER [--metric NAME]
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ablate.commands import studies
from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.core.wording import counted
from ablate.report import terminal
from ablate.report.formatting import as_reported, difference_heading, heading
from ablate.report.printing import print_table
from ablate.report.table import Column, Row, Table
from ablate.report.values import Count, Interval, Number
from ablate.stats.judge import judge
from ablate.stats.study_comparison import compare_studies
from ablate.storage.dataframe import load_results
from ablate.storage.results import StudyResults


def metric_of(before: StudyResults, after: StudyResults, asked: str | None) -> str:
    """The metric to compare: `asked`, or the main metric of the first study.

    Raises:
        UsageError: if one of the studies does not have it.
    """
    metric = asked or before.main_metric
    common = [str(name) for name in before.values if name in after.values]
    if not common:
        raise UsageError("the two studies have no metric in common: one has no finished run, or they measure different things.")
    if metric not in common:
        raise UsageError(f"--metric {metric}: both studies need it; common metrics: {', '.join(common) or 'none'}.")
    return metric


def configurations(frame: pd.DataFrame, spec: MetricSpec) -> Table:
    """A row for each configuration that both studies have."""
    rows = [
        Row(
            {
                "configuration": row["configuration"],
                "before": Number(row["mean_before"], spec),
                "n_before": Count(row["n_before"]),
                "after": Number(row["mean_after"], spec),
                "n_after": Count(row["n_after"]),
                "difference": Interval.over(
                    row["pairs"] or min(row["n_before"], row["n_after"]), row["estimate"], row["low"], row["high"], spec
                ),
                "pairs": f"{row['pairs']} seeds" if row["pairs"] else "not paired",
            }
        )
        for row in frame.to_dict("records")
    ]
    columns = [
        Column("configuration", "configuration", "sentence"),
        Column("before", f"before: {heading(spec)}", "number"),
        Column("n_before", "n", "number"),
        Column("after", f"after: {heading(spec)}", "number"),
        Column("n_after", "n", "number"),
        Column("difference", f"Δ {difference_heading(spec)}", "number"),
        Column("pairs", "paired by"),
    ]
    notes = ["Δ: after minus before, with its 95 % interval over the common seeds (paired t; Welch if not paired)."]
    for lost in frame.query("lost_before + lost_after > 0").to_dict("records"):
        notes.append(
            f"{lost['configuration']}: {counted(lost['lost_before'], 'run')} before and {lost['lost_after']} after had no "
            "value (diverged, failed or not finite) and are in no mean."
        )
    return Table("comparison", "Configurations of both studies", columns, rows, frame, notes)


def verdicts(before: StudyResults, after: StudyResults) -> Table | None:
    """A row for each claim that both studies have; None without any."""
    first, second = ({each.claim.meaning: each for each in judge(results.claims(), results)} for results in (before, after))
    common = [meaning for meaning in first if meaning in second]
    if not common:
        return None
    rows = [
        Row(
            {
                "claim": second[meaning].claim.id,
                "says": second[meaning].claim.says,
                "before": first[meaning].verdict,
                "after": second[meaning].verdict,
                "changed": "changed" if first[meaning].verdict != second[meaning].verdict else "",
            }
        )
        for meaning in common
    ]
    columns = [
        Column("claim", "claim"),
        Column("says", "says", "sentence"),
        Column("before", "before"),
        Column("after", "after"),
        Column("changed", ""),
    ]
    return Table("verdicts", "Verdicts", columns, rows, pd.DataFrame())


def main() -> None:
    """Run the command."""
    parser = studies.parser("compare", "Compare the configurations and the verdicts of two studies.")
    studies.add_study(parser, "before")
    studies.add_study(parser, "after")
    parser.add_argument("--metric", help="the metric to compare; default: the main metric of the first study")
    arguments = parser.parse_args()

    def command() -> None:
        folders: list[Path] = [studies.find(arguments.before), studies.find(arguments.after)]
        before, after = map(load_results, folders)
        metric = metric_of(before, after, arguments.metric)
        frame = compare_studies(before, after, metric)
        if frame.empty:
            raise UsageError(f"{folders[0]} and {folders[1]} have no configuration in common.")
        # one scale for both studies, as in a report: accuracies may have been logged as percentages
        values = pd.concat([before.counted.values, after.counted.values])
        spec = as_reported(before.metrics, values)[metric]
        console = terminal.console()
        for table in (configurations(frame, spec), verdicts(before, after)):
            if table is not None:
                print_table(table, console)

    studies.run(command)
