"""The first screen of a report: its findings, and the sentence above them."""

from __future__ import annotations

import math
from collections import Counter

from ablate.core.wording import counted
from ablate.report.claim_findings import claim_findings
from ablate.report.contrast_findings import contrast_findings, of_several
from ablate.report.findings import Finding, with_unit
from ablate.report.formatting import capitalized
from ablate.report.model import Report
from ablate.report.values import Mean
from ablate.stats import decision_rules

SHOWN = 12  # findings of a study without claims; the table of contrasts has all
NAMED = 3  # undecided effects that the headline names


def findings(report: Report) -> list[Finding]:
    """The findings of a report: those of its claims, or without claims, of its contrasts."""
    return claim_findings(report) if report.claims.judgements else contrast_findings(report)


def headline(report: Report) -> str:
    """The number of claims by verdict; without claims, the largest effect and what is undecided.

    For a single configuration, its mean.
    """
    judgements = report.claims.judgements
    if judgements:
        counts = Counter(judgement.verdict for judgement in judgements)
        verdicts = [f"{counts[verdict]} {verdict}" for verdict in decision_rules.VERDICTS if counts[verdict]]
        exploratory = sum(each.exploratory for each in judgements)
        some = f", {exploratory} of them exploratory" if exploratory else ""
        return f"{counted(len(judgements), 'claim')}{some}: {', '.join(verdicts)}."
    found = contrast_findings(report)
    if len(found) == 1:
        return found[0].sentence
    if not found or report.metric is None:
        return _of_means(report)
    return _of_effects(found, f" on {report.metrics[report.metric].title}" if of_several(report) else "")


def size(report: Report) -> str:
    """The size of the study: `4 configurations, 5 seeds`."""
    runs = report.results.runs
    replicates = counted(runs["seed"].nunique(), "seed" if report.results.paired else "run")
    return f"{counted(runs['cell'].nunique(), 'configuration')}, {replicates}"


def _of_effects(found: list[Finding], on: str) -> str:
    """The largest effect, and how many are clear; `found` begins with it, and `on` names the metric."""
    first = found[0]
    assert first.estimate is not None
    largest = f"{first.subject}, {with_unit(first.estimate)}"
    clear, open_ = [each for each in found if each.decided], [each for each in found if not each.decided]
    if not clear:
        state = "Preliminary" if ", preliminary at " in first.sentence or math.isnan(first.estimate.low) else "Undecided"
        if all(each.estimate is not None and each.estimate.estimate == 0 for each in found):
            return f"{state}: {_effects(found)}{on}, all zero: no configuration differs."
        interactions = [each for each in found if _is_interaction(each)]
        text = f"{state}: the largest of {_effects([each for each in found if not _is_interaction(each)])}{on} is {largest}"
        return f"{text}{_largest_interaction(interactions)}."
    clearest = clear[0]  # the largest of those that are clear
    assert clearest.estimate is not None
    lead = f"Largest clear effect{on}: {clearest.subject}, {with_unit(clearest.estimate)}."
    if not open_:
        every = f"Both {_kinds(found)}" if len(found) == 2 else f"All {_effects(found)}"
        return lead if len(found) == 1 else f"{lead} {every} are clear."
    names = f" ({'; '.join(each.subject for each in open_)})" if len(open_) <= NAMED else ""
    return f"{lead} Undecided: {len(open_)} of {len(found)} {_kinds(found)}{names}."


def _kinds(found: list[Finding]) -> str:
    return "effects and interactions" if _interactions(found) else "effects"


def _interactions(found: list[Finding]) -> int:
    return sum(map(_is_interaction, found))


def _is_interaction(finding: Finding) -> bool:
    return finding.subject.startswith("interaction of ")


def _largest_interaction(found: list[Finding]) -> str:
    """An interaction is a difference of differences, which is not compared with effects: it has a phrase of its own."""
    known = [(each.subject, each.estimate) for each in found if each.estimate is not None]
    if not known:
        return ""
    subject, estimate = max(known, key=lambda each: abs(each[1].estimate))
    if len(found) == 1:
        return f"; the {subject} is {with_unit(estimate)}"
    return f"; that of {counted(len(found), 'interaction')} is the {subject}, {with_unit(estimate)}"


def _effects(found: list[Finding]) -> str:
    interactions = _interactions(found)
    several = counted(len(found) - interactions, "effect")
    return f"{several} and {counted(interactions, 'interaction')}" if interactions else several


def _of_means(report: Report) -> str:
    """The mean of a single configuration, if it has one."""
    summary, metric = report.summary, report.metric
    if metric is None or metric not in summary.mean or len(summary.cells) != 1:
        return "No results to compare yet."
    spec, cell = report.metrics[metric], summary.baseline
    n = int(summary.n[metric][cell])
    if not n:
        return "No results to compare yet."
    mean = Mean(summary.mean[metric][cell], summary.sd[metric][cell], n, n, spec)
    unit = f" {spec.unit}" if spec.unit else ""
    return f"{capitalized(spec.title)}: {mean}{unit}, {counted(n, 'run')} of one configuration."
