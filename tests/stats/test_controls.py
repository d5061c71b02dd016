"""The baseline against itself, and levels against their control of equal capacity."""

import math
from dataclasses import replace

import pytest
from scipy import stats

from ablate.core.claims import Change
from ablate.stats.contrasts import every_contrast
from ablate.stats.controls import Repetition, against_controls, no_change, repetitions
from ablate.storage.results import StudyResults
from tests.stats.conftest import noise, outcomes, results_of, study


def twice(scale: float = 0.01, number: int = 1) -> StudyResults:
    """Five seeds of two levels, and the baseline once more under the seeds 1000000 to 1000004."""
    again = study({"x": ["a"]}, noise(scale, number), [1_000_000 + seed for seed in range(5)])
    found = results_of(study({"x": ["a", "b"]}, noise(0.01), 5), control_seeds={1_000_000 + seed: seed for seed in range(5)})
    return replace(found, control=results_of(again, factors={"x": ["a"]}))


def test_no_change_is_the_second_run_of_each_seed_less_the_first() -> None:
    found = twice()
    assert found.control is not None
    estimate = no_change(found, "accuracy")
    assert estimate is not None
    first = found.values["accuracy"][found.levels["x"].map(str) == "a"].to_numpy()
    second = found.control.values["accuracy"].to_numpy()
    assert estimate.by_seed.tolist() == pytest.approx(second - first)
    assert estimate.by_seed.index.tolist() == [0, 1, 2, 3, 4]
    reference = stats.ttest_rel(second, first)
    assert estimate.interval() == pytest.approx(tuple(reference.confidence_interval()))
    assert not estimate.identical


def test_second_runs_with_the_same_streams_are_identical() -> None:
    found = twice()
    assert found.control is not None
    values = found.values["accuracy"][found.levels["x"].map(str) == "a"].to_numpy()
    same = replace(found, control=replace(found.control, values=found.control.values.assign(accuracy=values)))
    estimate = no_change(same, "accuracy")
    assert estimate is not None
    assert estimate.identical


def test_second_runs_of_which_none_finished_are_not_identical() -> None:
    found = twice()
    assert found.control is not None
    empty = found.control.runs.assign(status="failed")
    estimate = no_change(replace(found, control=replace(found.control, runs=empty)), "accuracy")
    assert estimate is not None
    assert (estimate.n, estimate.identical) == (0, False)


def test_without_second_runs_or_the_metric_there_is_none() -> None:
    assert no_change(results_of(study({"x": ["a", "b"]}, noise(0.01), 5)), "accuracy") is None
    assert no_change(twice(), "f1") is None


def test_a_level_stands_against_its_control_as_well_as_against_the_baseline() -> None:
    frame = study({"width": [1, 2, 4], "on": [False, True]}, noise(0.01), 5)
    further = against_controls({"width": [(4, 2)]})
    found = every_contrast(outcomes(frame), further=further)
    assert [each.changes[0] for each in found if each.kind == "main effect" and each.changes[0].factor == "width"] == [
        Change.of("width", 1, 2), Change.of("width", 1, 4), Change.of("width", 2, 4)
    ]  # fmt: skip
    assert len(every_contrast(outcomes(frame), further=[Change.of("width", 1, 4)])) == len(every_contrast(outcomes(frame)))


def test_a_second_run_with_the_same_seed_is_compared_with_the_first() -> None:
    first = study({"x": ["a", "b"]}, noise(0.01), [1, 2]).assign(loss=0.5, train_seconds=3.0)
    second = first[(first["x"] == "a") & (first["seed"] == 1)].assign(seed=2_000_001, train_seconds=4.0)
    found = results_of(first, factors={"x": ["a", "b"]}, repeat_seeds={2_000_001: 1})
    assert repetitions(found) == []
    again = replace(found, repeated=results_of(second, factors={"x": ["a"]}))
    (equal,) = repetitions(again)
    accuracy = float(first["accuracy"].iloc[0])
    assert equal == Repetition("x=a", 1, {"accuracy": (accuracy, accuracy), "loss": (0.5, 0.5)})  # times always differ
    assert equal.differing == {}
    other = replace(found, repeated=results_of(second.assign(accuracy=accuracy + 0.25, loss=math.nan), factors={"x": ["a"]}))
    assert list(repetitions(other)[0].differing) == ["accuracy", "loss"]
    assert Repetition("x", 1, {"loss": (math.nan, math.nan)}).differing == {}
    failed = replace(found, repeated=results_of(second.assign(status="failed"), factors={"x": ["a"]}))
    assert repetitions(failed)[0].lost == "failed"
    running = replace(found, repeated=results_of(second.assign(status="running"), factors={"x": ["a"]}))
    assert repetitions(running) == []
