"""The factors that are guessed in tables of single runs and in logs; those of other tables are in test_guess.py."""

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.guess_factors import factors
from ablate.importers.table import NO_SEED, Roles, Table

ROLES = Roles(metrics=("accuracy",), seed=NO_SEED)


def table(**columns: list[object]) -> Table:
    frame = pd.DataFrame({"accuracy": ["0.9", "0.8", "0.7"], **columns}, dtype=object)
    return Table("results.csv", frame, ["line 2", "line 3", "line 4"])


@pytest.mark.parametrize("name", ["method", "name", "model.arch"])
def test_a_column_of_different_names_is_the_factor_of_single_runs(name: str) -> None:
    found = factors(table(**{name: ["ours", "w/o BN", "w/o both"], "layers": ["1", "2", "3"]}), ROLES)
    why = "there is one run of each method" if name == "method" else "different in every run"
    assert found == ((name,), [f"layers ({why})"], [])


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        ({"run": ["a", "b", "c"]}, ROLES),
        ({"run_id": ["a", "b", "c"]}, ROLES),
        ({"notes": ["a", "b", "c"]}, ROLES),
        ({"layers": ["1", "2", "3"]}, ROLES),
        ({"arch": ["a", "b", "c"], "encoder": ["x", "y", "z"]}, ROLES),  # which of them?
        ({"method": ["a", "b", "c"], "seed": ["0", "1", "2"]}, Roles(metrics=("accuracy",), seed="seed")),  # confounded
    ],
)
def test_other_tables_without_a_repeated_level_are_refused(columns: dict[str, list[object]], roles: Roles) -> None:
    with pytest.raises(UsageError, match="no column looks like a factor"):
        factors(table(**columns), roles)


def test_constant_columns_and_a_constant_seed_do_not_matter() -> None:
    more = {"device": ["cuda"] * 3, "seed": ["0"] * 3}
    assert factors(table(arch=["a", "b", "c"], **more), Roles(metrics=("accuracy",), seed="seed"))[0] == ("arch",)


def test_a_method_with_one_run_is_not_pooled_with_others_of_the_same_setting() -> None:
    found = factors(table(Method=["base", "ours", "w/o X"], Params=["25.6M", "27.1M", "25.6M"]), ROLES)
    assert found == (("Method",), ["Params (there is one run of each Method)"], [])
    assert factors(table(method=["a", "a", "b"], backbone=["r", "s", "r"]), ROLES)[0] == ("method", "backbone")


def test_a_block_alone_is_no_factor_of_single_runs() -> None:
    with pytest.raises(UsageError, match="no column looks like a factor"):
        factors(table(dataset=["a", "b", "c"]), Roles(metrics=("accuracy",), seed=NO_SEED, blocks="dataset"))


def logs(**columns: list[object]) -> Table:
    """Two methods, two seeds, three epochs."""
    rows = [(method, seed, epoch) for method in ("a", "b") for seed in (0, 1) for epoch in (0, 1, 2)]
    frame = pd.DataFrame(rows, columns=["method", "seed", "epoch"]).assign(**columns).astype(str)
    return Table("log.csv", frame, [f"line {at}" for at in range(len(frame))])


def test_what_changes_during_a_run_is_no_factor() -> None:
    roles = Roles(metrics=("accuracy",), seed="seed", step="epoch")
    found = factors(logs(lr=[0.1, 0.01, 0.001] * 4, momentum=[0.9, 0.8, 0.8] * 4, wd=[1e-4] * 6 + [1e-3] * 6), roles)
    assert found[0] == ("method",)
    assert found[1] == [
        "wd (changes together with method)",
        "lr (it changes during a run)",
        "momentum (it changes during a run)",
    ]
    decays = [rate / 10**epoch for _ in "ab" for rate in (0.1, 0.2) for epoch in (0, 1, 2)]
    set_too = factors(logs(seed=["0"] * 12, current_lr=decays, lr=[0.1] * 3 + [0.2] * 3 + [0.1] * 3 + [0.2] * 3), roles)
    assert set_too[0] == ("method", "lr")
    both = logs(lr=[0.1] * 3 + [0.2] * 3 + [0.1] * 3 + [0.2] * 3)  # constant in every run: a factor that the seeds confound
    assert factors(both, roles)[0] == ("method", "lr")


def test_names_of_runs_are_no_factor_beside_seeds() -> None:
    names = [f"{method}-{seed}" for method in ("a", "b") for seed in (0, 1) for _ in range(3)]
    found = factors(logs(run_name=names), Roles(metrics=("accuracy",), seed="seed", step="epoch"))
    assert found[:2] == (("method",), ["run_name (different in every run)"])
    wide = factors(logs(run_name=["a"] * 6 + ["b"] * 3 + ["c"] * 3), Roles(metrics=("accuracy",), seed="seed", step="epoch"))
    assert "run_name" in wide[0]


def test_whether_a_run_was_lost_is_no_factor() -> None:
    for name in ("crashed", "has_converged", "success"):
        found = factors(logs(**{name: [True] + [False] * 11}), Roles(metrics=("accuracy",), seed="seed", step="epoch"))
        assert found[:2] == (("method",), [f"{name} (by its name; a factor with --factors)"])


def test_rounded_results_that_repeat_are_no_factors() -> None:
    rows = [(method, seed) for method in ("base", "ours") for seed in range(6)]
    frame = pd.DataFrame(rows, columns=["model", "seed"]).assign(
        sharpe=[0.8, 0.8, 0.81, 0.8, 0.81, 0.8, 0.83, 0.83, 0.84, 0.84, 0.83, 0.83],
        eval_steps_per_second=[2.1, 2.2, 2.0] * 4,
        accuracy=[str(at / 100) for at in range(80, 92)],
    )
    found = factors(Table("t.csv", frame.astype(str), [""] * 12), Roles(metrics=("accuracy",), seed="seed"))
    assert found[0] == ("model",)
    assert found[1] == [
        "eval_steps_per_second (by its name; a factor with --factors)",
        "sharpe (a result: it differs between the seeds of a configuration)",
    ]
