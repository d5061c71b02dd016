"""The cells that contribute to a contrast or a claim."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.core.cells import Condition
from ablate.core.claims import Change, Claim
from ablate.core.errors import UsageError
from ablate.stats.contrasts import weights
from ablate.stats.outcomes import Outcomes
from ablate.storage.results import StudyResults


def cells_of_contrast(
    results: StudyResults, outcomes: Outcomes, changes: Sequence[Change] = (), where: Condition | None = None
) -> list[str]:
    """The digests of the cells that a contrast or an interaction weighs; without changes of those that meet `where`.

    Of cells that stand on the same runs the first is named. Empty if there are none.
    """
    try:
        if changes:
            weight = weights(outcomes, changes, where).by_column
            columns = set(weight.index[weight != 0])
        else:
            columns = set(outcomes.columns(where))
    except UsageError:
        return []
    names: dict[int, str] = {}
    for digest, cell in results.cells().items():
        column = outcomes.cells[cell]
        if column in columns:
            names.setdefault(column, digest)
    return list(names.values())


def cells_of_claim(results: StudyResults, outcomes: Outcomes, claim: Claim) -> list[str]:
    """The digests of the cells that a claim is about, see `cells_of_contrast`."""
    return cells_of_contrast(results, outcomes, claim.changes, claim.within(outcomes.factors))
