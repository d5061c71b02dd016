"""Published figures against the interval in which one more run would fall."""

import math
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import parse_all
from ablate.core.metrics import MetricSpec
from ablate.stats.scorecard import scorecard
from tests.stats.conftest import noise, results_of, study

VALUES = {"direct": [0.80, 0.82, 0.81, 0.83, 0.79], "pyramid": [0.83, 0.84, 0.84, 0.85, 0.83]}
RUNS = study({"stem": ["direct", "pyramid"]}, lambda levels, seed: VALUES[levels["stem"]][seed])


def one(**keys: Any) -> dict[str, Any]:
    claim = {"id": "A", "says": "a", "metric": "accuracy", **keys}
    return scorecard(parse_all([claim]), results_of(RUNS, facts={"budget": "quick"})).to_dict("records")[0]


def test_a_level_s_figure_lies_in_the_prediction_interval_or_not() -> None:
    """By hand: mean 0.81, sd 0.0158114, t(4) = 2.776445, sqrt(1.2): 0.81 ± 0.0480896."""
    threshold = {"kind": "threshold", "value": 0.7, "where": {"stem": "direct"}, "expects": "higher", "margin": 0.01}
    row = one(**threshold, published=0.85, protocol="one seed", needs={"budget": "article"})
    assert (row["n"], row["published"], row["inside"]) == (5, 0.85, True)
    assert (row["mean"], row["sd"]) == (pytest.approx(0.81), pytest.approx(0.0158114, rel=1e-5))
    assert (row["low"], row["high"]) == (pytest.approx(0.7619104, abs=1e-6), pytest.approx(0.8580896, abs=1e-6))
    assert row["protocol"] == "one seed"
    assert row["differs"] == "needs budget=article; this study has budget=quick"
    assert one(**threshold, published=0.86)["inside"] is False
    assert one(**threshold, published=0.86)["differs"] == ""


def test_a_difference_and_a_ratio() -> None:
    contrast = {"kind": "contrast", "contrast": {"factor": "stem", "from": "direct", "to": "pyramid"}, "expects": "higher"}
    differences = [0.03, 0.02, 0.03, 0.02, 0.04]
    half = stats.t.ppf(0.975, 4) * stats.tstd(differences) * math.sqrt(1.2)
    row = one(**contrast, published={"value": 0.02, "kind": "paired"})
    assert (row["mean"], row["high"]) == (pytest.approx(0.028), pytest.approx(0.028 + half))
    assert (row["inside"], row["how"]) == (True, "two runs of one seed")
    single = one(**contrast, published=0.02)
    variances = sum(stats.tvar(values) for values in VALUES.values()) + stats.tvar(differences) / 5
    assert single["high"] == pytest.approx(0.028 + stats.t.ppf(0.975, 4) * math.sqrt(variances))
    assert single["how"] == "one run"
    ratio = one(**contrast, scale="ratio", published={"value": 1.2, "kind": "paired"})
    assert ratio["mean"] == pytest.approx(stats.gmean([0.83 / 0.80, 0.84 / 0.82, 0.84 / 0.81, 0.85 / 0.83, 0.83 / 0.79]))
    assert ratio["inside"] is False
    logarithms = [math.log(one / other) for one, other in zip(VALUES["pyramid"], VALUES["direct"], strict=True)]
    wide = stats.t.ppf(0.975, 4) * stats.tstd(logarithms) * math.sqrt(1.2)
    assert ratio["low"] == pytest.approx(math.exp(sum(logarithms) / 5 - wide))
    assert ratio["high"] == pytest.approx(math.exp(sum(logarithms) / 5 + wide))


def test_an_exact_number_needs_no_published_one() -> None:
    row = one(kind="exact", value=0.83, where={"stem": "pyramid"})
    assert (row["low"], row["high"], row["published"], row["inside"], row["n"]) == (0.83, 0.85, 0.83, False, 5)


def test_a_claim_without_a_figure_has_no_row_and_one_without_runs_says_why() -> None:
    contrast = {"kind": "contrast", "contrast": {"factor": "stem", "from": "direct", "to": "pyramid"}, "expects": "higher"}
    assert scorecard(parse_all([{"id": "A", "says": "a", **contrast}]), results_of(RUNS)).empty
    row = one(**contrast | {"metric": "loss"}, published=0.02)
    assert (row["n"], row["inside"], row["reason"]) == (0, None, "unknown metric 'loss'; available: accuracy")
    row = one(kind="threshold", value=0.5, where={"stem": "none"}, expects="higher", published=0.5)
    assert row["reason"] == "no cell matches `where`: stem has no level none; available: direct, pyramid"


def test_times_that_were_not_reached_count_with_the_limit() -> None:
    epochs = {"direct": [8.0, math.nan, 6.0], "pyramid": [4.0, 4.0, 4.0]}
    runs = study({"stem": ["direct", "pyramid"]}, lambda levels, seed: epochs[levels["stem"]][seed], seeds=3, metric="epochs")
    claim = {"id": "A", "says": "a", "kind": "threshold", "metric": "epochs", "value": 0, "where": {"stem": "direct"}}
    parsed = parse_all([claim | {"expects": "higher", "published": 9}])
    assert scorecard(parsed, results_of(runs, metrics=[MetricSpec("epochs", limit=10)]))["mean"].item() == pytest.approx(8)


def test_the_figure_of_a_share_is_of_the_share_and_not_of_its_lead() -> None:
    gains = {"a": 0.03, "b": 0.01}
    runs = study(
        {"a": [0, 1], "b": [0, 1]}, lambda levels, seed: 0.5 + 0.001 * seed + sum(gains[key] * levels[key] for key in gains)
    )
    changes = {key: {"factor": key, "from": 0, "to": 1} for key in gains}
    claim = {"id": "A", "says": "a", "kind": "path", "metric": "accuracy", "expects": "largest", "published": 0.03}
    (row,) = scorecard(
        parse_all([claim | {"path": {"changes": changes, "of": "a"}}]), results_of(runs, factors={"a": [0, 1], "b": [0, 1]})
    ).to_dict("records")
    assert row["mean"] == pytest.approx(0.03)


def test_the_figure_of_a_ratio_is_compared_as_a_logarithm() -> None:
    """Ratios 2, 2.1, 1.9, 2.05: the figure 2 lies within, and the interval is that of the logarithms."""
    ratios = [2.0, 2.1, 1.9, 2.05]
    runs = study(
        {"stem": ["direct", "pyramid"]}, lambda levels, seed: ratios[seed] if levels["stem"] == "pyramid" else 1.0, seeds=4
    )
    claim = {"kind": "contrast", "contrast": {"factor": "stem", "from": "direct", "to": "pyramid"}, "scale": "ratio",
             "metric": "accuracy", "published": {"value": 2.0, "kind": "paired"}, "expects": "higher"}  # fmt: skip
    (row,) = scorecard(parse_all([{"id": "A", "says": "a", **claim}]), results_of(runs)).to_dict("records")
    logs = pd.Series(ratios).map(math.log)
    half = stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    assert row["inside"] is True
    assert [row["low"], row["high"]] == pytest.approx([math.exp(logs.mean() - half), math.exp(logs.mean() + half)])


def test_the_figure_of_a_whole_path_is_a_difference_of_two_runs_of_their_own() -> None:
    """As that of a contrast between its two ends, of two runs with other seeds than each other."""
    draw = noise(0.01)
    runs = study({"a": [0, 1], "b": [0, 1]}, lambda of, seed: 0.5 + 0.03 * of["a"] + 0.01 * of["b"] + draw(of, seed), seeds=6)
    changes = {key: {"factor": key, "from": 0, "to": 1} for key in "ab"}
    claim = {"id": "A", "says": "a", "kind": "path", "metric": "accuracy", "expects": "higher", "published": 0.03,
             "path": {"changes": changes, "of": "all"}}  # fmt: skip
    (row,) = scorecard(parse_all([claim]), results_of(runs, factors={"a": [0, 1], "b": [0, 1]})).to_dict("records")
    wide = runs.pivot_table(index="seed", columns=["a", "b"], values="accuracy")
    differences = wide[1, 1] - wide[0, 0]
    variance = wide[0, 0].var() + wide[1, 1].var() + differences.var() / 6
    assert row["high"] == pytest.approx(differences.mean() + stats.t.ppf(0.975, 5) * math.sqrt(variance))
