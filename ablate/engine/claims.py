"""The claims of a study: checked before it begins, and asked, while it runs, whether they are decided.

The sweeper calls these functions by their dotted path (`study.check`, `study.decide`): the engine knows no statistics.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.core import claims as reading
from ablate.core.errors import UsageError
from ablate.stats.decision_rules import INCONCLUSIVE, LOOKS, next_look
from ablate.stats.judge import judge_study
from ablate.stats.power import plan_table
from ablate.storage.dataframe import load_runs
from ablate.storage.records import read_study


def check(
    claims: Sequence[Mapping[str, Any]],
    factors: Mapping[str, Sequence[Any]],
    facts: Mapping[str, Any],
    seeds: int,
    metrics: Collection[str] | None = None,
) -> list[str]:
    """Whether a study of these factors can test its claims; what that many seeds can decide, in lines to print.

    `metrics` are those that its runs will have; None if that is not known. Raises UsageError for a claim that cannot be
    read, or that this study cannot put to the test.
    """
    try:
        parsed = reading.parse_all(claims)
        for claim in parsed:
            reading.check(claim, factors, facts, metrics)
    except ValueError as error:
        raise UsageError(str(error)) from None
    lines = [
        f"{claim.id} will not be tested: it {missing}." for claim in parsed if (missing := reading.unmet(claim, factors, facts))
    ]
    # a number that has to match needs no seeds, and is no member of Holm's family
    tested = [claim for claim in parsed if claim.kind != "exact" and not reading.unmet(claim, factors, facts)]
    if not tested:
        return lines
    primary = sum(claim.primary for claim in tested)
    look = max((look for look in LOOKS if look <= seeds), default=None)
    if look is None:
        return [*lines, f"No verdict below {LOOKS[0]} seeds: type study.seeds={LOOKS[0]}, or study.until=decided."]
    margins = plan_table(claims=max(1, primary)).set_index("n").loc[look]
    lines.append(
        f"{look} seeds decide ({primary} primary claim{'s' * (primary != 1)}, power 80 %) a difference of "
        f"{margins['margin']:.1f} standard deviations of the paired differences, and equivalence within "
        f"{margins['margin_equivalent']:.1f}."
    )
    return lines


def seeds_wanted(study: Path, seeds: int) -> int:
    """How many seeds a study needs for its next look, after so many; 0 if every primary claim is decided, or no look is left.

    A claim that this study cannot test, whatever it runs, waits for nothing.
    """
    if seeds < LOOKS[0]:
        return LOOKS[0]
    launched = read_study(study)
    found = judge_study(reading.parse_all(launched.get("claims", ())), launched, load_runs(study))
    undecided = found[(found["verdict"] == INCONCLUSIVE) & found["primary"]]
    return 0 if undecided.empty else next_look(seeds) or 0
