"""The factors that are guessed in tables of single runs and in logs; those of other tables are in test_guess.py."""

import dataclasses

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.guess_factors import factors
from ablate.importers.table import NO_SEED, Kind, Roles, Table

ROLES = Roles(metrics=("accuracy",), seed=NO_SEED)


def table(**columns: list[object]) -> Table:
    frame = pd.DataFrame({"accuracy": ["0.9", "0.8", "0.7"], **columns}, dtype=object)
    return Table("results.csv", frame, ["line 2", "line 3", "line 4"])


@pytest.mark.parametrize("name", ["method", "name", "model.arch"])
def test_a_column_of_different_names_is_the_factor_of_single_runs(name: str) -> None:
    found = factors(table(**{name: ["ours", "w/o BN", "w/o both"], "layers": ["1", "2", "3"]}), ROLES)
    assert found == ((name,), ["layers (different in every run)"], [])


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        ({"run": ["a", "b", "c"]}, ROLES),
        ({"run_id": ["a", "b", "c"]}, ROLES),
        ({"notes": ["a", "b", "c"]}, ROLES),
        ({"task": ["a", "b", "c"]}, ROLES),  # whose other columns may be the methods
        ({"layers": ["1", "2", "3"]}, ROLES),
        ({"method": ["a", "b", "c"], "arch": ["x", "y", "z"]}, ROLES),  # which of them?
        ({"method": ["a", "b", "c"], "seed": ["0", "1", "2"]}, Roles(metrics=("accuracy",), seed="seed")),  # confounded
    ],
)
def test_other_tables_without_a_repeated_level_are_refused(columns: dict[str, list[object]], roles: Roles) -> None:
    with pytest.raises(UsageError, match="no column looks like a factor"):
        factors(table(**columns), roles)


def test_the_only_setting_that_a_tool_has_recorded_differently_is_the_factor_of_single_runs() -> None:
    """Such as the jobs of `python train.py -m lr=0.1,0.01,0.001`, with one seed."""
    columns = table(lr=["0.1", "0.01", "0.001"], seed=["0", "0", "0"], depth=["4", "4", "4"], seconds=["3", "2", "4"])
    settings: dict[str, Kind] = {"lr": "config", "seed": "config", "depth": "config"}
    jobs = dataclasses.replace(columns, kinds={**settings, "accuracy": "metric", "seconds": "metric"})
    roles = Roles(metrics=("accuracy",), seed="seed")
    assert factors(jobs, roles) == (("lr",), [], [])
    jobs.frame["depth"] = ["4", "5", "6"]  # which of them?
    with pytest.raises(UsageError, match="no column looks like a factor"):
        factors(jobs, roles)
    jobs.frame["depth"], jobs.frame["seed"] = "4", ["0", "1", "2"]  # the seed may be the reason
    with pytest.raises(UsageError, match="no column looks like a factor"):
        factors(jobs, roles)


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


def runs(metric: str = "accuracy", **columns: list[object]) -> Table:
    """A table with a row for each run, whose results are all different."""
    rows = len(next(iter(columns.values())))
    frame = pd.DataFrame(columns).assign(**{metric: [at / 1000 + 0.5 for at in range(rows)]})
    return Table("runs.csv", frame.astype(str), [f"line {at}" for at in range(rows)])


def test_rates_and_errors_of_metrics_are_no_factors() -> None:
    speed = runs(model=["base"] * 6 + ["ours"] * 6, seed=[*range(6)] * 2, eval_steps_per_second=[2.1, 2.2, 2.0] * 4)
    assert factors(speed, Roles(metrics=("accuracy",), seed="seed"))[:2] == (
        ("model",),
        ["eval_steps_per_second (by its name; a factor with --factors)"],
    )
    table = runs(
        model=["a", "a", "b", "b"] * 3, task=["x", "y"] * 6, acc_stderr=[0.01, 0.02, 0.03] * 4, noise_std=[0.1] * 6 + [0.2] * 6
    )
    assert factors(table, ROLES)[0] == ("model", "task", "noise_std")


def test_a_batch_size_that_sets_the_steps_is_a_factor() -> None:
    rows = [
        (m, b, s, step)
        for m in "ab"
        for b, first in ((64, 157), (32, 313))
        for s in (0, 1)
        for step in (first, 2 * first, 3 * first)
    ]
    columns = {
        name: list(values)
        for name, values in zip(("method", "batch_size", "seed", "step"), zip(*rows, strict=True), strict=True)
    }
    assert factors(runs(**columns), Roles(metrics=("accuracy",), seed="seed", step="step"))[0] == ("method", "batch_size")


def test_names_that_are_made_of_the_levels_and_designs_are_kept() -> None:
    grid = {
        "config": [f"lr{lr}_w{w}.yaml" for lr in (0.1, 0.2) for w in (8, 16)],
        "lr": [0.1, 0.1, 0.2, 0.2],
        "width": [8, 16] * 2,
    }
    assert factors(runs(**grid), ROLES)[0] == ("lr", "width")
    switches = {"method": ["base", "+mixup", "+cutmix", "both"], "mixup": [0, 1, 0, 1], "cutmix": [0, 0, 1, 1]}
    assert factors(runs(**switches), ROLES)[0] == ("mixup", "cutmix")
    again = {"model": [f"{opt}_{at}" for opt in ("sgd", "adam") for at in range(3)], "optimizer": ["sgd"] * 3 + ["adam"] * 3}
    assert factors(runs(**again), ROLES)[0] == ("optimizer",)


def test_names_of_experiments_that_stand_for_the_treatment_are_factors() -> None:
    roles = Roles(metrics=("accuracy",), seed="seed")
    one_seed = runs(experiment_name=["base", "base", "ours", "ours"], dataset=["x", "y"] * 2, seed=[42] * 4)
    assert factors(one_seed, roles)[0] == ("experiment_name", "dataset")
    own_seeds = runs(experiment_name=["base", "base", "ours", "ours"], dataset=["x", "y"] * 2, seed=[0, 0, 1, 1])
    assert "experiment_name" in factors(own_seeds, roles)[0]


def test_a_setting_of_a_baseline_with_more_seeds_is_a_factor() -> None:
    table = runs(method=["base"] * 10 + ["ours"] * 10, lr=[0.1] * 15 + [0.01] * 5, seed=[*range(10)] * 2)
    assert factors(table, Roles(metrics=("accuracy",), seed="seed"))[0] == ("method", "lr")
