"""Whether the verdicts that were once reached still hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ablate.stats import decision_rules

DECIDED = (decision_rules.SUPPORTED, decision_rules.CONTRADICTED, decision_rules.IDENTICAL)


def broken(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """What no longer holds, a sentence each, of two lists of rows of `judge`; empty if all does.

    A verdict that was decided has to be the same. One that was not may become supported or identical; contradicted only
    if it was so before. A claim that was decided and is gone, or is another claim now, does not hold.
    """
    was = {row["id"]: row for row in before}
    found = []
    for row in now:
        known = was.pop(row["id"], None)
        verdict = row["verdict"]
        decided = known is not None and known["verdict"] in DECIDED
        if known is not None and decided and known.get("meaning") != row.get("meaning"):
            found.append(f"{row['id']} was {known['verdict']}, and is another claim now.")
        elif known is not None and decided and verdict != known["verdict"]:
            found.append(f"{row['id']} was {known['verdict']}, and is {verdict}: {row['reason']}.")
        elif verdict == decision_rules.CONTRADICTED and (known is None or known["verdict"] != verdict):
            found.append(f"{row['id']} is contradicted: {row['reason']}.")
    found += [
        f"{row['id']} was {row['verdict']}, and is no claim any more." for row in was.values() if row["verdict"] in DECIDED
    ]
    return found
