"""Render report.md: the content of index.html for terminals, diffs and repository pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablate.report.caveats import caveats, runs_by_state
from ablate.report.escaping import in_markdown, line_in_markdown
from ablate.report.figures import DrawnFigure
from ablate.report.headline import headline, size
from ablate.report.model import Report
from ablate.report.table import without_repeated_notes
from ablate.report.table_formats import SHOWN, to_markdown

PROBLEMS = 200
VALUES = 5  # values shown of each provenance item


def render(report: Report, drawn: Sequence[DrawnFigure]) -> str:
    """Render report.md."""
    runs = f"{size(report)}; {runs_by_state(report)}"
    lines = [f"# {in_markdown(report.name)}", "", in_markdown(headline(report)), "", runs, ""]
    for caveat in caveats(report):
        lines += [f"**{in_markdown(caveat)}**", ""]
    lines += [to_markdown(table, SHOWN) for table in without_repeated_notes(report.tables, caveats(report))]
    for figure in drawn:
        title = in_markdown(figure.title)
        lines += [f"## {title}", "", f"![{title}](figures/{figure.name}.png)", "", in_markdown(figure.caption), ""]
    lines += [*_problems(report), *_provenance(report)]
    return "\n".join(lines).rstrip() + "\n"


def _problems(report: Report) -> Iterator[str]:
    if not report.problems:
        return
    yield from ("## Unfinished runs and skipped files", "")
    yield from (f"- {line_in_markdown(problem)}" for problem in report.problems[:PROBLEMS])
    yield ""
    if len(report.problems) > PROBLEMS:
        yield from (f"… and {len(report.problems) - PROBLEMS} more.", "")


def _provenance(report: Report) -> Iterator[str]:
    yield from ("## Provenance", "")
    if commands := report.results.manifest.commands:
        yield from (*("    " + " ".join(each.split("\n")) for each in commands), "")
    for name, values in report.audit.made.items():
        shown = [f"{value} ({number} runs)" if len(values) > 1 else value for value, number in values.most_common(VALUES)]
        yield f"- {line_in_markdown(name)}: {in_markdown('; '.join(shown))}"
