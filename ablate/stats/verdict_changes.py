"""Comparison of verdicts with earlier ones: which decided verdicts no longer hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.stats.decision_rules import CONTRADICTED, IDENTICAL, SMALLER, SUPPORTED

DECIDED = (SUPPORTED, SMALLER, CONTRADICTED, IDENTICAL)


def verdicts_that_fail(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare two lists of verdicts, as verdicts.json holds them.

    A verdict that was decided has to be the same. One that was not may become supported or identical; contradicted only
    if it was so before. A claim that was decided and is gone, or is another claim now, does not hold.

    Returns:
        A sentence for each verdict that no longer holds; empty if all do.
    """
    was = {row["id"]: row for row in before}
    found = []
    for row in now:
        known = was.pop(row["id"], None)
        verdict = row["verdict"]
        decided = known is not None and known["verdict"] in DECIDED
        if known is not None and decided and known.get("meaning") != row.get("meaning"):
            found.append(f"{row['id']} was {known['verdict']}, and the claim has changed since.")
        elif known is not None and decided and verdict != known["verdict"]:
            found.append(f"{row['id']} was {known['verdict']}, and is {verdict}: {row['reason']}.")
        elif verdict == CONTRADICTED and (known is None or known["verdict"] != verdict):
            found.append(f"{row['id']} is contradicted: {row['reason']}.")
    found += [
        f"{row['id']} was {row['verdict']}, and is no longer a claim of the study."
        for row in was.values()
        if row["verdict"] in DECIDED
    ]
    return found
