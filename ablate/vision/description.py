"""Describe the results for reports: metrics, curves, tables and caveats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ablate.core.descriptions import Column, Description, Examples, ExtraTable
from ablate.core.metrics import MetricSpec
from ablate.vision.config import Config
from ablate.vision.data import class_count
from ablate.vision.datasets import DATASETS
from ablate.vision.evaluation import prefix
from ablate.vision.training import metrics


@dataclass(frozen=True)
class _Words:
    """Texts about a protocol: the title of its curves, and how it evaluates."""

    curve: str
    note: str


PROTOCOL_WORDS = {
    "standard": _Words("standard protocol", ""),
    "article": _Words("article protocol", "evaluated in training mode on flipped images, as in the article"),
    "flipped": _Words("standard protocol on flipped images", "evaluated in evaluation mode on flipped images"),
    "batch": _Words(
        "standard protocol with batch statistics",
        "evaluated with the batch statistics of the test batch, without dropout, on unflipped images",
    ),
}
ACCURACY: dict[str, Any] = {"unit": "%", "digits": 1, "better": "higher"}
LOSS: dict[str, Any] = {"digits": 3, "better": "lower", "role": "detail"}

RATIO = "variance of its input in evaluation mode over its running variance"

NORM_STATISTICS = ExtraTable(
    name="norm_statistics",
    title="Statistics of batch normalization",
    source="norm_statistics",
    by="place",
    by_title="layer",
    columns=(
        Column("variance_ratio", "variance of the input / running variance", "geometric"),
        Column("mean_offset", "offset of the mean"),
    ),
    notes=(
        "In evaluation mode, on the test images, at the last epoch: the variance of a layer's input over its running variance "
        "(1: equal), and the distance of the means of its input from its running means, in running standard deviations "
        "(0: equal). A layer that is used at two places has one set of running statistics and two rows.",
    ),
)


def describe(config: Config) -> Description:
    """Describe the results of a configuration. Its images must be decoded."""
    chance = 1 / class_count(config.data)
    specs = {spec.name: spec for spec in _specs(config, chance)}
    protocols = config.evaluation.protocols
    main = prefix(protocols[0])
    caveat = DATASETS[config.data.source].caveat(config.data)
    return Description(
        metrics=tuple(specs[name] for name in metrics(config)),
        tables=(NORM_STATISTICS,) if "batch" in protocols else (),
        examples=(Examples(f"{main}final_test_accuracy", f"{protocols[0]}_right", "last", "test images"),),
        caveats=() if caveat is None else (caveat,),
        curves=_curves(protocols),
    )


def _curves(protocols: Sequence[str]) -> dict[str, str]:
    """The columns of history.csv to plot, with the titles of their panels."""
    if len(protocols) == 1:
        return {f"{prefix(protocols[0])}test_accuracy": "test accuracy"}
    return {f"{prefix(protocol)}test_accuracy": f"test accuracy, {PROTOCOL_WORDS[protocol].curve}" for protocol in protocols}


def _specs(config: Config, chance: float) -> list[MetricSpec]:
    """All metrics that a run can return."""
    specs = [
        MetricSpec("final_validation_accuracy", "final accuracy, validation", chance=chance, **ACCURACY),
        MetricSpec("variance_shift", "variance shift of batch norm", digits=2, better="lower"),
        MetricSpec("variance_ratio", "variance ratio of the last batch norm", digits=2, note=RATIO),
        MetricSpec("final_train_loss", "train loss", **LOSS),
        MetricSpec("final_train_accuracy", "train accuracy", role="detail", **ACCURACY),
        MetricSpec("images_per_second", "throughput", "images/s", digits=0, better="higher", role="cost"),
        MetricSpec("parameters", "parameters", digits=0, better="lower", role="cost"),
        MetricSpec("macs", "MACs per image", digits=0, better="lower", role="cost"),
    ]
    for protocol in config.evaluation.protocols:
        specs += _protocol_specs(protocol, config, chance)
    return specs


def _protocol_specs(protocol: str, config: Config, chance: float) -> list[MetricSpec]:
    name = prefix(protocol)
    suffix = "" if protocol == "standard" else f", {protocol}"
    how = PROTOCOL_WORDS[protocol].note
    reached = f"first epoch with at least {100 * config.evaluation.target_accuracy:g} % test accuracy"
    return [
        MetricSpec(f"{name}final_test_accuracy", f"final accuracy{suffix}", chance=chance, note=how, **ACCURACY),
        MetricSpec(f"{name}peak_test_accuracy", f"peak accuracy{suffix}", chance=chance, note=how, **ACCURACY),
        MetricSpec(f"{name}final_test_loss", f"test loss{suffix}", note=how, **LOSS),
        MetricSpec(
            f"{name}epochs_to_target",
            f"epochs to target{suffix}",
            digits=1,
            better="lower",
            limit=float(config.budget.epochs),
            role="cost",
            note=f"{reached}; {how}" if how else reached,
        ),
        MetricSpec(f"{name}seconds_to_target", f"seconds to target{suffix}", digits=0, better="lower", role="detail", note=how),
    ]
