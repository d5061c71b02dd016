"""Every configuration against the baseline: paired differences with two-sided p values, Holm-corrected.

The family is all distinct configurations that are compared with the baseline. A configuration that shares its runs with the
baseline is not tested, and several that share their runs are one member. There are no p values below five seeds. The design
of a study that adds seeds until its claims are decided is not accounted for: that is what verdicts are for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from ablate.core.cells import Cell
from ablate.core.claims import FEWEST_SEEDS
from ablate.stats.decision_rules import holm
from ablate.stats.estimates import PAIRS, Estimate, Unpaired, cleared, student, unpaired_note
from ablate.stats.independent_means import contrast_of_means
from ablate.stats.outcomes import Outcomes
from ablate.stats.rounding import Step, at_resolution
from ablate.stats.simultaneous import simultaneous

JOINTLY = 50  # with more comparisons, simultaneous intervals are not simulated


@dataclass(frozen=True)
class AgainstBaseline:
    """The difference of one configuration from its baseline.

    Attributes:
        cell: the digest of the configuration.
        baseline: the digest of the configuration that it is compared with.
        estimate: the mean difference with its uncertainty; Welch's where no seeds pair.
        p: two-sided; NaN below five seeds.
        p_adjusted: the same after Holm's correction for all comparisons.
        family: the number of comparisons that it was corrected for.
        simultaneous: the interval that holds jointly with those of all other comparisons; NaN for many comparisons.
        same_runs: whether the configuration shares its runs with the baseline.
        lost: the runs without a value: diverged, failed, or finished with a value that is not finite.
    """

    cell: str
    baseline: str
    estimate: Estimate
    p: float = math.nan
    p_adjusted: float = math.nan
    family: int = 0
    simultaneous: tuple[float, float] = (math.nan, math.nan)
    same_runs: bool = False
    lost: int = 0


def compare_with_baseline(
    outcomes: Outcomes, cells: Mapping[str, Cell], blocks: str | None = None, confidence: float = 0.95
) -> list[AgainstBaseline]:
    """Compare each configuration with the baseline.

    Args:
        outcomes: one metric of the study.
        cells: the configurations by digest, the baseline first.
        blocks: the factor whose levels are blocks: each configuration is then compared with the baseline of its own block.
        confidence: of the simultaneous intervals.

    Returns:
        One comparison for each configuration that has another one as its baseline, in their order.
    """
    lost = outcomes.lost_runs.to_dict()
    column = {digest: outcomes.cells[cell] for digest, cell in cells.items()}
    against = baselines(cells, blocks)
    same = [column[digest] == column[baseline] for digest, baseline in against.items()]
    found = list(differences(outcomes, cells, blocks).values())
    members = zip(against.items(), found, _two_sided(found, same), same, strict=True)
    return _as_family(
        [
            AgainstBaseline(digest, baseline, estimate, p, same_runs=shared, lost=int(lost[column[digest]]))
            for (digest, baseline), estimate, p, shared in members
        ],
        column,
        confidence,
    )


def differences(outcomes: Outcomes, cells: Mapping[str, Cell], blocks: str | None = None) -> dict[str, Estimate]:
    """The difference of each configuration from its baseline, by digest: paired, or Welch's below two pairs.

    Where no seeds pair in the whole study, single runs are compared, too.

    Args:
        outcomes: one metric of the study.
        cells: the configurations by digest, the baseline first.
        blocks: the factor whose levels are blocks.
    """
    values = outcomes.outcomes.to_numpy()
    at = {column: place for place, column in enumerate(outcomes.outcomes)}
    found = {}
    for digest, baseline in baselines(cells, blocks).items():
        first, second = outcomes.cells[cells[baseline]], outcomes.cells[cells[digest]]
        both = values[:, [at[first], at[second]]]
        by_seed = cleared(both[:, 1] - both[:, 0], np.abs(both).max(axis=1))
        complete = ~np.isnan(by_seed)
        if complete.sum() < PAIRS:
            apart = welch(outcomes.known[first], outcomes.known[second], outcomes.step, outcomes.fewest)
            if apart.unpaired or not complete.any():
                found[digest] = apart
                continue
        pairs = pd.Series(by_seed[complete], outcomes.outcomes.index[complete])
        paired = Estimate("simple", (), pairs, *student(pairs), identical=not by_seed[complete].any())
        found[digest] = at_resolution(paired, outcomes.step, cells=list(both[complete].T))
    return found


def comparisons_frame(found: Sequence[AgainstBaseline], confidence: float = 0.95) -> pd.DataFrame:
    """One row for each comparison, unrounded: `cell`, `baseline`, and the columns of its difference."""
    rows = []
    for each in found:
        numbers = each.estimate.numbers(confidence)
        low, high = each.simultaneous
        rows.append(
            {"cell": each.cell, "baseline": each.baseline, "n": each.estimate.n, **numbers, "sd": each.estimate.sd,
             "simultaneous_low": low, "simultaneous_high": high, "p": each.p, "p_adjusted": each.p_adjusted,
             "same_runs": each.same_runs, "lost": each.lost, "note": each.estimate.note}
        )  # fmt: skip
    return pd.DataFrame(rows)


def baselines(cells: Mapping[str, Cell], blocks: str | None) -> dict[str, str]:
    """By configuration, the one that it is compared with; without the baselines themselves.

    Args:
        cells: the configurations by digest, the baseline first.
        blocks: the factor whose levels are blocks, each of which has a baseline of its own.
    """
    first = next(iter(cells), "")
    if blocks is None:
        return {digest: first for digest in cells if digest != first}
    digests = {cell: digest for digest, cell in cells.items()}
    treatment = cells[first].without([blocks]) if first else Cell({})
    found = {}
    for digest, cell in cells.items():
        own = digests.get(cell.replaced(treatment))
        if own is not None and own != digest:
            found[digest] = own
    return found


def welch(first: pd.Series, second: pd.Series, step: Step | None = None, fewest: int = 2) -> Estimate:
    """The difference of independent means by Welch's t; without an interval for a single run of an arm.

    Runs of a common seed are correlated, see `contrast_of_means`.

    Args:
        first: the runs of one arm, by seed.
        second: those of the other.
        step: that of the metric; None if it is not rounded.
        fewest: without numbers if an arm has fewer runs.
    """
    nothing = Estimate("simple", (), pd.Series(dtype=float), math.nan, 0.0)
    if min(len(first), len(second)) < fewest:
        return nothing
    common = len(set(first.index) & set(second.index))
    counts = (len(first), len(second))
    note = unpaired_note(common, counts, min(counts))
    estimate, se, df = contrast_of_means([first, second], [-1, 1])
    unpaired = Unpaired(estimate, counts, min(counts))
    found = replace(nothing, se=se, df=df, note=note, unpaired=unpaired)
    return at_resolution(found, step, (first.to_numpy(), second.to_numpy()))


def _two_sided(found: Sequence[Estimate], same: Sequence[bool]) -> list[float]:
    """The two-sided p values of Student's t; NaN below five seeds, and for the baseline's own runs."""
    estimate, se, df = (np.array([getattr(each, name) for each in found], float) for name in ("estimate", "se", "df"))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(se > 0, 2 * stats.t.sf(np.abs(estimate) / se, df), np.where(estimate == 0, 1.0, 0.0))
    tested = [not shared and each.n >= FEWEST_SEEDS and each.df > 0 for each, shared in zip(found, same, strict=True)]
    return [float(each) for each in np.where(tested, p, np.nan)]


def _as_family(found: list[AgainstBaseline], column: Mapping[str, int], confidence: float) -> list[AgainstBaseline]:
    """Add what depends on the number of comparisons. Configurations that share their runs are one comparison."""
    members: dict[tuple[int, int], AgainstBaseline] = {}
    for each in found:
        if not each.same_runs:
            members.setdefault((column[each.baseline], column[each.cell]), each)
    tested = {key: each for key, each in members.items() if not math.isnan(each.p)}
    adjusted = dict(zip(tested, holm([each.p for each in tested.values()]), strict=True)) if tested else {}
    jointly: dict[tuple[int, int], tuple[float, float]] = {}
    if len(members) <= JOINTLY:
        varying = {key: each for key, each in members.items() if each.estimate.se > 0}
        ends = simultaneous([each.estimate for each in varying.values()], confidence)
        jointly = dict(zip(varying, ends, strict=True))
    unknown = (math.nan, math.nan)
    return [
        each
        if each.same_runs
        else replace(
            each,
            p_adjusted=float(adjusted.get((column[each.baseline], column[each.cell]), np.nan)),
            family=len(tested),
            simultaneous=jointly.get((column[each.baseline], column[each.cell]), unknown),
        )
        for each in found
    ]
