"""What a program says about its results survives study.yaml."""

import pytest
import yaml

from ablate.core.descriptions import Column, Description, Examples, ExtraTable
from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec

WHOLE = Description(
    metrics=(MetricSpec("accuracy", "Accuracy", "%", 1, "higher", 0.1), MetricSpec("loss", role="detail")),
    tables=(
        ExtraTable(
            "layers", "Layers", "norms", "place", "layer", (Column("ratio", "variance ratio", "geometric", 3),), ("A note.",)
        ),
    ),
    examples=(Examples("accuracy", "right", "last", "test images"),),
    caveats=("Images were drawn.",),
    curves={"test_accuracy": "test"},
)


def test_a_description_survives_yaml() -> None:
    text = yaml.safe_dump(WHOLE.to_mapping(), allow_unicode=True)
    assert Description.parse(yaml.safe_load(text)) == WHOLE


def test_nothing_said_is_an_empty_mapping() -> None:
    assert Description().to_mapping() == {}
    assert Description.parse({}) == Description()


def test_a_wrong_metric_is_refused() -> None:
    with pytest.raises(UsageError, match=r"metrics\.accuracy: unknown key 'titel'"):
        Description.parse({"metrics": {"accuracy": {"titel": "x"}}})
