"""The baseline against itself, and levels against their control of equal capacity."""

from dataclasses import replace

import pytest
from scipy import stats

from ablate.core.claims import Change
from ablate.stats.contrasts import every_contrast
from ablate.stats.controls import against_controls, no_change
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
