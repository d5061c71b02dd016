"""The test of a single claim: p values against scipy, diverged runs at chance, and what needs no test."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import Claim
from ablate.core.errors import ClaimError, UsageError
from ablate.core.metrics import MetricSpec
from ablate.stats.claim_estimates import estimates_of, p_values
from ablate.stats.claim_tests import LookTest, evaluate, in_short
from ablate.stats.decision_rules import Look, PValues, SequentialDesign
from ablate.stats.estimates import Estimate
from tests.stats.conftest import noise, outcomes, results_of, study

STEM = {"factor": "stem", "from": "direct", "to": "pyramid"}
CLAIM = {
    "id": "A",
    "says": "a",
    "kind": "contrast",
    "contrast": STEM,
    "metric": "accuracy",
    "expects": "higher",
    "margin": 0.005,
}
PATH = {key: value for key, value in CLAIM.items() if key not in ("contrast", "kind")} | {
    "kind": "path",
    "path": {"of": "stem", "changes": {"stem": STEM, "norm": {"factor": "norm", "from": "x", "to": "y"}}},
}
DESIGN = SequentialDesign()


def stems(seeds: int = 8, gain: float = 0.02) -> pd.DataFrame:
    draw = noise(0.002)
    return study(
        {"stem": ["direct", "pyramid"]},
        lambda levels, seed: 0.8 + gain * (levels["stem"] == "pyramid") + draw(levels, seed),
        seeds,
    )


def test_the_p_values_of_a_contrast_are_those_of_the_paired_t() -> None:
    rows = stems(6)
    test = evaluate(Claim.parse(CLAIM | {"margin": 0.03}), results_of(rows), DESIGN)
    wide = rows.pivot(index="seed", columns="stem", values="accuracy").loc[:4]
    difference = wide["pyramid"] - wide["direct"]
    (at,) = test.tests
    assert (test.n, at.look, test.in_family) == (6, Look(1, 5), True)
    assert at.p_dropped.support == pytest.approx(stats.ttest_1samp(difference, 0, alternative="greater").pvalue)
    assert at.p_dropped.contradict == pytest.approx(stats.ttest_1samp(difference, 0, alternative="less").pvalue)
    assert at.p_dropped.below == pytest.approx(stats.ttest_1samp(difference, 0.03, alternative="less").pvalue)
    assert at.p_at_chance == at.p_dropped
    assert test.verdict is None


def test_a_rival_among_several_has_to_be_ahead_by_more() -> None:
    """Leads of -1 over two other shares, up to noise: k - 1 times the smaller p of contradiction."""
    draw = np.random.default_rng(0)
    rivals = [pd.Series(draw.normal(-1, 0.5, 6)), pd.Series(draw.normal(-1, 0.5, 6))]
    found = [Estimate("share", (), rival, float(rival.std(ddof=1)) / math.sqrt(6), 5) for rival in rivals]
    support, contradict, smaller = p_values(Claim.parse(PATH | {"expects": "largest"}), found)
    below = [stats.ttest_1samp(rival, 0.005, alternative="less").pvalue for rival in rivals]
    above = [stats.ttest_1samp(rival, 0, alternative="greater").pvalue for rival in rivals]
    behind = [stats.ttest_1samp(rival, 0, alternative="less").pvalue for rival in rivals]
    assert (support, contradict, smaller) == pytest.approx((max(above), 2 * min(behind), 2 * min(below)))


def test_largest_is_about_the_lead_over_each_other_share() -> None:
    rows = study(
        {"stem": ["direct", "pyramid"], "norm": ["x", "y"]},
        lambda levels, seed: 0.03 * (levels["stem"] == "pyramid") + 0.01 * (levels["norm"] == "y") + 0.001 * seed,
    )
    (lead,) = estimates_of(Claim.parse(PATH | {"expects": "largest"}), outcomes(rows))
    assert lead.estimate == pytest.approx(0.02)
    (share,) = estimates_of(Claim.parse(PATH), outcomes(rows))
    assert share.estimate == pytest.approx(0.03)


def test_the_chance_of_a_difference_of_metrics_is_the_difference_of_their_chances() -> None:
    """With the diverged run at 0.15 - 0.1 the first pair is worth as much as if it had the value 0.05."""
    rows = stems(gain=0.05)
    rows["peak"] = rows["accuracy"] + rows["accuracy"] ** 2
    claim = Claim.parse(CLAIM | {"metric": "peak - accuracy"})
    as_if = rows.assign(**{"peak - accuracy": rows["peak"] - rows["accuracy"]})
    first = rows["directory"].eq("runs/stem=pyramid/seed=0")
    as_if.loc[first, "peak - accuracy"] = 0.05
    rows.loc[first, "status"] = "diverged"
    accuracy, peak = MetricSpec("accuracy", chance=0.1), MetricSpec("peak", chance=0.15)
    last = evaluate(claim, results_of(rows, metrics=[accuracy, peak]), DESIGN).tests[-1]
    assert last.p_at_chance == pytest.approx(evaluate(claim, results_of(as_if), DESIGN).tests[-1].p_dropped)
    assert [(each.arm, each.lost, each.runs) for each in last.losses] == [("stem=direct", 0, 8), ("stem=pyramid", 1, 8)]
    rows.loc[rows["directory"].eq("runs/stem=direct/seed=1"), "status"] = "diverged"
    last = evaluate(claim, results_of(rows, metrics=[accuracy]), DESIGN).tests[-1]
    assert "the chance level of peak - accuracy is unknown, so they cannot be counted at chance: declare it" in last.blocked


def test_a_lost_run_of_a_time_counts_with_the_limit() -> None:
    """As if it had taken the whole budget of 30 epochs, which needs no chance level."""
    rows = study(
        {"stem": ["direct", "pyramid"]}, lambda levels, seed: 20.0 - 8 * (levels["stem"] == "pyramid") + seed % 3, seeds=8,
        metric="epochs",
    )  # fmt: skip
    claim = Claim.parse(CLAIM | {"metric": "epochs", "expects": "lower", "margin": 2.0})
    first = rows["directory"].eq("runs/stem=pyramid/seed=0")
    as_if = rows.assign(epochs=rows["epochs"].mask(first, 30.0))
    rows.loc[first, "status"] = "diverged"
    spec = MetricSpec("epochs", limit=30.0)
    last = evaluate(claim, results_of(rows, metrics=[spec]), DESIGN).tests[-1]
    assert last.blocked == ""
    assert last.p_at_chance == pytest.approx(evaluate(claim, results_of(as_if, metrics=[spec]), DESIGN).tests[-1].p_dropped)


def test_a_claim_that_cannot_be_tested_is_no_error_and_no_member_of_the_family() -> None:
    test = evaluate(Claim.parse(CLAIM | {"metric": "speed"}), results_of(stems()), DESIGN)
    assert (test.verdict, test.reason, test.in_family) == ("not tested", "unknown metric 'speed'; available: accuracy", False)
    test = evaluate(Claim.parse(CLAIM | {"needs": {"budget": "long"}}), results_of(stems(), facts={"budget": "short"}), DESIGN)
    assert test.reason == "needs budget=long; this study has budget=short"


def test_an_error_as_a_reason_does_not_repeat_the_claim() -> None:
    claim = Claim.parse(CLAIM)
    assert in_short(claim, ClaimError("claim A: stem does not vary.")) == "stem does not vary"
    assert in_short(claim, UsageError("a ratio needs values above zero.")) == "a ratio needs values above zero"


def test_a_look_shows_what_all_its_analyses_show() -> None:
    dropped, at_chance, worst = PValues(0.01, 0.9, 0.3), PValues(0.2, 0.5, 0.1), PValues(0.1, 0.95, 0.2)
    assert LookTest(Look(1, 5), [], p_dropped=dropped, p_at_chance=at_chance).p == PValues(0.2, 0.9, 0.3)
    assert LookTest(Look(1, 5), [], p_dropped=dropped, p_at_chance=at_chance, p_worst=worst).p == PValues(0.2, 0.95, 0.3)
    assert math.isnan(LookTest(Look(1, 5), [], p_dropped=dropped, p_at_chance=at_chance, blocked="no").p.support)


@pytest.mark.parametrize(("better", "worst"), [("higher", 0.0), ("lower", 1.0)])
def test_lost_runs_of_a_percentage_without_a_chance_level_are_at_its_bad_end(better: str, worst: float) -> None:
    rows = stems(8)
    rows.loc[1, "accuracy"] = math.nan
    spec = MetricSpec("accuracy", unit="%", better=better)  # type: ignore[arg-type]
    at = evaluate(Claim.parse(CLAIM), results_of(rows, metrics=[spec]), SequentialDesign(())).tests[-1]
    wide = rows.pivot(index="seed", columns="stem", values="accuracy").fillna(worst)
    reference = stats.ttest_rel(wide["pyramid"], wide["direct"], alternative="greater")
    assert at.p_at_chance.support == pytest.approx(reference.pvalue)


def test_unequal_losses_are_imputed_at_both_ends_of_both_arms() -> None:
    """By hand: the four combinations of the lowest and the highest value of all runs and chance, for the arms with losses."""
    rows = stems(10)
    arm = rows["stem"] == "pyramid"
    rows.loc[arm & rows["seed"].isin([0, 1]) | ~arm & (rows["seed"] == 2), "accuracy"] = math.nan
    spec = MetricSpec("accuracy", chance=0.7)
    at = evaluate(Claim.parse(CLAIM), results_of(rows, metrics=[spec]), SequentialDesign(())).tests[-1]
    wide = rows.pivot(index="seed", columns="stem", values="accuracy")
    ends = [min(0.7, wide.min().min()), wide.max().max()]
    p = [
        stats.ttest_rel(wide["pyramid"].fillna(one), wide["direct"].fillna(other), alternative=side).pvalue
        for side in ("greater", "less")
        for one in ends
        for other in ends
    ]
    assert at.p_worst is not None
    assert (at.p_worst.support, at.p_worst.contradict) == pytest.approx((max(p[:4]), max(p[4:])))
    assert [str(each) for each in at.losses] == ["1 of 10 in stem=direct", "2 of 10 in stem=pyramid"]


@pytest.mark.parametrize(("never", "blocked"), [(3, True), (2, False)])
def test_a_time_that_most_runs_of_both_arms_never_reach_decides_nothing(never: int, blocked: bool) -> None:
    rows = study(
        {"stem": ["direct", "pyramid"]}, lambda levels, seed: math.nan if seed < never else 3.0 + seed, metric="epochs"
    )
    found = evaluate(
        Claim.parse(CLAIM | {"metric": "epochs", "expects": "lower", "margin": 1}),
        results_of(rows, metrics=[MetricSpec("epochs", limit=9.0, better="lower")]),
        SequentialDesign(()),
    )
    assert bool(found.tests[-1].blocked) == blocked
    assert found.tests[-1].blocked.startswith("most runs of both arms did not reach the target" if blocked else "")


def test_unpaired_times_that_most_runs_never_reach_decide_nothing() -> None:
    """Each arm has five seeds of its own; the runs that it does not have are not runs that reached the target."""
    rows = study(
        {"stem": ["direct", "pyramid"]}, lambda levels, seed: math.nan if seed % 5 < 3 else 3.0 + seed, 10, metric="epochs"
    )
    rows = rows[(rows["stem"] == "direct") == (rows["seed"] < 5)]
    found = evaluate(
        Claim.parse(CLAIM | {"metric": "epochs", "expects": "lower", "margin": 1}),
        results_of(rows, metrics=[MetricSpec("epochs", limit=20.0, better="lower")]),
        SequentialDesign(()),
    )
    assert found.tests[-1].blocked.startswith("most runs of both arms did not reach the target")


def test_non_inferiority_is_not_tested_where_it_is_not_known_what_is_better() -> None:
    """A distance that rises from 20 to 28 would otherwise be 'supported'."""
    rows = stems(8, gain=8.0).rename(columns={"accuracy": "distance"})
    claim = Claim.parse(CLAIM | {"metric": "distance", "expects": "noninferior", "margin": 1.0})
    test = evaluate(claim, results_of(rows), SequentialDesign(()))
    reason = "whether a higher or a lower distance is better is unknown: declare it (study.metrics.distance.better)"
    assert (test.verdict, test.reason, test.in_family) == ("not tested", reason, False)
    test = evaluate(claim, results_of(rows, metrics=[MetricSpec("distance", better="lower")]), SequentialDesign(()))
    assert test.tests[-1].p.contradict < 1e-6
    assert evaluate(claim.model_copy(update={"metric": "speed"}), results_of(rows), DESIGN).reason.startswith("unknown metric")


def exact(rows: pd.DataFrame) -> tuple[str, str]:
    claim = Claim.parse({"id": "A", "says": "a", "kind": "exact", "metric": "parameters", "value": 7})
    test = evaluate(claim, results_of(rows), DESIGN)
    return test.verdict, test.reason


@pytest.mark.parametrize(("status", "value"), [("diverged", math.nan), ("failed", math.nan), ("finished", math.inf)])
def test_a_number_that_must_match_is_undecided_where_runs_were_lost(status: str, value: float) -> None:
    rows = stems(3).assign(parameters=7.0)
    assert exact(rows) == ("supported", "6 runs have exactly 7")
    rows.loc[rows["stem"] == "pyramid", ["status", "parameters"]] = [status, value]
    assert exact(rows) == ("inconclusive", "3 runs have exactly 7, and 3 runs that the claim is about were lost")
    rows.loc[0, "parameters"] = 8.0
    assert exact(rows) == ("contradicted", "1 of 3 runs have 8 instead of 7")
