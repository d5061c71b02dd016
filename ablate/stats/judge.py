"""From claims and runs to verdicts: one row a claim, with its reason in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.core.claims import Claim
from ablate.stats import decision_rules
from ablate.stats.attribution import orders_drawn
from ablate.stats.claim_tests import Evidence, Settings, count, gather
from ablate.stats.power import POWER, decidable_margin, seeds_needed

WORDS = ("id", "says", "quote", "kind", "metric")
COLUMNS = [
    "id", "says", "quote", "kind", "metric", "expects", "margin", "scale", "primary", "meaning",
    "n", "look", "estimate", "low", "high", "se", "df", "strata", "inert",
    "p_support", "p_contradict", "diverged", "p_support_at_chance", "p_contradict_at_chance", "p",
    "seeds_needed", "decidable", "verdict", "reason",
]  # fmt: skip


def judge(
    claims: Sequence[Claim],
    runs: pd.DataFrame,
    facts: Mapping[str, Any] | None = None,
    *,
    chance: Mapping[str, float] | None = None,
    budgets: Mapping[str, float] | None = None,
    drawn: Mapping[str, Mapping[Any, Sequence[str]]] | None = None,
    looks: Sequence[int] = decision_rules.LOOKS,
    alpha: float = decision_rules.ALPHA,
) -> pd.DataFrame:
    """One row a claim, in their order, by the rules of `verdicts`.

    `facts`: the choices that hold for the whole study, for `needs` and `where`. `chance`: for each metric the value of
    a run that learned nothing. `budgets`: for each time to a target the budget, at which it is censored. `drawn`: for
    a path of more than four changes, by the claim's id the order drawn for each seed; without it, it is found from the
    runs.

    Columns: those of the claim; `n`, the seeds that are complete for it (a run that diverged is an outcome); `look`, the
    seeds that its verdict is taken from, the first of them in the order of `Blocks`, 0 before the first look; `estimate`,
    `low`, `high` (95 %, not adjusted), `se`, `df` over these seeds, or over all before the first look; `strata`,
    `inert`; `p_support`, `p_contradict` as they are, without the pairs of the runs that `diverged`, and the same with these
    runs `_at_chance`; `p` the smaller one after looks and Holm, the larger of the two ways; `seeds_needed` in all, the look
    at which a difference as large as the margin would be decided (NaN: at none, or no margin); `decidable`: if at none,
    the smallest margin that the last look would decide; `verdict`; `reason`.

    Every estimate is averaged within seeds, and its error is that of its own seeds: cells of a study are paired more
    or less closely, which a pooled variance does not survive. A verdict holds with the pairs of diverged runs dropped
    and with these runs at chance, or it is inconclusive. `identical`: every pair has the very same value, or both
    levels build the same experiment.
    """
    settings = Settings(facts or {}, chance or {}, budgets or {}, drawn or {}, looks, alpha)
    found = [gather(claim, runs, settings) for claim in claims]
    members = [evidence for evidence in found if evidence.member]
    family = sum(evidence.claim.primary for evidence in members)
    decided = []
    for version in ("p", "p_at_chance"):
        values = [getattr(evidence, version) for evidence in members]
        decided.append(
            decision_rules.decide(
                [support for support, _ in values],
                [contradict for _, contradict in values],
                [evidence.look for evidence in members],
                [evidence.claim.primary for evidence in members],
                alpha,
            )
        )
    adjusted: dict[int, float] = {}
    for number, evidence in enumerate(members):
        (p, dropped), (p_at_chance, at_chance) = ((ps[number], names[number]) for ps, names in decided)
        adjusted[id(evidence)] = max(p, p_at_chance) if not math.isnan(p + p_at_chance) else math.nan
        if not evidence.verdict:
            _conclude(evidence, dropped, at_chance, adjusted[id(evidence)], family, settings)
    rows = [_row(evidence, adjusted.get(id(evidence), math.nan), family, settings) for evidence in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def judge_study(claims: Sequence[Claim], launched: Mapping[str, Any], runs: pd.DataFrame) -> pd.DataFrame:
    """`judge` for a study as it was launched, with its `chance`, its `budgets` and its `orders`. Empty without claims."""
    drawn = {claim.id: orders_drawn(claim.path, launched.get("orders", {})) for claim in claims}
    facts = runs.attrs.get("facts")
    return judge(claims, runs, facts, chance=launched.get("chance"), budgets=launched.get("budgets"), drawn=drawn)


def _conclude(evidence: Evidence, dropped: str, at_chance: str, p: float, family: int, settings: Settings) -> None:
    """The verdict of a claim that was put to the test, and why."""
    claim, seeds = evidence.claim, evidence.seeds
    first = settings.looks[0]
    evidence.verdict = dropped if dropped == at_chance else decision_rules.INCONCLUSIVE
    if not evidence.look:
        missing = first - evidence.n
        evidence.reason = f"no verdict below {first} seeds: {missing} more {'is' if missing == 1 else 'are'} needed"
        return
    if evidence.shown is not None and evidence.shown.n < first:
        evidence.reason = f"without the pairs of {count(evidence.diverged)} that diverged, {evidence.shown.n} seeds remain"
        return
    if dropped != at_chance:
        evidence.reason = f"{count(evidence.diverged)} diverged: {dropped} without their pairs, {at_chance} with them at chance"
        return
    holm = f"Holm over {family} claims" if claim.primary and family > 1 else ""
    where = ", ".join(filter(None, [f"look {evidence.look}", holm, "" if claim.primary else "not a primary claim"]))
    tested = f"p {'< 0.0001' if p < 0.0001 else f'= {p:.2g}'} after {where}; as of {seeds} seeds"
    support, contradict = evidence.p
    if evidence.verdict == decision_rules.INCONCLUSIVE:
        evidence.reason = f"{tested}; {_what_it_takes(evidence, family, settings)}"
    else:
        evidence.reason = tested
        other = max(support, contradict)
        if other * evidence.look * (evidence.look + 1) <= settings.alpha and claim.expects in ("higher", "lower"):
            beside = "smaller than the margin" if evidence.verdict == decision_rules.SUPPORTED else "not zero"
            evidence.reason += f"; the difference is {beside}, by itself"
    if evidence.diverged:
        evidence.reason += f"; so it is with {count(evidence.diverged)} that diverged dropped, and at chance"


def _sized(evidence: Evidence, family: int, settings: Settings) -> tuple[int | None, float]:
    """The look at which a difference as large as the margin would be decided; if at none, the smallest that the last
    look would decide, on the claim's scale. None and NaN: it cannot be said."""
    claim, shown = evidence.claim, evidence.shown
    if claim.margin is None or shown is None or shown.n < 2:
        return None, math.nan
    sd = float(shown.by_seed.std(ddof=1))  # of logarithms, for a ratio
    margin = math.log(claim.margin) if claim.scale == "ratio" else claim.margin
    members = family if claim.primary else 1
    looks, alpha = settings.looks, settings.alpha
    needed = seeds_needed(sd, margin, claim.expects, members, alpha, looks=looks)
    if needed is not None:
        return needed, math.nan
    decidable = decidable_margin(sd, looks[-1], claim.expects, members, alpha, looks=looks)
    return None, math.exp(decidable) if claim.scale == "ratio" else decidable


def _what_it_takes(evidence: Evidence, family: int, settings: Settings) -> str:
    claim = evidence.claim
    if claim.margin is None:
        return "without a margin it cannot be said how many seeds it would take"
    needed, _ = _sized(evidence, family, settings)
    if needed is None:
        return f"{settings.looks[-1]} seeds, the last look, have less than {100 * POWER:.0f} % power at this margin"
    if needed > evidence.n:
        return f"{needed - evidence.n} more seeds ({needed} in all) have {100 * POWER:.0f} % power at this margin"
    return "this many seeds decide most differences as large as the margin: the true one may lie closer to the border"


def _row(evidence: Evidence, p: float, family: int, settings: Settings) -> dict[str, Any]:
    claim = evidence.claim
    row: dict[str, Any] = {name: getattr(claim, name) for name in (*WORDS, "scale", "primary", "meaning")}
    row |= {"expects": claim.expects, "margin": math.nan if claim.margin is None else claim.margin}
    shown = evidence.shown.row() if evidence.shown is not None else {}
    row |= {name: shown.get(name, math.nan) for name in ("estimate", "low", "high", "se", "df")}
    row |= {name: shown.get(name, []) for name in ("strata", "inert")}
    needed, decidable = _sized(evidence, family, settings) if evidence.member else (None, math.nan)
    p_names = ("p_support", "p_contradict", "p_support_at_chance", "p_contradict_at_chance")
    return row | {
        "n": evidence.n,
        "look": evidence.seeds,
        **dict(zip(p_names, evidence.p + evidence.p_at_chance, strict=True)),
        "diverged": evidence.diverged,
        "p": p,
        "seeds_needed": math.nan if needed is None else needed,
        "decidable": decidable,
        "verdict": evidence.verdict,
        "reason": evidence.reason,
    }
