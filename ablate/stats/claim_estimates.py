"""Estimates and p values of a single claim, and the cells that it is about."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.core.cells import Condition
from ablate.core.claims import ALL, LARGEST, Change, Claim
from ablate.core.metrics import Better
from ablate.stats import attribution, contrasts, decision_rules
from ablate.stats.decision_rules import PValues, intersection, union
from ablate.stats.estimates import Estimate, cleared
from ablate.stats.outcomes import Outcomes


def estimates_of(claim: Claim, outcomes: Outcomes, drawn: Mapping[Any, Sequence[str]] | None = None) -> list[Estimate]:
    """What a claim is about, over the complete seeds: the estimate of the claim, and what else its test needs.

    For `equivalent` over several strata (or cells of a threshold) these follow; for `exceeds` the whole difference. For
    `largest` the list holds the lead over each other share, the smallest one first.

    Raises:
        UsageError: if the study cannot estimate it.
    """
    where = claim.within(outcomes.factors)
    if claim.changes:
        if len(claim.changes) == 1:
            found = [contrasts.contrast(outcomes, claim.changes[0], where, claim.scale)]
        else:
            found = [contrasts.interaction(outcomes, claim.changes[0], claim.changes[1], where, claim.scale)]
        return found + (claim_strata(claim, outcomes) if claim.expects == "equivalent" else [])
    if claim.kind in ("threshold", "exact"):
        found = [contrasts.mean(outcomes, where, claim.value or 0.0)]
        return found + (claim_strata(claim, outcomes) if claim.expects == "equivalent" else [])
    by_coalition = attribution.outcomes_by_coalition(outcomes, claim.path, where)
    shares = attribution.shares_by_seed(by_coalition, list(claim.path), drawn)
    largest = pd.Series(
        {seed: max(map(abs, values.values()), default=0.0) for seed, values in by_coalition.items()}, dtype=float
    )
    steps = claim.path.get(claim.of, claim.all_changes)
    estimate = functools.partial(attribution.share_estimate, where=where, step=outcomes.step)
    if claim.exceeds is not None:
        excess = estimate(cleared(shares[claim.of] - claim.exceeds * shares[ALL], largest), steps)
        return [excess, estimate(shares[ALL], claim.all_changes)]
    if claim.expects != LARGEST:
        return [estimate(shares[claim.of], steps)]
    rivals = [name for name in claim.path if name != claim.of]
    leads = [estimate(cleared(shares[claim.of] - shares[rival], largest), steps) for rival in rivals]
    return sorted(leads, key=lambda each: each.estimate)


def turn_of_share(
    claim: Claim, outcomes: Outcomes, drawn: Mapping[Any, Sequence[str]] | None = None
) -> attribution.Turn | None:
    """What turns the sign of the contribution that a claim is about, see `attribution.turn_of`; None for other claims."""
    if claim.of not in claim.path or claim.exceeds is not None or claim.expects == LARGEST:
        return None
    by_coalition = attribution.outcomes_by_coalition(outcomes, claim.path, claim.within(outcomes.factors))
    return attribution.turn_of(claim.of, by_coalition, list(claim.path), drawn)


def claim_strata(claim: Claim, outcomes: Outcomes) -> list[Estimate]:
    """The contrast in each stratum, or the mean of each cell of a threshold; empty if there are not two."""
    where = claim.within(outcomes.factors)
    if claim.changes:
        found = contrasts.by_stratum(outcomes, claim.changes, where, claim.scale)
    elif claim.kind == "threshold":
        found = contrasts.means_by_cell(outcomes, where, claim.value or 0.0)
    else:
        found = []
    return found if len(found) > 1 else []


def p_values(claim: Claim, estimates: Sequence[Estimate], better: Better | None = None) -> PValues:
    """The p values of a claim from the estimates of `estimates_of`.

    A statement about all of several is shown if each is (intersection-union: Berger 1982, the largest p); one about any of k
    if the smallest p is at most a k-th (Bonferroni). `largest`: the share is above every other one; contradicted if it is below
    any. `equivalent`: in every stratum; contradicted if in any, or on the average, the difference is beyond the margin.
    `exceeds`: the excess over the fraction, and the whole difference, have the claimed direction.

    Args:
        claim: what is tested.
        estimates: of it.
        better: which direction of the metric is better, for `noninferior`, which is not tested where it is not known.
    """
    margin = claim.margin_on_scale
    expects = "higher" if claim.expects == LARGEST else claim.expects
    sign = -1 if expects == "noninferior" and better == "lower" else 1
    each = [
        PValues(*map(float, decision_rules.p_values(sign * one.estimate, one.se, one.df, expects, margin))) for one in estimates
    ]
    if claim.expects == LARGEST:
        return PValues(intersection(p.support for p in each), union(p.contradict for p in each), union(p.below for p in each))
    if claim.exceeds is not None:
        excess, whole = each
        return PValues(intersection([excess.support, whole.support]), intersection([excess.contradict, whole.support]))
    if len(each) > 1:
        return PValues(intersection(p.support for p in each[1:]), union(p.contradict for p in each))
    return each[0]


def arms(claim: Claim, outcomes: Outcomes) -> dict[str, list[int]]:
    """The columns of each arm by name: two of a difference, four of an interaction, one of a threshold, each cell of a path."""
    where = claim.within(outcomes.factors)
    if claim.changes:
        return arms_of(outcomes, claim.changes, where)
    if not claim.path:
        return {"the selected cells": outcomes.columns(where)}
    return {str(cell): [column] for cell, column in outcomes.select(where).items()}


def arms_of(outcomes: Outcomes, changes: Sequence[Change], where: Condition | None = None) -> dict[str, list[int]]:
    """The columns of the arms of a contrast (two) or of an interaction (four) by their levels."""
    corners = contrasts.weights(outcomes, changes, where).corners
    names = [""]
    for change in changes:
        names = [f"{name}{change.factor}={level} " for name in names for level in (change.start, change.end)]
    return {name.strip(): sorted({columns[end] for columns in corners}) for end, name in enumerate(names)}


def compared(claim: Claim, outcomes: Outcomes) -> list[list[int]]:
    """The columns of the arms that the difference is between; of a path, those of its two ends."""
    if not claim.path:
        return list(arms(claim, outcomes).values())
    ends = []
    for made in (frozenset[str](), frozenset(claim.path)):
        levels = attribution.levels_after(made, claim.path)
        cells = outcomes.select(claim.within(outcomes.factors)).items()
        ends.append(sorted({column for cell, column in cells if all(cell[key] == level for key, level in levels.items())}))
    return ends
