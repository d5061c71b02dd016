"""Whether the verdicts that were once reached still hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.analysis import verdicts

MEANING = ("kind", "metric", "expects", "margin", "scale")  # what a claim is, beside the contrast that it names
DECIDED = (verdicts.SUPPORTED, verdicts.CONTRADICTED, verdicts.IDENTICAL)


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
        if known is not None and (changed := [key for key in MEANING if _differs(known.get(key), row.get(key))]):
            found.append(f"{row['id']}: the claim itself has changed ({', '.join(changed)}).")
        elif known is not None and known["verdict"] in DECIDED and verdict != known["verdict"]:
            found.append(f"{row['id']} was {known['verdict']}, and is {verdict}: {row['reason']}.")
        elif verdict == verdicts.CONTRADICTED and (known is None or known["verdict"] != verdict):
            found.append(f"{row['id']} is contradicted: {row['reason']}.")
    found += [
        f"{row['id']} was {row['verdict']}, and is no claim any more." for row in was.values() if row["verdict"] in DECIDED
    ]
    return found


def _differs(one: Any, other: Any) -> bool:
    """A hole is None in a file and NaN in a frame."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return not (one == other or (math.isnan(one) and math.isnan(other)))
    return not (one == other or (_hole(one) and _hole(other)))


def _hole(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
