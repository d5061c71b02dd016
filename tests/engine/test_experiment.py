"""What programs say about their results, gathered over the configurations of a study."""

from typing import Any

import pytest

from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.engine.experiment import Experiment, SimpleExperiment, complete, describe_all


class ByData(Experiment):
    def describe(self, settings: Any) -> Description:
        return Description(
            metrics=(MetricSpec("accuracy", better="higher"), MetricSpec(f"loss_{settings}")),
            caveats=(f"on {settings}", "small"),
            curves={"loss": settings},
        )


def test_a_description_is_the_union_over_all_configurations_in_their_order() -> None:
    merged = describe_all(ByData(), ["a", "b", "a"])
    assert [spec.name for spec in merged.metrics] == ["accuracy", "loss_a", "loss_b"]
    assert merged.caveats == ("on a", "small", "on b")
    assert merged.curves == {"loss": "a"}
    assert describe_all(Experiment(), [1, 2]) == Description()


def test_metrics_can_be_named_or_described() -> None:
    experiment = SimpleExperiment(["accuracy", MetricSpec("steps", better="lower")], ["torch"])
    accuracy, steps = experiment.describe(None).metrics
    assert (accuracy.unit, accuracy.better, steps.better) == ("%", "higher", "lower")
    assert experiment.packages == ("torch",)


def test_options_complete_a_description() -> None:
    described = Description(metrics=(MetricSpec("accuracy", title="top-1"),), caveats=("small",))
    completed = complete(described, {"accuracy": {"chance": 0.1}, "steps": {"limit": 9}})
    accuracy, steps = completed.metrics
    assert (accuracy.title, accuracy.chance, accuracy.unit) == ("top-1", 0.1, "")
    assert (steps.name, steps.limit) == ("steps", 9)
    assert completed.caveats == ("small",)
    with pytest.raises(UsageError, match="metrics.accuracy.better=up: expected higher, lower, or null"):
        complete(described, {"accuracy": {"better": "up"}})
