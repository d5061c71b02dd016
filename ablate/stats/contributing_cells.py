"""The cells that contribute to a contrast or a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablate.core.cells import Condition
from ablate.core.claims import Change, Claim
from ablate.core.errors import UsageError
from ablate.stats.contrasts import weights
from ablate.stats.outcomes import Outcomes
from ablate.storage.results import StudyResults


def cells_of_contrast(
    results: StudyResults,
    outcomes: Outcomes,
    changes: Sequence[Change] = (),
    where: Condition | None = None,
    names: Mapping[int, str] | None = None,
) -> list[str]:
    """The digests of the cells that a contrast or an interaction weighs; without changes of those that meet `where`.

    Of cells that share their runs the first is named. Empty if there are none. `names`: see `digest_by_column`, for many calls.
    """
    try:
        if changes:
            weight = weights(outcomes, changes, where).by_column
            columns = set(weight.index[weight != 0])
        else:
            columns = set(outcomes.columns(where))
    except UsageError:
        return []
    names = digest_by_column(results, outcomes) if names is None else names
    return [digest for column, digest in names.items() if column in columns]


def digest_by_column(results: StudyResults, outcomes: Outcomes) -> dict[int, str]:
    """By column of the outcomes, the digest of its first cell, in the order of the cells."""
    names: dict[int, str] = {}
    for digest, cell in results.cells().items():
        names.setdefault(outcomes.cells[cell], digest)
    return names


def cells_of_claim(results: StudyResults, outcomes: Outcomes, claim: Claim) -> list[str]:
    """The digests of the cells that a claim is about, see `cells_of_contrast`."""
    return cells_of_contrast(results, outcomes, claim.changes, claim.within(outcomes.factors))
