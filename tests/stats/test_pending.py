"""Seeds whose runs have not ended: the first of them, and how many complete ones come before it."""

import itertools

import pandas as pd

from ablate.core.claims import Claim
from ablate.core.designs import coalitions
from ablate.stats.attribution import drawn_orders
from ablate.stats.outcomes import Outcomes
from ablate.stats.pending import Pending, first_pending
from tests.stats.conftest import noise, results_of, study

CLAIM = {
    "id": "A", "says": "a", "kind": "contrast", "metric": "accuracy", "expects": "higher", "scale": "difference",
    "contrast": {"factor": "stem", "from": "direct", "to": "pyramid"},
}  # fmt: skip


def found(rows: pd.DataFrame, complete: list[int], claim: dict = CLAIM, **known: object) -> Pending | None:
    results = results_of(rows, **known)  # type: ignore[arg-type]
    parsed = Claim.parse(claim)
    return first_pending(
        parsed, results, Outcomes.of(results, "accuracy"), complete, drawn_orders(parsed.path, results.manifest.orders)
    )


def stems() -> pd.DataFrame:
    return study({"stem": ["direct", "pyramid"]}, noise(1.0), seeds=4)


def test_a_run_that_has_not_ended_is_pending_and_one_that_was_lost_or_left_out_is_not() -> None:
    rows = stems()
    assert found(rows, [0, 1, 2, 3]) is None
    for status in ("failed", "diverged"):
        assert found(rows.assign(status=rows["status"].where(rows.index != 2, status)), [0, 1, 2, 3]) is None
    for status in ("running", "interrupted"):
        assert found(rows.assign(status=rows["status"].where(rows.index != 2, status)), [0, 2, 3]) == (1, 1)
    left = rows.assign(status=rows["status"].where(rows.index != 2, "running"))
    left.loc[2, "left_out"] = "the disk was full"
    assert found(left, [0, 2, 3]) is None


def test_a_requested_seed_without_runs_is_pending_unless_it_is_left_out() -> None:
    rows = stems()
    assert found(rows, [0, 1, 2, 3], seeds=[3, 2, 7, 1, 0]) == (7, 2)
    assert found(rows, [0, 1, 2, 3], seeds=[3, 2, 1, 0, 7]) == (7, 4)
    left = [{"seed": 7, "reason": "the disk was full"}]
    assert found(rows, [0, 1, 2, 3], seeds=[3, 2, 7, 1, 0], leave_out=left) is None


def test_of_a_path_with_sampled_orders_a_seed_needs_the_cells_of_its_order() -> None:
    names = list("abcde")
    rows = study({name: [False, True] for name in names}, noise(1.0), seeds=3)
    orders = {seed: [names[(at + seed) % 5] for at in range(5)] for seed in range(3)}
    wanted = {seed: set(coalitions(names, [names.index(name) for name in order])) for seed, order in orders.items()}
    run = [
        frozenset(itertools.compress(names, [row[name] for name in names])) in wanted[row["seed"]]
        for row in rows.to_dict("records")
    ]
    path = {name: {"factor": name, "from": False, "to": True} for name in names}
    claim = {key: value for key, value in CLAIM.items() if key not in ("contrast", "scale")} | {
        "kind": "path", "path": {"of": "a", "changes": path}
    }  # fmt: skip
    known = {
        "factors": {name: [False, True] for name in names},
        "orders": {seed: [[name] for name in order] for seed, order in orders.items()},
    }
    mine = rows[run]
    assert found(mine, [0, 1, 2], claim, **known) is None
    assert found(mine.drop(index=mine.index[mine["seed"] == 1][3]), [0, 2], claim, **known) == (1, 1)
