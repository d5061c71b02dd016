"""Seeds whose runs have not ended: a look waits for those that were requested before its last seed.

Otherwise a look would be taken at whichever seeds finish first, and its verdict would change when an earlier seed ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from ablate.core.cells import LeaveOut, reason_to_leave_out
from ablate.core.claims import Claim
from ablate.core.levels import Level
from ablate.stats.claim_estimates import estimates_of
from ablate.stats.outcomes import Outcomes, kept
from ablate.storage.results import StudyResults


class Pending(NamedTuple):
    """A seed of which runs have not ended, and the number of complete seeds that were requested before it."""

    seed: Any
    before: int


def first_pending(
    claim: Claim,
    results: StudyResults,
    outcomes: Outcomes,
    complete: Collection[Any],
    drawn: Mapping[Any, Sequence[str]] | None = None,
) -> Pending | None:
    """The first requested seed of which a run that the claim needs has not ended, or was never started; None without any.

    Runs that were lost have ended, and those that were left out are not waited for.

    Args:
        claim: whose cells count.
        results: with the requested seeds, and what was left out.
        outcomes: of the claim's metric.
        complete: the seeds that are complete for the claim, lost runs being outcomes.
        drawn: by seed, the order of the changes of a path.
    """
    seeds = list(dict.fromkeys([*results.seeds, *outcomes.outcomes.index]))
    values = outcomes.outcomes.reindex(seeds)
    ended = values.notna() | outcomes.lost.reindex(seeds).eq(True) | _left_out(results, outcomes, seeds)
    as_if = estimates_of(claim, replace(outcomes, outcomes=values.fillna(1.0).where(ended)), drawn)[0].by_seed.index
    at = next((at for at, seed in enumerate(seeds) if seed not in as_if), None)
    return None if at is None else Pending(seeds[at], len(set(seeds[:at]) & set(complete)))


def _left_out(results: StudyResults, outcomes: Outcomes, seeds: Sequence[Any]) -> pd.DataFrame:
    """Which runs a person has left out, (seeds, columns); also those that were never started."""
    found = pd.DataFrame(False, pd.Index(seeds), outcomes.outcomes.columns)
    cells, without = results.cells(), results.runs[~kept(results.runs)]
    for digest, seed in zip(without["cell"], without["seed"], strict=True):
        found.loc[seed, outcomes.cells[cells[digest]]] = True
    entries = [LeaveOut.of(entry, results.factors) for entry in results.manifest.leave_out]
    for cell, column in outcomes.cells.items() if entries else ():
        for seed in seeds:
            if reason_to_leave_out(entries, {**results.facts, **cell, "seed": Level.of(seed)}):
                found.loc[seed, column] = True
    return found
