"""Shapley attribution: which change accounts for how much of the difference between two configurations.

Between a first and a last configuration stand k changes. A coalition is a set of changes that were made; a study holds,
for each seed, the outcomes of some coalitions. The share of a change is its Shapley value: its increment averaged over
the orders in which the changes can be made (Shapley 1953). Up to four changes all 2^k coalitions are run. Beyond, each
seed has one random order and its reverse, at most 2k cells: the average of the two is an unbiased estimate (Castro,
Gómez and Tejada 2009; the reverse order is the antithetic one of Mitchell, Cooper, Frank and Holmes 2022). In both
cases the shares of a seed add up to its whole difference exactly, and intervals are taken over seeds.

A change may hold several factors: one that exists only inside another joins it and is no change of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ablate.core.cells import Condition
from ablate.core.claims import ALL, Change
from ablate.core.designs import EXACT_UP_TO, Coalition, on_the_way
from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.stats.estimates import Estimate, cleared, student, table
from ablate.stats.outcomes import ANYWHERE, Outcomes
from ablate.stats.rounding import Step, at_resolution
from ablate.stats.simultaneous import simultaneous


class Turn(NamedTuple):
    """What a change contributes on average before another change, and after it: the signs are opposite."""

    other: str
    before: float
    after: float


def levels_after(coalition: Coalition, changes: Mapping[str, Sequence[Change]]) -> dict[str, Level]:
    """The level of every factor that changes, with the changes of the coalition made and no other."""
    return {step.factor: step.end if name in coalition else step.start for name, steps in changes.items() for step in steps}


def outcomes_by_coalition(
    outcomes: Outcomes, changes: Mapping[str, Sequence[Change]], where: Condition | None = None
) -> dict[Any, dict[Coalition, float]]:
    """For each seed, the outcome of every coalition that it ran. `where` fixes each factor that no change holds.

    Raises:
        UsageError: if a factor is in two changes, is changed and fixed, or is neither changed nor fixed at one level.
    """
    factors = [step.factor for steps in changes.values() for step in steps]
    if twice := {factor for factor in factors if factors.count(factor) > 1}:
        raise UsageError(f"{', '.join(sorted(twice))} is in more than one change of the path.")
    allowed = (where or ANYWHERE).allowed
    if both := [factor for factor in factors if factor in allowed]:
        raise UsageError(f"{both[0]} changes, so `where` cannot fix it.")
    if several := [factor for factor, levels in allowed.items() if len(levels) > 1]:
        raise UsageError(f"`where` has to fix {', '.join(several)} at one level for a path.")
    if open_factors := [factor for factor in outcomes.factors if factor not in factors and factor not in allowed]:
        raise UsageError(f"{', '.join(open_factors)} varies in this study: `where` has to fix it.")
    columns = {}
    for cell, column in outcomes.cells.items():  # a study of many changes has far fewer cells than there are coalitions
        made = frozenset(name for name, steps in changes.items() if all(cell[step.factor] == step.end for step in steps))
        expected = {key: level for key, (level,) in allowed.items()} | levels_after(made, changes)
        if all(cell[factor] == expected[factor] for factor in outcomes.factors):
            columns[made] = column
    rows = outcomes.outcomes.to_dict("index")
    return {
        seed: {coalition: row[column] for coalition, column in columns.items() if not math.isnan(row[column])}
        for seed, row in rows.items()
    }


def shapley(outcomes: Mapping[Coalition, float], changes: Sequence[str]) -> dict[str, float]:
    """The share of each change, from the outcomes of all 2^k coalitions.

    share(i) = sum over the coalitions S without i of |S|! (k - |S| - 1)! / k! (v(S and i) - v(S)).
    """
    k = len(changes)
    shares = {}
    for change in changes:
        others = [other for other in changes if other != change]
        shares[change] = math.fsum(
            (outcomes[frozenset((*chosen, change))] - outcomes[frozenset(chosen)]) / (k * math.comb(k - 1, size))
            for size in range(k)
            for chosen in itertools.combinations(others, size)
        )
    return shares


def along(outcomes: Mapping[Coalition, float], order: Sequence[str]) -> dict[str, float]:
    """The increments of one order and of its reverse, averaged. Raises KeyError if a coalition is missing."""
    increments: dict[str, list[float]] = {change: [] for change in order}
    for way in (order, order[::-1]):
        for change, (before, after) in zip(way, itertools.pairwise(on_the_way(way)), strict=True):
            increments[change].append(outcomes[after] - outcomes[before])
    return {change: sum(both) / 2 for change, both in increments.items()}


def marginal_contributions(
    outcomes: Mapping[Any, Mapping[Coalition, float]],
    changes: Sequence[str],
    drawn: Mapping[Any, Sequence[str]] | None = None,
) -> dict[str, dict[Coalition, float]]:
    """By change, the difference that it made after each set of changes that the shares of some seed go through.

    Each is the mean over the seeds that made the change after this set. The share of a change averages over them, so that where
    they differ, it hides that the change interacts with others.
    """
    found: dict[str, dict[Coalition, list[float]]] = {change: {} for change in changes}
    for seed, values in outcomes.items():
        for change, before in _steps(values, changes, (drawn or {}).get(seed)):
            found[change].setdefault(before, []).append(values[before | {change}] - values[before])
    largest = max((abs(value) for values in outcomes.values() for value in values.values()), default=0.0)
    return {
        change: {before: cleared(math.fsum(each) / len(each), largest) for before, each in by.items()}
        for change, by in found.items()
    }


def shares_by_seed(
    outcomes: Mapping[Any, Mapping[Coalition, float]],
    changes: Sequence[str],
    drawn: Mapping[Any, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """The shares (seeds, changes), and the whole difference as the last column, `all`. A seed that lacks a run: NaN.

    A seed with all 2^k coalitions has exact values, and up to four changes no other seed has any. Beyond, a seed takes
    the order that was `drawn` for it, or where none is given the orders that it ran together with their reverses (in
    the design above there is just one).
    """
    rows = {}
    for seed, found in outcomes.items():
        if len(found) == 2 ** len(changes):
            shares = shapley(found, changes)
        elif len(changes) <= EXACT_UP_TO:
            shares = {}
        else:
            each = [along(found, way) for way in _orders_of(found, changes, (drawn or {}).get(seed))]
            shares = {change: sum(way[change] for way in each) / len(each) for change in changes} if each else {}
        whole = found[frozenset(changes)] - found[frozenset()] if shares else math.nan
        largest = max(map(abs, found.values()), default=0.0)
        every = {**{change: shares.get(change, math.nan) for change in changes}, ALL: whole}
        rows[seed] = {name: cleared(share, largest) for name, share in every.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*changes, ALL], dtype=float)


def orders_averaged(
    outcomes: Mapping[Any, Mapping[Coalition, float]],
    changes: Sequence[str],
    drawn: Mapping[Any, Sequence[str]] | None = None,
) -> int | None:
    """The number of different orders that the shares of all seeds average over; None where some seed has exact values.

    An order and its reverse count once. With one order only, shares say nothing of other orders.
    """
    if len(changes) <= EXACT_UP_TO or any(len(found) == 2 ** len(changes) for found in outcomes.values()):
        return None
    orders = {
        min(way, way[::-1]) for seed, found in outcomes.items() for way in _orders_of(found, changes, (drawn or {}).get(seed))
    }
    return len(orders)


def turn_of(
    change: str,
    outcomes: Mapping[Any, Mapping[Coalition, float]],
    changes: Sequence[str],
    drawn: Mapping[Any, Sequence[str]] | None = None,
) -> Turn | None:
    """Another change before and after which `change` contributes with opposite signs, both of which are shown.

    On the order of a seed and its reverse, each change comes once before and once after each other. So every seed has what the
    change contributed before the other and after it, and each of the two means over seeds has its interval. A change is
    reported if both 95 % intervals exclude zero; of several, the one that makes the largest difference, and all that the
    orders cannot tell from it.
    """
    steps = [
        (seed, made, values[made | {change}] - values[made])
        for seed, values in outcomes.items()
        for name, made in _steps(values, changes, (drawn or {}).get(seed))
        if name == change
    ]
    made_after = pd.DataFrame(steps, columns=["seed", "made", "difference"])
    found = []
    for other in (each for each in changes if each != change):
        after = made_after["made"].map(lambda made, other=other: other in made).astype(bool)
        sides = [made_after[side].groupby("seed")["difference"].mean() for side in (~after, after)]
        estimates = [Estimate("share", (), each, *student(each)) for each in sides]
        (low, high), (low_after, high_after) = (each.interval() for each in estimates)
        if (low > 0 and high_after < 0) or (high < 0 and low_after > 0):
            found.append(Turn(other, *(each.estimate for each in estimates)))
    if not found:
        return None
    widest = max(found, key=lambda each: abs(each.before - each.after))
    return widest._replace(other=" and ".join(each.other for each in found if each[1:] == widest[1:]))


def share_estimate(
    shares: pd.Series, steps: Sequence[Change], where: Condition | None = None, step: Step | None = None
) -> Estimate:
    """The mean of a change's shares over seeds, and Student's t: df = n - 1. `step`: that of the metric."""
    complete = shares.dropna()
    identical = bool(len(complete)) and bool((complete == 0).all())
    found = Estimate("share", tuple(steps), complete, *student(complete), where or ANYWHERE, identical=identical)
    return at_resolution(found, step, cells=[complete])


def attribution(
    outcomes: Outcomes,
    changes: Mapping[str, Sequence[Change]],
    where: Condition | None = None,
    drawn: Mapping[Any, Sequence[str]] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Attribute the whole difference between two configurations to the changes between them.

    Args:
        outcomes: of the metric.
        changes: by name, the factors of each change with their levels before and after.
        where: one level for each factor that does not change.
        drawn: by seed, the order of the changes, see `drawn_orders`.
        confidence: of the intervals.

    Returns:
        One row a change, then the whole difference (`all`): `change`, `n` (seeds), `estimate`, `low`, `high`, `se`, `df`;
        `simultaneous_low`, `simultaneous_high`: intervals of the shares that hold at once (that of the whole is its own);
        and `marginal_low`, `marginal_high`: the ends of `marginal_contributions` (NaN for the whole).
    """
    by_coalition = outcomes_by_coalition(outcomes, changes, where)
    shares = shares_by_seed(by_coalition, list(changes), drawn)
    found = [share_estimate(shares[name], changes.get(str(name), ()), where, outcomes.step) for name in shares]
    rows = table(found, confidence)[["n", "estimate", "low", "high", "se", "df"]]
    rows.insert(0, "change", list(shares))
    ends = [*simultaneous(found[:-1], confidence), found[-1].interval(confidence)]
    rows["simultaneous_low"], rows["simultaneous_high"] = ([end[at] for end in ends] for at in (0, 1))
    marginal = marginal_contributions(by_coalition, list(changes), drawn)
    for column, end in (("marginal_low", min), ("marginal_high", max)):
        rows[column] = [end(marginal.get(str(name), {}).values(), default=math.nan) for name in shares]
    return rows


def drawn_orders(path: Mapping[str, Sequence[Change]], orders: Mapping[Any, Sequence[Sequence[str]]]) -> dict[Any, list[str]]:
    """By seed, the order in which the changes of a path were made; empty for another path than the study's own.

    Args:
        path: the changes by name.
        orders: `StudyManifest.orders`: by seed, the changes in their order, each as its factors.
    """
    names = {frozenset(step.factor for step in steps): name for name, steps in path.items()}
    found = {seed: [names.get(frozenset(factors), "") for factors in drawn] for seed, drawn in orders.items()}
    return {seed: order for seed, order in found.items() if sorted(order) == sorted(path)}


def _steps(
    outcomes: Mapping[Coalition, float], changes: Sequence[str], drawn: Sequence[str] | None
) -> Iterator[tuple[str, Coalition]]:
    """Each change of a seed with the changes made before it, once: all that there are, or those of its orders."""
    if len(outcomes) == 2 ** len(changes):
        yield from ((change, before) for before in outcomes for change in changes if change not in before)
    elif len(changes) > EXACT_UP_TO:
        ways = (way for order in _orders_of(outcomes, changes, drawn) for way in (order, order[::-1]))
        yield from dict.fromkeys(step for way in ways for step in zip(way, on_the_way(way)[:-1], strict=True))


def _orders_of(
    outcomes: Mapping[Coalition, float], changes: Sequence[str], drawn: Sequence[str] | None
) -> list[tuple[str, ...]]:
    """The orders that the shares of a seed are averaged over: the one `drawn` for it, or all that it ran."""
    ways = _orders_run(outcomes, changes) if drawn is None else [tuple(drawn)]
    return [way for way in ways if all(step in outcomes for both in (way, way[::-1]) for step in on_the_way(both))]


def _orders_run(outcomes: Mapping[Coalition, float], changes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The orders that a seed ran together with their reverses; an order and its reverse count once."""

    def longer(order: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        rest = [change for change in changes if change not in order]
        if frozenset(order) not in outcomes or frozenset(rest) not in outcomes:
            return
        if not rest:
            yield order
        for change in rest:
            yield from longer((*order, change))

    for order in longer(()):
        if changes.index(order[0]) <= changes.index(order[-1]):
            yield order
