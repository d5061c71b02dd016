"""report.md: what index.html says, for a terminal, a diff or a repository's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ablate.report.caveats import headline, notices, runs_by_state
from ablate.report.text_table import in_markdown, line_in_markdown

if TYPE_CHECKING:
    from ablate.report.build import Report
    from ablate.report.figures import Drawn

TROUBLES = 200


def render(report: Report, drawn: Sequence[Drawn]) -> str:
    """The text of report.md."""
    lines = [f"# {in_markdown(report.name)}", "", in_markdown(headline(report)), "", runs_by_state(report), ""]
    for notice in notices(report):
        lines += [f"**{in_markdown(notice)}**", ""]
    lines += [table.to_markdown() for table in report.tables]
    for figure in drawn:
        lines += [f"## {in_markdown(figure.title)}", ""]
        lines += [f"![{in_markdown(figure.title)}](figures/{figure.name}.png)", "", in_markdown(figure.says), ""]
    troubles = report.troubles
    if troubles:
        lines += [
            "## Not finished, or set aside",
            "",
            *(f"- {line_in_markdown(trouble)}" for trouble in troubles[:TROUBLES]),
            "",
        ]
        lines += [f"… and {len(troubles) - TROUBLES} more.", ""] * (len(troubles) > TROUBLES)
    lines += ["## How it was made", ""]
    if command := report.launched.get("command"):
        lines += ["    " + " ".join(command.split("\n")), ""]
    for name, values in report.health.made.items():
        shown = [f"{value} ({number} runs)" if len(values) > 1 else value for value, number in values.most_common(5)]
        lines.append(f"- {line_in_markdown(name)}: {in_markdown('; '.join(shown))}")
    return "\n".join(lines).rstrip() + "\n"
