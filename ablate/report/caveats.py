"""What stands at the head of a report: what was found, in a line or two, and what a reader has to know at once."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ablate.core.designs import same, say
from ablate.report.stats_tables import BELOW, some
from ablate.stats import decision_rules

if TYPE_CHECKING:
    from ablate.report.build import Report

ORDER = (
    decision_rules.SUPPORTED,
    decision_rules.CONTRADICTED,
    decision_rules.IDENTICAL,
    decision_rules.INCONCLUSIVE,
    decision_rules.NOT_TESTED,
)


def headline(report: Report) -> str:
    """The verdicts, or what there is instead, in one sentence."""
    if not report.verdicts.empty:
        counts = Counter(report.verdicts["verdict"])
        found = [f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict]]
        return f"{_counted(len(report.verdicts), 'claim')}: {', '.join(found)}."
    cells, seeds = report.runs["cell"].nunique(), report.runs["seed"].nunique()
    return f"{_counted(cells, 'cell')}, {_counted(seeds, 'seed')}, no claim."


def head(report: Report) -> list[str]:
    """The head of a report in lines: the headline, then the notices."""
    return [headline(report), *notices(report)]


def notices(report: Report) -> list[str]:
    """What the images were, if they were not what a reader would think, which cells are gone, and whether there can be any
    verdict."""
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
    if after := report.launched.get("claims_after"):
        found.append(
            f"The claims were written down when {_counted(after, 'run')} {'was' if after == 1 else 'were'} done already."
        )
    found += _gone(report)
    if report.health.mixed:
        found.append(f"Not equal in all runs: {', '.join(report.health.mixed)}.")
    if report.runs["seed"].nunique() < decision_rules.LOOKS[0]:
        found.append(BELOW)
    return found


def _gone(report: Report) -> list[str]:
    """The levels and cells that the study was launched with and of which no run counts."""
    counted = report.runs[report.runs["left_out"].isna()]
    levels_now: dict[str, list[Any]] = report.runs.attrs["factors"]
    facts: dict[str, Any] = report.runs.attrs["facts"]
    found = []
    for factor, launched in report.launched.get("factors", {}).items():
        if factor not in levels_now and factor not in facts:
            continue
        there = counted[factor].tolist() if factor in counted else [facts[factor]]
        gone = [level for level in launched if not any(same(level, other) for other in there)]
        if not gone or not there:
            continue
        left_out = " but those that were left out" * any(same(gone[0], level) for level in report.runs.get(factor, ()))
        sentence = (
            f"{some([f'{factor}={say(level)}' for level in gone])} {'has' if len(gone) == 1 else 'have'} no run{left_out}"
        )
        now = next(level for level in [*launched, *there] if any(same(level, other) for other in there))
        found.append(sentence + f": the baseline is {factor}={say(now)}" * (not same(launched[0], now)) + ".")
    cells = {run.cell: run.label for run in report.health.missing if run.cell not in set(report.runs["cell"])}
    if cells and not report.summary.empty:
        first = report.summary["label"].iloc[0]
        have = "cell that was planned has" if len(cells) == 1 else "cells that were planned have"
        found.append(f"{len(cells)} {have} no run: {some(list(cells.values()))}. The baseline here is {first}.")
    return found


def runs_by_state(report: Report) -> str:
    """How the runs ended, in one line."""
    total = sum(report.health.states.values())
    counts = [f"{number} {state}" for state, number in report.health.states.items() if number]
    return f"{_counted(total, 'run')}: {', '.join(counts)}."


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
