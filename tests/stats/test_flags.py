"""Flags of cells: each kind, and where there is none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ablate.core.descriptions import Description
from ablate.core.metrics import MetricSpec
from ablate.stats.flags import Flag, flags, still_improving
from ablate.stats.summary import summarize
from tests.stats.conftest import results_of, study

SPEED = MetricSpec("examples_per_second", better="higher", role="cost")
SIZE = MetricSpec("size", title="Parameters", better="lower", role="cost")
OPERATIONS = MetricSpec("operations", title="MACs", better="lower", role="cost")


def texts(rows: pd.DataFrame, history: pd.DataFrame | None = None, **known: Any) -> list[list[str]]:
    """The flags of each cell, of the metrics above."""
    results = results_of(rows, metrics=[SPEED, SIZE, OPERATIONS, MetricSpec("accuracy", chance=0.1)])
    found = flags(results, summarize(results), "accuracy", history, **known)
    return [[str(flag) for flag in of_cell] for of_cell in found.values()]


def two(seeds: int = 3) -> pd.DataFrame:
    return study({"stem": ["a", "b"]}, lambda levels, seed: 0.8 + 0.01 * seed, seeds)


def curve(rows: pd.DataFrame, **falling: bool) -> pd.DataFrame:
    """Two epochs a run: the accuracy of a stem that is `falling` is lower in the second."""
    return pd.concat(
        pd.DataFrame({"directory": run, "epoch": [1, 2], "test_accuracy": [0.5, 0.4 if falling.get(stem) else 0.6]})
        for run, stem in zip(rows["directory"], rows["stem"], strict=True)
    )


def test_runs_that_did_not_finish_are_counted_by_their_status() -> None:
    rows = two(5)
    b = rows["stem"] == "b"
    rows.loc[b, "status"] = ["diverged", "failed", "failed", "interrupted", "finished"]
    said = texts(rows, missing={"stem=a": 1}, other_code={"stem=b": 2})
    assert said == [["1 missing"], ["1 diverged", "2 failed", "1 interrupted", "2 made by other code"]]


def test_a_flag_has_a_kind_that_needs_no_reading_of_its_text() -> None:
    rows = two()
    rows.loc[1, "status"] = "failed"
    results = results_of(rows)
    assert flags(results, summarize(results), "accuracy")["stem=b"] == [Flag("failed", "1 failed")]


def test_costs_that_are_the_same_in_each_run_are_compared_with_the_baseline() -> None:
    rows = two().assign(size=[100.0, 103.5] * 3, operations=[10.0, 25.0] * 3)
    assert texts(rows) == [[], ["bigger: 3.5 % more parameters, 2.5 times the MACs"]]
    assert texts(rows.assign(size=100.0, operations=[10.0, 9.0] * 3)) == [[], []]


def test_a_cost_that_varies_from_run_to_run_makes_no_cell_bigger() -> None:
    rows = two().assign(size=[100.0, 103.0, 101.0, 104.0, 102.0, 101.0])
    assert texts(rows) == [[], []]


def test_a_throughput_is_slower_where_the_interval_excludes_zero() -> None:
    """Differences of -20, -19 and -18: -19 of 100."""
    rows = two().assign(examples_per_second=[100.0, 80.0, 100.0, 81.0, 100.0, 82.0])
    assert texts(rows) == [[], ["slower: 19 %"]]
    assert texts(rows, timings_comparable=False) == [[], []]
    noisy = two().assign(examples_per_second=[100.0, 60.0, 100.0, 101.0, 100.0, 90.0])
    assert texts(noisy) == [[], []]


def test_an_unknown_or_a_better_direction_flags_nothing() -> None:
    rows = two().assign(watts=[1.0, 2.0] * 3, examples_per_second=[100.0, 120.0] * 3)
    assert texts(rows) == [[], []]


def test_a_cell_is_at_chance_if_all_its_finished_runs_learned_nothing() -> None:
    rows = two()
    rows.loc[[0, 1, 3, 5], "accuracy"] = 0.1
    assert texts(rows) == [[], ["at chance"]]
    results = results_of(rows)  # the chance level is unknown
    assert not any(flags(results, summarize(results), "accuracy").values())


def test_a_cell_is_still_improving_if_the_last_epoch_of_all_its_finished_runs_was_the_best() -> None:
    rows = two()
    assert texts(rows, curve(rows, a=True)) == [[], ["still improving"]]
    rows.loc[1, "status"] = "failed"
    history = curve(rows, a=True)
    failed = history["directory"] == rows.loc[1, "directory"]
    history.loc[failed, "test_accuracy"] = [0.6, 0.5]
    assert texts(rows, history) == [[], ["1 failed", "still improving"]]
    history.loc[history["directory"] == rows.loc[3, "directory"], "test_accuracy"] = [0.6, 0.5]
    assert texts(rows, history) == [[], ["1 failed"]]


def test_the_curve_is_one_that_the_program_names_or_one_whose_direction_is_known() -> None:
    rows = two()
    history = curve(rows, a=True).assign(train_loss=lambda each: 1 - each["epoch"] / 10, loudness=1.0)
    assert texts(rows, history) == [[], ["still improving"]]  # the accuracy rather than the loss
    assert texts(rows, history.drop(columns="test_accuracy")) == [["still improving"], ["still improving"]]
    assert texts(rows, history[["directory", "epoch", "loudness"]]) == [[], []]
    results = replace(results_of(rows), description=Description(curves={"train_loss": "Loss"}))
    found = flags(results, summarize(results), "accuracy", history)
    assert [[flag.kind for flag in of_cell] for of_cell in found.values()] == [["still improving"], ["still improving"]]


def test_without_a_history_nothing_is_improving() -> None:
    assert texts(two(), pd.DataFrame({"directory": []})) == [[], []]
    assert texts(two(), pd.DataFrame({"directory": ["x"], "epoch": [1], "test_accuracy": [np.nan]})) == [[], []]


def test_a_run_is_still_improving_if_no_epoch_before_its_last_was_as_good() -> None:
    history = pd.DataFrame(
        [("a", 1, 0.1), ("a", 2, 0.2), ("b", 1, 0.2), ("b", 2, 0.2), ("c", 2, 0.1), ("c", 1, 0.3), ("d", 1, 0.5)],
        columns=["directory", "epoch", "value"],
    )
    assert still_improving(history, "value", higher_is_better=True).to_dict() == {"a": True, "b": False, "c": False}
    assert still_improving(history, "value", higher_is_better=False).to_dict() == {"a": False, "b": False, "c": True}


def test_finished_runs_without_a_value_are_lost_and_flagged() -> None:
    rows = two()
    rows.loc[rows["stem"] == "b", "accuracy"] = [np.nan, np.inf, 0.8]
    assert texts(rows) == [[], ["2 finished without a value"]]
    results = results_of(rows, metrics=[MetricSpec("accuracy", limit=1.0)])
    assert flags(results, summarize(results), "accuracy")["stem=b"] == []  # a target that was never reached
