"""What the runs say about one claim, before it is set beside the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.claims import LARGEST, Claim, check, unmet
from ablate.stats import attribution, contrasts, decision_rules
from ablate.stats.estimates import Estimate
from ablate.stats.outcomes import Blocks, blocks, budget_of, factors_of, terms_of, word, words


@dataclass(frozen=True)
class Settings:
    """What a study knows beside its runs, see `judge`."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    chance: Mapping[str, float] = field(default_factory=dict)
    budgets: Mapping[str, float] = field(default_factory=dict)
    drawn: Mapping[str, Mapping[Any, Sequence[str]]] = field(default_factory=dict)
    looks: Sequence[int] = decision_rules.LOOKS
    alpha: float = decision_rules.ALPHA


@dataclass
class Evidence:
    """What the runs say about one claim, before it is set beside the others.

    `p` and `p_at_chance` hold the p values of support and contradiction, with the pairs of diverged runs dropped and
    with these runs at chance. A claim whose `verdict` is set already needs no p. `member`: it can be a member of the
    family that goes through Holm.
    """

    claim: Claim
    n: int = 0
    look: int = 0
    seeds: int = 0
    shown: Estimate | None = None
    p: tuple[float, float] = (math.nan, math.nan)
    p_at_chance: tuple[float, float] = (math.nan, math.nan)
    diverged: int = 0
    verdict: str = ""
    reason: str = ""
    member: bool = False


def quantities(claim: Claim, runs: Blocks, drawn: Mapping[Any, Sequence[str]] | None = None) -> list[Estimate]:
    """What a claim is about, over the complete seeds: one estimate, or for `largest` one for each rival's share."""
    where = claim.within(runs.factors)
    if claim.kind == "contrast":
        return [contrasts.contrast(runs, claim.changes[0], where, claim.scale)]
    if claim.kind == "interaction":
        first, second = claim.changes
        return [contrasts.interaction(runs, first, second, where, claim.scale)]
    if claim.kind in ("threshold", "exact"):
        return [contrasts.mean(runs, where, claim.value)]
    outcomes = attribution.outcomes_of(runs, claim.path, where)
    shares = attribution.shares_by_seed(outcomes, list(claim.path), drawn)
    steps = claim.path.get(claim.of, claim.all_changes)
    if claim.expects != LARGEST:
        return [attribution.share_estimate(shares[claim.of], steps, where)]
    rivals = [name for name in claim.path if name != claim.of]
    return [attribution.share_estimate(shares[claim.of] - shares[rival], steps, where) for rival in rivals]


def p_values(claim: Claim, found: Sequence[Estimate]) -> tuple[float, float]:
    """The p values of support and contradiction of a claim.

    `largest`: the share is above every other one, hence the largest of the p values of the differences (Berger 1982);
    it is contradicted if some other share is not below it by the margin, hence k - 1 times the smallest (Bonferroni).
    """
    margin = claim.margin or 0.0
    if claim.scale == "ratio":
        margin = math.log(claim.margin or 1.0)
    expects = "higher" if claim.expects == LARGEST else claim.expects
    both = [decision_rules.p_values(each.estimate, each.se, each.df, expects, margin) for each in found]
    support = max(float(support) for support, _ in both)
    return support, min(1.0, len(both) * min(float(contradict) for _, contradict in both))


def gather(claim: Claim, runs: pd.DataFrame, settings: Settings) -> Evidence:
    """The evidence on one claim at its last look. What stands in the way of a test is its reason, never an error."""
    evidence = Evidence(claim)
    try:
        factors = factors_of(runs)
        if reason := unmet(claim, factors, settings.facts):
            return _untested(evidence, reason)
        check(claim, factors, settings.facts)
        budget = budget_of(claim.metric, settings.budgets)
        study = blocks(runs, claim.metric, budget)
        if claim.kind == "exact":
            return _exact(evidence, study)
        evidence.member = True
        drawn = settings.drawn.get(claim.id)
        everything = quantities(claim, study.with_diverged_at(1.0), drawn)
    except ValueError as error:
        return _untested(evidence, str(error).removeprefix(f"claim {claim.id}: ").removesuffix("."))
    if everything[0].changes_nothing:
        evidence.shown, evidence.verdict, evidence.member = everything[0], decision_rules.IDENTICAL, False
        evidence.n = int(study.outcomes.notna().any(axis="columns").sum())
        evidence.reason = "both levels build the same experiment: the factor does nothing here"
        return evidence
    complete = everything[0].by_seed.index
    evidence.n = len(complete)
    if not evidence.n:
        holes = "; ".join(words(stratum) or "the only stratum" for stratum in everything[0].missing)
        return _untested(evidence, "no seed has all the runs that it needs" + f" (none is complete in {holes})" * bool(holes))
    evidence.look, evidence.seeds = decision_rules.look_at(evidence.n, settings.looks)
    study = study.of_seeds(complete[: evidence.seeds or evidence.n])
    used = _used(claim, study)
    evidence.diverged = int(study.diverged[used].to_numpy().sum())
    at_chance = budget if budget is not None else _at_chance(claim.metric, settings.chance)
    versions = [study, study.with_diverged_at(at_chance)]
    try:
        dropped, counted = (quantities(claim, version, drawn) for version in versions)
    except ValueError as error:  # of a ratio, whose value at chance is not above zero
        evidence.verdict, evidence.reason = decision_rules.INCONCLUSIVE, str(error).removesuffix(".")
        return evidence
    evidence.shown = min(dropped, key=lambda each: each.estimate)
    if not evidence.look:
        return evidence
    if all(each.identical for each in dropped + counted):
        evidence.verdict, evidence.reason = decision_rules.IDENTICAL, "every pair has the very same value"
    if evidence.diverged and math.isnan(at_chance):
        evidence.verdict = decision_rules.INCONCLUSIVE
        evidence.reason = f"{count(evidence.diverged)} diverged, and what {claim.metric} is at chance is not known"
    if budget is not None and _mostly_censored(claim, study):
        evidence.verdict = decision_rules.INCONCLUSIVE
        evidence.reason = f"most runs of both arms did not reach the target within the budget of {budget:g}"
    for name, version in (("p", dropped), ("p_at_chance", counted)):
        if version[0].n >= settings.looks[0]:
            setattr(evidence, name, p_values(claim, version))
    return evidence


def _at_chance(metric: str, chance: Mapping[str, float]) -> float:
    """What a run that learned nothing would have; NaN if that is not known."""
    first, *others = (chance.get(term, math.nan) for term in terms_of(metric))
    return first - sum(others)


def _exact(evidence: Evidence, study: Blocks) -> Evidence:
    where = evidence.claim.within(study.factors)
    cells = sorted({study.cells[levels] for levels in study.select(where)})
    found = study.outcomes[cells]
    evidence.n = evidence.seeds = int(found.notna().any(axis="columns").sum())
    values = found.to_numpy().ravel()
    values = values[~np.isnan(values)]
    if not len(values):
        return _untested(evidence, "no run has finished")
    wrong = values[values != evidence.claim.value]
    evidence.verdict = decision_rules.CONTRADICTED if len(wrong) else decision_rules.SUPPORTED
    evidence.reason = f"{count(len(values))} have exactly {evidence.claim.value:.15g}"
    if len(wrong):
        others = ", ".join(f"{value:.15g}" for value in np.unique(wrong)[:3])
        evidence.reason = f"{len(wrong)} of {count(len(values))} have {others} and not {evidence.claim.value:.15g}"
    return evidence


def _untested(evidence: Evidence, reason: str) -> Evidence:
    evidence.verdict, evidence.reason = decision_rules.NOT_TESTED, reason
    return evidence


def _arms(claim: Claim, study: Blocks) -> list[list[int]]:
    """The cells of each arm. Two arms of a difference stand one after the other; a threshold has one."""
    where = claim.within(study.factors)
    if claim.changes:
        corners = contrasts.weights(study, claim.changes, where)[3]
        return [sorted({columns[end] for columns in corners}) for end in range(2 ** len(claim.changes))]
    picked = study.select(where)
    if not claim.path:
        return [sorted({study.cells[levels] for levels in picked})]
    ends = []
    for made in (frozenset[str](), frozenset(claim.path)):
        named = {factor: word(level) for factor, level in attribution.levels_of(made, claim.path).items()}
        at = [levels for levels in picked if all(levels[list(study.factors).index(f)] == named[f] for f in named)]
        ends.append(sorted({study.cells[levels] for levels in at}))
    return ends


def _used(claim: Claim, study: Blocks) -> list[int]:
    """Every cell whose divergence would touch the claim."""
    if claim.path:
        where = claim.within(study.factors)
        return sorted({study.cells[levels] for levels in study.select(where)})
    return sorted({cell for arm in _arms(claim, study) for cell in arm})


def _mostly_censored(claim: Claim, study: Blocks) -> bool:
    """Whether, in some pair of arms, more than half of the runs of both never reached the target."""
    lost = study.censored | study.diverged
    mostly = [float(lost[arm].to_numpy().mean()) > 0.5 for arm in _arms(claim, study)]
    if len(mostly) == 4:  # the corners of an interaction: each of its four simple contrasts
        pairs = [(0, 1), (2, 3), (0, 2), (1, 3)]
        return any(mostly[one] and mostly[other] for one, other in pairs)
    return all(mostly)


def count(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"
