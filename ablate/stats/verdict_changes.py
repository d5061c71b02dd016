"""Comparison of verdicts with those of earlier reports: which changed and why, and which decided ones no longer hold.

A claim is averaged over the levels of all factors that its `where` does not fix. Adding a factor to a study, or a level to a
factor, therefore changes what such a claim is about; `wider_average` says so, and how to keep the earlier comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.core.cells import Cell
from ablate.core.claims import Claim
from ablate.core.levels import Factor
from ablate.stats.decision_rules import CONTRADICTED, IDENTICAL, RULES, SMALLER, SUPPORTED

DECIDED = (SUPPORTED, SMALLER, CONTRADICTED, IDENTICAL)


def verdicts_that_fail(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare two lists of verdicts, as verdicts.json holds them.

    A verdict that was decided has to be the same. One that was not may become any but contradicted. A claim that was decided
    and is gone, or is another claim now, does not hold.

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


def wider_average(
    claim: Claim, earlier: Collection[str], cells: Mapping[str, Cell], factors: Mapping[str, Factor], block: str | None = None
) -> str:
    """Describe the levels that a claim is averaged over now and was not in an earlier report; empty if there are none.

    Args:
        claim: the claim.
        earlier: the digests of the configurations of the earlier report.
        cells: the configurations by digest.
        factors: the factors of the study.
        block: the factor whose levels are blocks, which is left out.
    """
    known = [cells[digest] for digest in earlier if digest in cells]
    fixed = {*claim.where.allowed, *(change.factor for change in claim.all_changes), block}
    said = []
    for key, factor in factors.items():
        then = [level for level in factor if any(cell[key] == level for cell in known)]
        if key in fixed or not then or len(then) == len(factor):
            continue
        what = f"the factor {key} was" if len(then) == 1 else f"levels of the factor {key} were"
        where = then[0].text if len(then) == 1 else f"[{', '.join(level.text for level in then)}]"
        said.append(
            f"{what} added since, so the claim is now averaged over {key}={', '.join(map(str, factor))}; "
            f"a claim with `where: {{{key}: {where}}}` keeps the earlier comparison"
        )
    return "; ".join(said)


def note_changes(
    before: Sequence[Mapping[str, Any]], now: pd.DataFrame, wider: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The verdicts with the column `changed`: which verdict the last report had if it was another one, and why it changed.

    A note of an earlier report is kept as long as the verdict is the same, so that writing a report twice changes nothing.

    Args:
        before: the rows of the verdicts.json of the last report; empty without one.
        now: see `ablate.stats.judge.judgements_frame`.
        wider: by the id of a claim, what `wider_average` says.
    """
    was = {row["id"]: row for row in before}
    notes = []
    for row in now.to_dict("records"):
        known = was.get(row["id"])
        if known is None:
            notes.append("")
        elif known["verdict"] == row["verdict"]:
            notes.append(known.get("changed") or "")
        else:
            why = _why(known, row, (wider or {}).get(row["id"], ""))
            notes.append(f"An earlier report had the verdict {known['verdict']}: {why}")
    return now.assign(changed=notes)


def _why(before: Mapping[str, Any], now: Mapping[Any, Any], wider: str) -> str:
    """The first difference that can have changed a verdict."""
    if before.get("meaning") != now["meaning"]:
        return "the claim has changed since"
    if before.get("rules", 1) != RULES:
        return "the decision rules have changed since (see docs/statistics.md)"
    if wider:
        return wider
    if before.get("n") != now["n"]:
        return f"n = {before.get('n')} then, and {now['n']} when it changed"
    if not _close(before.get("estimate"), now["estimate"]):
        return "runs have changed or were left out since"
    return "the other primary claims or the looks of the study have changed since"


def _close(one: Any, other: Any) -> bool:
    missing = [value is None or value != value for value in (one, other)]
    return all(missing) if any(missing) else abs(one - other) <= 1e-9 * max(1.0, abs(other))
