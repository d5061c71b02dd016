"""A metric is described once."""

from dataclasses import replace
from typing import Any

import pytest

from ablate.core.errors import UsageError
from ablate.core.metrics import Metrics, MetricSpec, metrics_of, parse_typed, terms_of


@pytest.mark.parametrize(
    ("name", "unit", "better", "role"),
    [
        ("final_test_accuracy", "%", "higher", "outcome"),
        ("val/acc", "%", "higher", "outcome"),
        ("train_loss", "", "lower", "outcome"),
        ("seconds_to_target", "s", "lower", "cost"),
        ("macs", "", "lower", "cost"),
        ("macaroni", "", None, "outcome"),
        ("val/cross_entropy", "", "lower", "outcome"),
        ("policy_entropy", "", None, "outcome"),
        ("test_wer", "", "lower", "outcome"),
        ("time_to_accuracy", "s", "lower", "cost"),
        ("epochs_to_accuracy", "", None, "outcome"),
        ("accuracy_gap", "", None, "outcome"),
        ("acc_std", "", None, "outcome"),
        ("map_error", "", None, "outcome"),
        ("f1_loss", "", None, "outcome"),
        ("roc_auc_score", "", "higher", "outcome"),
        ("accuracy_score", "%", "higher", "outcome"),
    ],
)
def test_an_undescribed_metric_is_guessed_from_its_name(name: str, unit: str, better: str | None, role: str) -> None:
    spec = MetricSpec.guess(name)
    assert (spec.unit, spec.better, spec.role) == (unit, better, role)


def test_a_description_completes_the_guess_and_survives_a_round_trip() -> None:
    spec = MetricSpec.parse("test_acc", {"title": "Accuracy", "chance": 0.1})
    assert (spec.title, spec.unit, spec.chance, spec.is_fraction) == ("Accuracy", "%", 0.1, True)
    assert MetricSpec.parse("test_acc", spec.to_mapping()) == spec
    plain = MetricSpec.parse("accuracy", {"unit": "", "digits": None, "better": None})
    assert plain.unit == ""


def test_what_differs_from_the_guess_survives_a_round_trip() -> None:
    """An accuracy that is declared to have no unit must not become a percentage when study.yaml is read again."""
    spec = MetricSpec.parse("accuracy", {"unit": "", "digits": 3})
    assert MetricSpec.parse("accuracy", spec.to_mapping()) == spec


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            {"titel": "x"},
            "metrics.acc: unknown key 'titel'; available: title, unit, digits, better, chance, limit, role, note.",
        ),
        ({"better": "up"}, "metrics.acc.better=up: expected higher, lower, or null."),
        ({"digits": 1.5}, "metrics.acc.digits=1.5: expected an integer from 0 to 15, or null."),
        ({"chance": "10 %"}, "metrics.acc.chance=10 %: expected a number, or null."),
        ({"chance": True}, "metrics.acc.chance=True: expected a number, or null."),
        ({"role": "main"}, "metrics.acc.role=main: expected outcome, cost or detail."),
    ],
)
def test_a_wrong_description_is_refused(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        MetricSpec.parse("acc", mapping)
    assert str(refused.value) == message


def test_a_description_in_code_is_checked_too() -> None:
    with pytest.raises(ValueError, match="better"):
        MetricSpec("acc", better="up")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="digits"):
        replace(MetricSpec("acc"), digits=16)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss", {"loss": {}}),
        ("loss,a:b", {"loss": {}, "a:b": {}}),
        ("acc: title=Accuracy, digits=2", {"acc": {"title": "Accuracy", "digits": 2}}),
        ("f1: better=null,chance=0.5", {"f1": {"better": None, "chance": 0.5}}),
    ],
)
def test_metrics_can_be_typed(text: str, expected: dict[str, Any]) -> None:
    assert dict(parse_typed(text)) == expected


def test_an_update_keeps_what_it_does_not_name() -> None:
    known = Metrics({"acc": MetricSpec("acc", "A", "%", 1, "higher", 0.1)})
    changed = known.updated({"acc": {"title": "Accuracy"}, "loss": {"digits": 2}})
    assert changed["acc"] == MetricSpec("acc", "Accuracy", "%", 1, "higher", 0.1)
    assert (changed["loss"].digits, changed["loss"].better) == (2, "lower")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acc: Accuracy", "metric acc: expected key=value after the colon, got 'Accuracy'."),
        (
            "acc: titel=x",
            "metrics.acc: unknown key 'titel'; available: title, unit, digits, better, chance, limit, role, note.",
        ),
        ("acc: digits=1.5", "metrics.acc.digits=1.5: expected an integer from 0 to 15, or null."),
    ],
)
def test_a_wrong_description_that_is_typed_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        Metrics().updated(dict(parse_typed(text)))
    assert str(refused.value) == message


def test_a_difference_of_metrics_is_described_by_its_terms() -> None:
    metrics = Metrics({"a": MetricSpec("a", "A", "%", 1, "higher", 0.1), "b": MetricSpec("b", "B", "%", 1, "higher", 0.25)})
    spec = metrics["a - b"]
    assert (spec.title, spec.unit, spec.digits) == ("A - B", "%", 1)
    assert spec.chance == pytest.approx(-0.15)
    assert metrics["a - unknown"].chance is None
    assert (metrics["a - unknown"].unit, metrics["a - unknown"].digits) == ("", None)  # of a fraction and a plain number
    assert list(metrics) == ["a", "b"]
    assert metrics["loss"].better == "lower"
    assert "a - b" not in metrics
    assert terms_of("a - b") == ("a", "b")
    assert terms_of("a-b") == ("a-b",)


def test_which_direction_of_a_difference_is_better_is_not_known_unless_it_is_declared() -> None:
    """A gap between training and test accuracy is no accuracy."""
    metrics = Metrics({"gap - 0": MetricSpec("gap - 0", better="lower")})
    assert metrics["train_accuracy - test_accuracy"].better is None
    assert metrics["gap - 0"].better == "lower"


def test_what_verdicts_rest_on_is_settled_with_the_claims() -> None:
    metrics = Metrics({"acc": MetricSpec("acc", better="higher", chance=0.1), "score_x": MetricSpec("score_x")})
    claimed = metrics_of(["acc", "score_x - new_loss"])
    assert claimed == {"acc", "score_x - new_loss", "score_x", "new_loss"}
    kept = metrics.settled(MetricSpec("acc", title="top-1", better="lower", chance=0.5, limit=3.0), claimed)
    assert kept == MetricSpec("acc", title="top-1", better="higher", chance=0.1)
    assert metrics.settled(MetricSpec("acc", better="lower"), {"other"}).better == "lower"  # no claim is about it
    metrics.check_settled({"acc": {"title": "top-1", "chance": 0.1}, "score_x": {"better": "lower"}}, claimed, "outputs/s")
    metrics.check_settled({"acc": {"better": "lower"}}, {"other"}, "outputs/s")
    for described, said in (
        (
            {"acc": {"better": "lower"}},
            "the better of acc is fixed with the claims of outputs/s: it was higher and is now lower",
        ),
        ({"acc": {"better": None}}, "the better of acc is fixed with the claims of outputs/s: it was higher and is now null"),
        ({"new_loss": {"better": "higher"}}, "the better of new_loss is fixed with the claims of outputs/s: it was lower"),
    ):
        with pytest.raises(UsageError, match=said):
            metrics.check_settled(described, claimed, "outputs/s")


@pytest.mark.parametrize(
    "name",
    [
        "test_neg_mean_squared_error",
        "error_reduction",
        "loss_improvement",
        "rank_test_score",
        "acc_stderr",
        "brier_score",
        "mae_mask_ratio",
        "reward_clip",
    ],
)
def test_of_a_name_that_turns_a_metric_around_the_direction_is_not_known(name: str) -> None:
    assert MetricSpec.guess(name).better is None


def test_more_names_of_metrics() -> None:
    directions = {"eval_top1": "higher", "PSNR": "higher", "dice": "higher", "lpips": "lower", "brier": "lower",
                  "episode_returns": "higher", "rollout/ep_rew_mean": "higher", "solved": "higher", "eval/success_rate": "higher", "win_rate": "higher",
                  "recall@10": "higher", "bpd": "lower", "mape": "lower", "ECE": "lower", "failure_rate": "lower"}  # fmt: skip
    assert {name: MetricSpec.guess(name).better for name in directions} == directions


def test_metrics_are_shown_with_their_descriptions() -> None:
    assert repr(Metrics().completed(["acc"])) == f"Metrics({{'acc': {MetricSpec.guess('acc')!r}}})"
