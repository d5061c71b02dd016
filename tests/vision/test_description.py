"""The description of the results: every metric that a run returns, with its title, chance, limit and how it was measured."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.core.descriptions import Description
from ablate.core.metrics import MetricSpec
from ablate.vision import training
from ablate.vision.config import Config
from ablate.vision.description import describe

Experiment = Callable[..., Config]


@pytest.mark.parametrize("changes", [[], ["evaluation=apart", "data.validation_size=10"], ["evaluation=standard"]])
def test_every_metric_of_a_run_is_described_the_main_one_first(changes: list[str], experiment: Experiment) -> None:
    config = experiment(*changes)
    found = describe(config)
    assert [spec.name for spec in found.metrics] == training.metrics(config)
    assert found.metrics[0].name == "final_test_accuracy"
    assert Description.parse(found.to_mapping()) == found


def test_metrics_are_described_as_reports_show_them(experiment: Experiment) -> None:
    found = {spec.name: spec for spec in describe(experiment("budget.epochs=7", "data.validation_size=10")).metrics}
    assert found["final_test_accuracy"] == MetricSpec(
        "final_test_accuracy", "final accuracy", "%", digits=1, better="higher", chance=0.1
    )
    author = "evaluated in training mode on flipped images, as in the article"
    assert found["article_peak_test_accuracy"] == MetricSpec(
        "article_peak_test_accuracy", "peak accuracy, article", "%", digits=1, better="higher", chance=0.1, note=author
    )
    reached = "first epoch with at least 20 % test accuracy"
    assert found["epochs_to_target"] == MetricSpec(
        "epochs_to_target", "epochs to target", digits=1, better="lower", limit=7.0, role="cost", note=reached
    )
    assert found["article_epochs_to_target"].note == f"{reached}; {author}"
    assert found["images_per_second"] == MetricSpec(
        "images_per_second", "throughput", "images/s", digits=0, better="higher", role="cost"
    )
    assert {name for name, spec in found.items() if spec.role == "detail"} == {
        "final_test_loss", "article_final_test_loss", "seconds_to_target", "article_seconds_to_target", "final_train_loss",
        "final_train_accuracy",
    }  # fmt: skip
    assert {spec.role for name, spec in found.items() if name in ("parameters", "macs")} == {"cost"}


def test_chance_follows_the_number_of_classes(experiment: Experiment, tmp_path: Path) -> None:
    found = describe(experiment("data=cifar100", f"data.root={tmp_path}"))
    assert found.metrics[0].chance == 0.01


def test_curves_and_the_table_of_bn_follow_the_protocols(experiment: Experiment) -> None:
    assert describe(experiment("evaluation=standard")).curves == {"test_accuracy": "test accuracy"}
    both = describe(experiment())
    assert both.curves == {
        "test_accuracy": "test accuracy, standard protocol",
        "article_test_accuracy": "test accuracy, article protocol",
    }
    assert both.tables == ()
    (table,) = describe(experiment("evaluation=apart")).tables
    assert (table.source, table.by) == ("norm_statistics", "place")
    assert [(column.name, column.mean) for column in table.columns] == [
        ("variance_ratio", "geometric"), ("mean_offset", "arithmetic"),
    ]  # fmt: skip


def test_examples_are_the_test_images_of_the_main_metric(experiment: Experiment) -> None:
    (standard,) = describe(experiment()).examples
    assert (standard.metric, standard.source, standard.array) == ("final_test_accuracy", "standard_right", "last")
    (article,) = describe(experiment("evaluation.protocols=[article]")).examples
    assert (article.metric, article.source) == ("article_final_test_accuracy", "article_right")


def test_the_origin_of_the_images_is_a_caveat(experiment: Experiment) -> None:
    (drawn,) = describe(experiment()).caveats
    assert drawn.startswith("The images were drawn by the program")
    assert describe(experiment("data=cifar10")).caveats == ()
