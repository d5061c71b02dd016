"""What stands at the head of a report: what was found, in a line or two, and what a reader has to know at once."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ablate.analysis import verdicts
from ablate.reporting.inference import BELOW
from ablate.study.design import say

if TYPE_CHECKING:
    from ablate.reporting.content import Report

ORDER = (verdicts.SUPPORTED, verdicts.CONTRADICTED, verdicts.IDENTICAL, verdicts.INCONCLUSIVE, verdicts.NOT_TESTED)


def headline(report: Report) -> str:
    """The verdicts, or what there is instead, in one sentence."""
    if not report.verdicts.empty:
        counts = Counter(report.verdicts["verdict"])
        found = [f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict]]
        return f"{_counted(len(report.verdicts), 'claim')}: {', '.join(found)}."
    cells, seeds = report.runs["cell"].nunique(), report.runs["seed"].nunique()
    return f"{_counted(cells, 'cell')}, {_counted(seeds, 'seed')}, no claim."


def notices(report: Report) -> list[str]:
    """What the images were, if they were not what a reader would think, and whether there can be any verdict."""
    facts: dict[str, Any] = report.runs.attrs["facts"]
    factors: dict[str, list[Any]] = report.runs.attrs["factors"]
    sources = [facts["data.source"]] if "data.source" in facts else factors.get("data.source") or factors.get("data") or []
    found = []
    if "builtin" in sources:
        found.append("The images were drawn by the program (data.source=builtin): this says nothing of photographs.")
    if "images" in sources:
        roots = [facts["data.root"]] if "data.root" in facts else factors.get("data.root", [])
        for root in map(say, roots):
            copy = ", by its name a JPEG copy: compression has changed the pixels"
            found.append(f"Images from {root}{copy * ('jpeg' in PurePath(root).name.lower())}.")
    asked = report.launched.get("decisions", {}).get("data.source")
    if asked:
        found.append(f"The images: data={asked['asked']} meant data={asked['took']}.")
    if report.health.mixed:
        found.append(f"Not equal in all runs: {', '.join(report.health.mixed)}.")
    if report.runs["seed"].nunique() < verdicts.LOOKS[0]:
        found.append(BELOW)
    return found


def runs_by_state(report: Report) -> str:
    """How the runs ended, in one line."""
    total = sum(report.health.states.values())
    counts = [f"{number} {state}" for state, number in report.health.states.items() if number]
    return f"{_counted(total, 'run')}: {', '.join(counts)}."


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
