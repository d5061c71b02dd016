"""From claims and runs to verdicts: planted effects, and each way in which a claim is not decided."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import parse_all
from ablate.core.designs import coalitions
from ablate.core.metrics import MetricSpec
from ablate.stats.decision_rules import LOOKS
from ablate.stats.judge import COLUMNS, design_of, judge, judgements_frame
from tests.stats.conftest import noise, results_of, study


def claim(name: str = "stem", **keys: Any) -> dict[str, Any]:
    """A claim that the pyramid beats the direct stem by half a point at least."""
    given = {"id": name, "says": name, "kind": "contrast", "metric": "accuracy", "expects": "higher", "margin": 0.005}
    if keys.get("kind", "contrast") == "contrast":
        given["contrast"] = {"factor": "stem", "from": "direct", "to": "pyramid"}
    return given | keys


def one(frame: pd.DataFrame, *claims: dict[str, Any], **known: Any) -> dict[str, Any]:
    """The first row of the verdicts."""
    return verdicts(frame, *(claims or [claim()]), **known).to_dict("records")[0]


def verdicts(frame: pd.DataFrame, *claims: dict[str, Any], **known: Any) -> pd.DataFrame:
    """The verdicts on some claims, of what is `known` beside the rows as in `results_of`."""
    looks = known.pop("looks", LOOKS)
    return judgements_frame(judge(parse_all(claims), results_of(frame, **known), looks=looks))


def chance(**values: float) -> list[MetricSpec]:
    return [MetricSpec(name, chance=value) for name, value in values.items()]


def stems(seeds: int = 5, gain: float = 0.02, sd: float = 0.002) -> pd.DataFrame:
    draw = noise(sd)
    return study(
        {"stem": ["direct", "pyramid"]},
        lambda levels, seed: 0.8 + 0.003 * seed + gain * (levels["stem"] == "pyramid") + draw(levels, seed),
        seeds,
    )


def step(factor: str, start: Any, end: Any) -> dict[str, Any]:
    return {"factor": factor, "from": start, "to": end}


def planted(seeds: int = 8) -> pd.DataFrame:
    """The pyramid +2 points; dropout nothing; the norm +1 point, and 1 more under the pyramid; under the direct stem the
    activation does nothing, and equal experiments ran once."""
    factors = {
        "stem": ["direct", "pyramid"],
        "dropout": [True, False],
        "norm": ["before", "after"],
        "activation": [False, True],
    }
    draw = noise(0.001)

    def accuracy(levels: dict[str, Any], seed: int) -> float:
        pyramid, after = levels["stem"] == "pyramid", levels["norm"] == "after"
        own = levels if pyramid else {**levels, "activation": False}
        gain = 0.02 * pyramid + 0.01 * after + 0.01 * after * pyramid + 0.005 * (pyramid and levels["activation"])
        return 0.8 + 0.003 * seed + gain + draw(own, seed)

    frame = study(factors, accuracy, seeds)
    direct = frame["stem"] == "direct"
    frame.loc[direct, "directory"] = [
        f"runs/direct-{row['dropout']}-{row['norm']}/seed={row['seed']}" for row in frame[direct].to_dict("records")
    ]
    return frame


def test_on_simulated_runs_with_planted_effects_the_verdicts_are_right() -> None:
    activation = {"contrast": step("activation", False, True)}
    claims = [
        claim("main effect"),
        claim("mirrored", contrast=step("stem", "pyramid", "direct"), expects="lower"),
        claim("denied", expects="lower"),
        claim(
            "interaction", kind="interaction", interaction=[step("norm", "before", "after"), step("stem", "direct", "pyramid")]
        ),
        claim(
            "no interaction",
            kind="interaction",
            interaction=[step("norm", "before", "after"), step("dropout", True, False)],
            expects="equivalent",
        ),
        claim("null", contrast=step("dropout", True, False), expects="equivalent"),
        claim("null, hoped for", contrast=step("dropout", True, False), expects="higher"),
        claim("alive where it is", **activation, margin=0.002),
        claim("inert", **activation, where={"stem": "direct"}, expects="equivalent"),
        claim("too large a claim", contrast=step("norm", "before", "after"), where={"stem": "direct"}, margin=0.02),
        claim("norm is no null", contrast=step("norm", "before", "after"), expects="equivalent"),
    ]
    found = verdicts(planted(12), *claims).set_index("id")
    assert found["verdict"].to_dict() == {
        "main effect": "supported",
        "mirrored": "supported",
        "denied": "contradicted",
        "interaction": "supported",
        "no interaction": "supported",
        "null": "supported",
        "null, hoped for": "smaller than the margin",
        "alive where it is": "supported",
        "inert": "identical",
        "too large a claim": "smaller than the margin",
        "norm is no null": "contradicted",
    }
    assert found.loc["main effect", "estimate"] == pytest.approx(0.02 + 0.005 + 0.0025, abs=0.001)
    assert found.loc["interaction", "estimate"] == pytest.approx(0.01, abs=0.002)
    assert found.loc["alive where it is", "inert"] == [
        f"stem=direct, dropout={d}, norm={n}" for d in ("true", "false") for n in ("before", "after")
    ]
    assert found.loc["alive where it is", "estimate"] == pytest.approx(0.005, abs=0.001)
    assert (
        found.loc["inert", "reason"]
        == "both levels build the same experiment: the factor has no effect on the configuration here"
    )
    assert (
        "; a difference in the claimed direction is shown, and it is smaller than the margin"
        in (found.loc["too large a claim", "reason"])
    )
    assert (
        "; any difference in the claimed direction is smaller than the margin, and none is shown"
        in (found.loc["null, hoped for", "reason"])
    )
    assert (found["n"] == 12).all()


def test_the_numbers_of_a_row_are_those_of_the_paired_t() -> None:
    frame = stems(6)
    row = one(frame, claim(margin=0.03))
    wide = frame.pivot(index="seed", columns="stem", values="accuracy").loc[:4]
    reference = stats.ttest_rel(wide["pyramid"], wide["direct"])
    assert (row["n"], row["look"]) == (6, 5)
    assert row["estimate"] == pytest.approx((wide["pyramid"] - wide["direct"]).mean())
    assert row["confidence"] == pytest.approx(1 - 2 * 0.025 * (5 / 20) ** 2)  # what the first of the looks spends
    assert (row["low"], row["high"]) == pytest.approx(tuple(reference.confidence_interval(row["confidence"])))
    assert row["p_support"] == pytest.approx(stats.ttest_rel(wide["pyramid"], wide["direct"], alternative="greater").pvalue)
    assert row["p_contradict"] == pytest.approx(stats.ttest_rel(wide["pyramid"], wide["direct"], alternative="less").pvalue)
    assert row["p_below"] == pytest.approx(stats.ttest_1samp(wide["pyramid"] - wide["direct"], 0.03, alternative="less").pvalue)
    assert row["p"] == pytest.approx(16 * row["p_below"])


def test_below_five_seeds_there_is_an_estimate_and_neither_p_nor_verdict() -> None:
    row = one(stems(4))
    assert (row["verdict"], row["n"], row["look"]) == ("inconclusive", 4, 0)
    assert row["estimate"] == pytest.approx(0.02, abs=0.003)
    assert math.isnan(row["p"])
    assert math.isnan(row["p_support"])
    assert row["reason"] == "no verdict below 5 seeds: 1 more needed"


def test_a_study_with_looks_counts_the_seeds_that_are_complete_in_all_strata() -> None:
    """The reason with one of them was that no seed has all the runs."""
    frame = study({"m": ["a", "b"], "k": ["x", "y"]}, noise(1.0), seeds=9)
    own = frame[((frame["k"] == "x") & (frame["seed"] <= 4)) | ((frame["k"] == "y") & (frame["seed"] >= 4))]
    row = one(own, claim(contrast={"factor": "m", "from": "a", "to": "b"}))
    assert (row["verdict"], row["n"], row["reason"]) == ("inconclusive", 1, "no verdict below 5 seeds: 4 more needed")


def test_between_looks_the_verdict_stays_what_it_was() -> None:
    frame = stems(8)
    late = frame["seed"] >= 5
    frame.loc[late & (frame["stem"] == "pyramid"), "accuracy"] -= 0.2
    part = frame[frame["seed"] < 7]
    row = one(part)
    assert (row["verdict"], row["n"], row["look"]) == ("supported", 7, 5)
    assert "(look 1 at 5 seeds)" in row["reason"]
    row = one(frame)
    assert (row["verdict"], row["n"], row["look"]) == ("supported", 8, 5)
    assert row["reason"].endswith("reached at 5 of 8 seeds, and stands; look 2 by itself would leave it open")


WAITS = (
    "look 1 at 5 seeds waits for seed 0, which was requested before others and has runs that have not ended: run the command of "
    "the study again, or leave these runs out with a reason (study.leave_out)"
)


def test_a_look_waits_for_the_seeds_that_were_requested_before_its_last_one() -> None:
    """With seeds 1 to 5 the claim would be supported, and no longer so once seed 0 ends."""
    frame = stems(6)
    frame.loc[(frame["seed"] == 0) & (frame["stem"] == "pyramid"), "accuracy"] -= 0.5
    unfinished = frame.copy()
    unfinished.loc[0, "status"] = "running"
    row = one(unfinished)
    assert (row["verdict"], row["n"], row["look"], row["reason"]) == ("inconclusive", 5, 0, WAITS)
    never = one(frame[frame["seed"] > 0], seeds=[0, 1, 2, 3, 4, 5])
    assert (never["verdict"], never["n"], never["reason"]) == ("inconclusive", 5, WAITS)
    assert one(frame)["verdict"] == "inconclusive"
    assert one(frame[frame["seed"] > 0], seeds=[1, 2, 3, 4, 5, 0])["verdict"] == "supported"


def test_a_later_look_waits_too_and_an_earlier_verdict_stands() -> None:
    frame = stems(9, gain=0.0, sd=0.02)
    frame.loc[frame["seed"].eq(6) & frame["stem"].eq("direct"), "status"] = "interrupted"
    row = one(frame, claim(margin=0.001))
    assert (row["verdict"], row["n"], row["look"]) == ("inconclusive", 8, 5)
    assert row["reason"].endswith(WAITS.replace("look 1 at 5 seeds waits for seed 0", "look 2 at 8 seeds waits for seed 6"))
    early = stems(9)
    early.loc[early["seed"].eq(6), "status"] = "interrupted"
    row = one(early)
    assert (row["verdict"], row["look"], "waits" in row["reason"]) == ("supported", 5, False)


def test_no_look_waits_for_a_run_that_was_left_out_or_lost_or_that_the_claim_is_not_about() -> None:
    frame = stems(6)
    frame.loc[0, "left_out"] = "the wrong images"
    assert one(frame)["verdict"] == "supported"
    frame.loc[3, "left_out"] = "the wrong images"
    row = one(frame)
    assert (row["n"], row["verdict"], row["reason"]) == (4, "inconclusive", "no verdict below 5 seeds: 1 more needed")
    never = {"seeds": [0, 1, 2, 3, 4, 5], "leave_out": [{"seed": 0, "reason": "the disk failed"}]}
    assert one(stems(6).loc[lambda rows: rows["seed"] > 0], **never)["verdict"] == "supported"
    lost = stems(6)
    lost.loc[0, "status"] = "failed"
    assert one(lost, metrics=chance(accuracy=0.8))["look"] == 5
    others = planted(6)
    others.loc[(others["seed"] == 0) & (others["norm"] == "after"), "status"] = "running"
    assert one(others, claim(where={"norm": "before"}))["verdict"] == "supported"
    assert one(others, claim())["look"] == 0


def test_without_runs_a_claim_is_not_tested() -> None:
    frame = stems(5)
    frame.loc[frame["stem"] == "pyramid", "status"] = "failed"
    row = one(frame)
    assert row["verdict"] == "not tested"
    assert row["reason"] == "no seed has all the runs that the claim needs (none is complete in the only stratum)"
    frame = planted()
    frame.loc[(frame["stem"] == "pyramid") & (frame["norm"] == "after"), "status"] = "failed"
    assert "norm=after, activation=true" in one(frame)["reason"]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"needs": {"budget": "article"}}, "needs budget=article; this study has budget=quick"),
        ({"metric": "speed"}, "unknown metric 'speed'; available: accuracy"),
        ({"contrast": step("norm", "a", "b")}, "norm is not a factor of this study; available: stem"),
        ({"contrast": step("stem", "direct", "odd")}, "stem has no level odd; available: direct, pyramid"),
        ({"where": {"dropout": True}}, "no cell matches where dropout=true: dropout does not vary"),
    ],
)  # fmt: skip
def test_a_claim_that_cannot_be_tested_says_why_and_leaves_the_family(keys: dict[str, Any], reason: str) -> None:
    frame = stems(5)
    alone = one(frame, facts={"budget": "quick"})
    found = verdicts(frame, claim(), claim("other", **keys), facts={"budget": "quick"})
    assert found["verdict"].tolist() == ["supported", "not tested"]
    assert found["reason"][1] == reason
    assert found["p"][0] == alone["p"]


def test_primary_claims_share_alpha_and_others_are_tested_by_themselves() -> None:
    frame = stems(5)
    alone = one(frame)["p"]
    three = [claim(), claim("b", expects="equivalent", margin=0.02), claim("c", expects="equivalent", margin=0.02)]
    assert one(frame, *three)["p"] == pytest.approx(3 * alone)
    found = verdicts(frame, claim(primary=False), *three[1:])
    assert found["p"][0] == pytest.approx(alone)
    assert "exploratory: not a primary claim" in found["reason"][0]
    first, _, third = judge(parse_all([claim(primary=False), claim("b", primary=False), three[2]]), results_of(frame))
    assert first.notes[0] == "One of 2 exploratory claims, which are not adjusted for each other"
    assert not any("exploratory" in note for note in third.notes)
    assert "Holm over 2 claims" in found["reason"][1]


def test_a_primary_claim_without_seeds_counts_in_holm() -> None:
    frame = planted(5)
    frame.loc[frame["norm"] == "after", "status"] = "failed"
    before = claim(where={"norm": "before"})
    alone = one(frame, before)["p"]
    found = verdicts(frame, before, claim("after", where={"norm": "after"}))
    assert found["verdict"].tolist() == ["supported", "not tested"]
    assert found["p"][0] == pytest.approx(2 * alone)


def test_differences_that_are_all_zero_are_identical() -> None:
    frame = study({"stem": ["direct", "pyramid"]}, lambda levels, seed: 0.8 + 0.01 * seed, 5)
    for expects in ("higher", "equivalent"):
        row = one(frame, claim(expects=expects))
        assert (row["verdict"], row["reason"]) == ("identical", "all pairs have identical values")
    few = frame[frame["seed"] < 4]
    assert one(few)["verdict"] == "inconclusive"


def test_a_verdict_has_to_hold_with_lost_runs_dropped_and_at_chance() -> None:
    """The same number was lost in both arms, under different seeds."""
    frame = stems(8)
    direct, pyramid = (frame["stem"] == level for level in ("direct", "pyramid"))
    frame.loc[direct, "status"] = ["diverged", *["finished"] * 7]
    frame.loc[pyramid, "accuracy"] = frame.loc[pyramid, "accuracy"].where(frame.loc[pyramid, "seed"] != 1)
    lost = "lost runs: 1 of 8 in stem=direct, 1 of 8 in stem=pyramid"
    row = one(frame, metrics=chance(accuracy=0.1), looks=())
    assert (row["n"], row["look"], row["verdict"]) == (8, 8, "inconclusive")  # a lost run is an outcome
    row = one(frame, looks=())
    assert row["verdict"] == "inconclusive"
    assert row["reason"] == (  # without a chance level, a lost accuracy counts as 0
        f"{lost}. Without their pairs the claim would be decided, and with the lost runs at chance it is not"
    )
    assert row["p_support_at_chance"] > 0.3
    score = frame.rename(columns={"accuracy": "nll_gap"})
    row = one(score, claim(metric="nll_gap"), looks=())
    assert row["reason"].startswith(f"{lost}; the chance level of nll_gap is unknown, so they cannot be counted at chance")
    assert row["reason"].endswith("(study.metrics.nll_gap.chance), or set runs aside with a reason (study.leave_out)")
    row = one(frame, metrics=chance(accuracy=0.81), looks=())
    assert row["verdict"] == "supported"
    assert row["reason"].endswith(f"{lost}: the verdict is the same with their pairs dropped and with them at chance")
    assert (row["diverged"], row["lost"]) == (1, ["1 of 8 in stem=direct", "1 of 8 in stem=pyramid"])
    arms = {level: runs.set_index("seed")["accuracy"] for level, runs in frame.groupby("stem")}
    pairs = arms["pyramid"].fillna(0.81) - arms["direct"].where(arms["direct"].index != 0, 0.81)
    at_chance = stats.ttest_1samp(pairs, 0, alternative="greater").pvalue
    dropped = stats.ttest_1samp(pairs.drop([0, 1]), 0, alternative="greater").pvalue
    assert row["p_support_at_chance"] == pytest.approx(at_chance)
    assert row["p_support"] == pytest.approx(dropped)
    assert row["p"] == pytest.approx(max(at_chance, dropped))


@pytest.mark.parametrize("status", ["diverged", "failed", "finished"])
def test_unequal_losses_block_a_verdict_that_does_not_hold_at_the_worst(status: str) -> None:
    frame = stems(8)
    frame.loc[0, ["status", "accuracy"]] = [status, math.nan]
    row = one(frame, metrics=chance(accuracy=0.1))
    assert (row["n"], row["look"], row["verdict"]) == (8, 8, "inconclusive")
    assert row["reason"] == (
        "lost runs: 1 of 8 in stem=direct, 0 of 8 in stem=pyramid; unequal losses may have selected the runs that remain. "
        "Without their pairs the claim would be decided, and with the lost runs at their worst it is not"
    )
    assert math.isfinite(row["p_support"])


@pytest.mark.parametrize("arm", ["direct", "pyramid"])
def test_a_verdict_that_holds_with_the_lost_run_at_its_worst_is_decided(arm: str) -> None:
    """The lost run of the baseline counts as the best of all runs, that of the other arm as the worst: a paired t by hand."""
    frame = stems(20, gain=0.06)
    lost = (frame["stem"] == arm) & (frame["seed"] == 3)
    frame.loc[lost, "status"] = "diverged"
    row = one(frame, metrics=chance(accuracy=0.78), looks=())
    assert row["verdict"] == "supported"
    assert row["reason"].endswith("and with them at chance, and with those of each arm at the worst or the best value")
    values = frame["accuracy"].mask(lost)
    filled = frame.assign(accuracy=values.fillna(values.max() if arm == "direct" else 0.78))
    by_stem = filled.pivot_table("accuracy", "seed", "stem")
    worst = stats.ttest_1samp(by_stem["pyramid"] - by_stem["direct"], 0, alternative="greater").pvalue
    assert row["p"] == pytest.approx(worst)
    assert row["p_worst_support"] == pytest.approx(worst)


def test_a_verdict_that_was_reached_before_runs_were_lost_stands() -> None:
    frame = stems(8)
    frame.loc[(frame["seed"] == 7) & (frame["stem"] == "pyramid"), "accuracy"] = math.inf
    row = one(frame)
    assert (row["verdict"], row["look"]) == ("supported", 5)
    assert "stands; look 2 by itself would leave it open" in row["reason"]


def test_lost_runs_that_leave_too_few_seeds_leave_no_verdict() -> None:
    frame = stems(5)
    frame.loc[[0, 1], "status"] = "diverged"
    row = one(frame, metrics=chance(accuracy=0.79))
    assert (row["n"], row["look"], row["verdict"]) == (5, 5, "inconclusive")
    assert row["reason"].endswith("1 of 5 in stem=pyramid; only 4 seeds left without their pairs")
    assert math.isnan(row["p"])


def test_a_diverged_run_of_another_stratum_does_not_matter() -> None:
    frame = planted(5)
    frame.loc[(frame["norm"] == "after") & (frame["seed"] == 0), "status"] = "diverged"
    assert one(frame, claim(where={"norm": "before"}))["verdict"] == "supported"


def times(direct: list[float], pyramid: list[float]) -> pd.DataFrame:
    return study(
        {"stem": ["direct", "pyramid"]},
        lambda levels, seed: (direct if levels["stem"] == "direct" else pyramid)[seed],
        len(direct),
        "epochs",
    )


FASTER = claim(metric="epochs", expects="lower", margin=5)


def test_times_to_a_target_are_censored_at_the_limit() -> None:
    frame = times([math.nan, 60, 58, 61, 59], [30, 29, 31, 30, 32])
    row = one(frame, FASTER, metrics=[MetricSpec("epochs", limit=60)])
    assert row["estimate"] == pytest.approx(np.mean([30 - 60, 29 - 60, 31 - 58, 30 - 60, 32 - 59]))
    assert row["verdict"] == "supported"
    assert one(frame, FASTER)["reason"].startswith("lost runs: 1 of 5 in stem=direct, 0 of 5 in stem=pyramid;")


def test_an_interaction_of_which_one_difference_is_mostly_censored_is_inconclusive() -> None:
    """Without the norm, no stem reaches the target; with it, both do, quite differently."""
    frame = study(
        {"stem": ["direct", "pyramid"], "norm": [False, True]},
        lambda of, seed: (50.0 if of["stem"] == "direct" else 10.0) + seed if of["norm"] else math.nan,
        5,
        "epochs",
    )
    changes = [{"factor": "stem", "from": "direct", "to": "pyramid"}, {"factor": "norm", "from": False, "to": True}]
    asked = claim(kind="interaction", metric="epochs", expects="lower", margin=5, interaction=changes)
    row = one(frame, asked, metrics=[MetricSpec("epochs", limit=60)])
    assert row["reason"] == "most runs of both arms did not reach the target within the limit of 60"


def test_arms_that_are_both_mostly_censored_are_inconclusive() -> None:
    frame = times([math.nan] * 4 + [50.0], [math.nan] * 3 + [20.0, 21.0])
    row = one(frame, FASTER, metrics=[MetricSpec("epochs", limit=60)])
    assert row["verdict"] == "inconclusive"
    assert row["reason"] == "most runs of both arms did not reach the target within the limit of 60"
    never = times([math.nan] * 5, [30.0, 29.0, 31.0, 30.0, 32.0])
    assert one(never, FASTER, metrics=[MetricSpec("epochs", limit=60)])["verdict"] == "supported"
    nowhere = times([math.nan] * 5, [math.nan] * 5)
    assert one(nowhere, FASTER, metrics=[MetricSpec("epochs", limit=60)])["verdict"] == "inconclusive"


def test_a_diverged_run_never_reached_its_target() -> None:
    frame = times([60.0, 58.0, 61.0, 59.0, 60.0, 60.0], [30.0, 31.0, 30.0, 32.0, 29.0, 30.0])
    frame.loc[frame.index[0], "status"] = "diverged"
    row = one(frame, FASTER, metrics=[MetricSpec("epochs", limit=100)])
    assert row["reason"].startswith("lost runs: 1 of 5 in stem=direct, 0 of 5 in stem=pyramid;")


def test_a_ratio_has_a_margin_that_is_a_ratio() -> None:
    frame = times([10.0, 20.0, 40.0, 80.0, 160.0], [21.0, 40.0, 79.0, 161.0, 320.0])
    row = one(frame, claim(metric="epochs", scale="ratio", margin=1.5))
    assert row["estimate"] == pytest.approx(2, rel=0.05)
    (found,) = judge(parse_all([claim(metric="epochs", scale="ratio", margin=1.5)]), results_of(frame))
    assert found.notes[0].startswith("Above 1 in 5 of 5 seeds, lowest at seed ")
    assert row["verdict"] == "supported"
    assert one(frame, claim(metric="epochs", scale="ratio", margin=3))["p_below"] < 0.001
    frame.loc[0, "epochs"] = 0
    assert one(frame, claim(metric="epochs", scale="ratio", margin=1.5))["reason"] == "a ratio needs values above zero"


def test_a_threshold_is_set_against_the_mean_of_the_cells_that_where_picks() -> None:
    high = claim(kind="threshold", value=0.81, where={"stem": "pyramid"})
    assert one(stems(8), high)["verdict"] == "supported"
    assert one(stems(8), high | {"value": 0.85})["verdict"] == "contradicted"
    (found,) = judge(parse_all([high | {"value": 0.85}]), results_of(stems(8)))
    assert found.notes[0].startswith("Above the threshold in 0 of 8 seeds, lowest at seed ")
    single = study({}, noise(0.001), 5)
    assert one(single, claim(kind="threshold", value=-0.5))["verdict"] == "supported"


def test_a_number_that_must_match_needs_one_run_and_no_more() -> None:
    frame = stems(2).assign(parameters=[1990802.0, 1990290.0] * 2)
    exact = {
        key: value
        for key, value in claim(kind="exact", value=1990802, metric="parameters").items()
        if key not in ("expects", "margin")
    }
    direct = exact | {"where": {"stem": "direct"}}
    found = verdicts(frame, direct, exact | {"id": "all"})
    assert found["verdict"].tolist() == ["supported", "contradicted"]
    assert found["reason"].tolist() == ["2 runs have exactly 1,990,802", "2 of 4 runs have 1,990,290 instead of 1,990,802"]
    frame["status"] = "failed"
    assert one(frame, direct)["verdict"] == "not tested"


def path(of: str, **keys: Any) -> dict[str, Any]:
    changes = {
        "stem": step("stem", "direct", "pyramid"),
        "norm": step("norm", "before", "after"),
        "dropout": step("dropout", True, False),
    }
    return claim("path", kind="path", path={"of": of, "changes": changes}, where={"activation": False}, **keys)


@pytest.mark.parametrize(
    ("keys", "verdict", "estimate"),
    [
        ({"of": "stem", "expects": "largest"}, "supported", 0.01),
        ({"of": "norm", "expects": "largest"}, "contradicted", -0.01),
        ({"of": "dropout", "expects": "equivalent"}, "supported", 0.0),
        ({"of": "stem", "expects": "higher"}, "supported", 0.025),
        ({"of": "stem", "expects": "lower"}, "contradicted", 0.025),
        ({"of": "all", "expects": "higher"}, "supported", 0.04),
    ],
)  # fmt: skip
def test_a_path_attributes_the_gain_to_its_changes(keys: dict[str, Any], verdict: str, estimate: float) -> None:
    row = one(planted(), path(**keys))
    assert row["verdict"] == verdict
    assert row["estimate"] == pytest.approx(estimate, abs=0.002)


def test_largest_is_as_sure_as_its_closest_rival_allows() -> None:
    frame = planted(5)
    row = one(frame, path("stem", expects="largest"))
    closest = one(frame, path("stem", expects="higher"))
    assert row["estimate"] < closest["estimate"]
    assert row["p_support"] > closest["p_support"]


RATIO = claim(metric="epochs", scale="ratio", margin=1.5)
NO_RATIO = (
    "they count as 0, the chance level of epochs, and a ratio needs values above zero: declare another "
    "(study.metrics.epochs.chance), or set runs aside with a reason (study.leave_out)"
)


def doubled(seeds: int) -> pd.DataFrame:
    return times([10.0 + seed for seed in range(seeds)], [2.0 * (10 + seed) + 0.1 * (seed % 3) for seed in range(seeds)])


def test_a_ratio_with_a_diverged_run_needs_a_chance_above_zero() -> None:
    frame = doubled(8)
    frame.loc[0, "status"] = "diverged"
    row = one(frame, RATIO, metrics=chance(epochs=0.0))
    reason = f"lost runs: 1 of 8 in stem=direct, 0 of 8 in stem=pyramid; {NO_RATIO}"
    assert (row["verdict"], row["look"], row["reason"]) == ("inconclusive", 8, reason)
    assert one(frame, RATIO, metrics=chance(epochs=5.0))["reason"].startswith("lost runs: 1 of 8 in stem=direct, 0 of 8 in")


@pytest.mark.parametrize(("status", "why"), [("failed", NO_RATIO), ("finished", "a ratio needs values above zero")])
def test_a_later_run_without_a_ratio_leaves_an_earlier_verdict(status: str, why: str) -> None:
    """The run of seed 6 failed, or has the value zero."""
    frame = doubled(9)
    (before,) = verdicts(frame[frame["seed"] < 5], RATIO).to_dict("records")
    frame.loc[frame["seed"].eq(6) & frame["stem"].eq("direct"), ["status", "epochs"]] = [status, 0.0]
    row = one(frame, RATIO, metrics=chance(epochs=0.0))
    assert (before["verdict"], row["verdict"], row["look"]) == ("supported", "supported", 5)
    assert (row["estimate"], row["p"]) == pytest.approx((before["estimate"], before["p"]))
    assert "reached at 5 of 8 seeds, and stands; look 2 by itself would leave it open (" in row["reason"]
    assert row["reason"].endswith(f"{why})")


def test_a_factor_that_does_nothing_leaves_the_family() -> None:
    frame = planted(5)
    nothing = claim("inert", contrast=step("activation", False, True), where={"stem": "direct"}, expects="equivalent")
    found = verdicts(frame, claim(), nothing)
    assert found["verdict"].tolist() == ["supported", "identical"]
    assert found["p"][0] == one(frame)["p"]


def test_a_path_of_many_changes_is_judged_from_sampled_orders() -> None:
    """Five changes, of 5, 1, 0, 0 and 0 points; each seed ran its order and the reverse, ten cells of 32."""
    names = list("abcde")
    gains = dict(zip(names, [0.05, 0.01, 0.0, 0.0, 0.0], strict=True))
    draw = noise(0.001)
    frame = study(
        {name: [False, True] for name in names},
        lambda levels, seed: sum(gains[name] * levels[name] for name in names) + draw(levels, seed),
        5,
    )
    drawn = {seed: [int(each) for each in np.random.default_rng(seed).permutation(5)] for seed in range(5)}
    run = [
        frozenset(name for name in names if row[name]) in coalitions(names, drawn[row["seed"]])
        for row in frame.to_dict("records")
    ]
    frame = frame[run]
    assert len(frame) == 50
    changes = {name: step(name, False, True) for name in names}
    asked = claim("path", kind="path", path={"of": "a", "changes": changes}, expects="largest", margin=0.01)
    factors = {name: [False, True] for name in names}
    row = one(frame, asked, factors=factors)
    assert (row["verdict"], row["n"]) == ("supported", 5)
    assert row["estimate"] == pytest.approx(0.04, abs=0.002)
    orders = {seed: [[names[index]] for index in permutation] for seed, permutation in drawn.items()}
    assert one(frame, asked, factors=factors, orders=orders)["estimate"] == pytest.approx(row["estimate"])
    other = asked | {"path": {"of": "b", "changes": changes}}
    assert one(frame, other, factors=factors)["verdict"] == "contradicted"


def test_a_study_without_a_single_run_is_a_table_of_claims_that_are_not_tested() -> None:
    frame = stems(5)
    found = verdicts(frame.iloc[:0], claim(), claim("b", kind="threshold", value=0.5), factors={"stem": ["direct", "pyramid"]})
    assert found["verdict"].tolist() == ["not tested", "not tested"]


def test_an_undecided_claim_says_what_it_would_take() -> None:
    gains = [-0.001, 0.011, 0.005, 0.002, 0.008]  # mean 0.005, standard deviation 0.0047
    frame = study({"stem": ["direct", "pyramid"]}, lambda levels, seed: gains[seed] * (levels["stem"] == "pyramid"), 5)
    row = one(frame, claim(margin=0.009))
    assert (row["verdict"], row["seeds_needed"]) == ("inconclusive", 8)
    assert row["reason"].endswith(
        "3 more seeds (8 in total; between 8 and 20, by the 80 % interval of the standard deviation) give 80 % power at this margin"
    )
    row = one(frame, claim(margin=0.001))
    assert math.isnan(row["seeds_needed"])
    assert row["reason"].endswith("even with 20 seeds (the last look), the power at this margin is below 80 %")
    ended = one(frame, claim(margin=0.001), looks=(5,))
    assert ended["reason"].endswith("even with 5 seeds (the last look), the power at this margin is below 80 %")
    assert row["decidable"] == pytest.approx(0.00337, abs=1e-5)
    row = one(frame, claim(margin=0.017))
    assert row["seeds_needed"] == 5
    assert row["reason"].endswith("it would be smaller than the margin: more seeds may decide it")
    at_margin = study({"stem": ["direct", "pyramid"]}, lambda levels, _: 0.005 * (levels["stem"] == "pyramid"), 5)
    at_margin["accuracy"] += [0.0001 * (at % 3) ** 2 for at in range(len(at_margin))]
    row = one(at_margin, claim(margin=0.005, expects="equivalent"))
    assert row["seeds_needed"] == 5
    assert row["reason"].endswith("so the true difference may be close to the decision boundary")
    ended = one(at_margin, claim(margin=0.005, expects="equivalent"), looks=(5,))
    assert ended["reason"].endswith("decision boundary; this was the last look: 5 seeds do not decide the claim")
    open_ended = {key: value for key, value in claim().items() if key != "margin"}
    assert one(frame, open_ended)["reason"].endswith("the claim has no margin, so the number of seeds that it needs is unknown")


def test_a_frame_of_another_program_is_judged_like_ours() -> None:
    """A CSV knows true and false as text or numpy booleans, and has neither label nor left_out."""
    frame = planted()
    other = frame[~frame["activation"].astype(bool) & (frame["norm"] == "before")][
        ["seed", "status", "directory", "dropout", "stem", "accuracy"]
    ]
    other = other.assign(dropout=other["dropout"].astype(bool))
    assert one(other, claim(contrast=step("dropout", True, False), expects="equivalent"))["verdict"] == "supported"
    assert one(other)["verdict"] == "supported"


def test_no_claims_are_a_table_without_rows() -> None:
    found = verdicts(stems(5))
    assert len(found) == 0
    assert list(found) == COLUMNS


def test_every_claim_keeps_its_row_and_its_words() -> None:
    found = verdicts(stems(5), claim(quote="少しずつ"))
    assert (found["quote"][0], found["metric"][0], found["margin"][0]) == ("少しずつ", "accuracy", 0.005)


def gains(*differences: float) -> pd.DataFrame:
    """Pairs with these differences."""
    return study(
        {"stem": ["direct", "pyramid"]},
        lambda levels, seed: 0.8 + differences[seed] * (levels["stem"] == "pyramid"),
        len(differences),
    )


@pytest.mark.parametrize(
    ("expects", "center", "verdict"),
    [
        ("higher", 0.02, "supported"),
        ("higher", 0.004, "smaller than the margin"),
        ("higher", 0.0, "smaller than the margin"),
        ("higher", -0.004, "contradicted"),
        ("lower", -0.004, "smaller than the margin"),
        ("lower", 0.004, "contradicted"),
        ("higher by the margin", 0.02, "supported"),
        ("higher by the margin", 0.004, "contradicted"),
        ("higher by the margin", 0.01, "inconclusive"),
        ("lower by the margin", -0.02, "supported"),
        ("noninferior", -0.004, "supported"),
        ("noninferior", 0.02, "supported"),
        ("noninferior", -0.02, "contradicted"),
        ("equivalent", 0.004, "supported"),
        ("equivalent", -0.02, "contradicted"),
    ],
)
def test_each_expectation_by_where_the_difference_lies(expects: str, center: float, verdict: str) -> None:
    """Differences of center +- 0.00126, six of them, on a margin of 0.01."""
    scatter = [-0.0017, -0.0011, -0.0003, 0.0004, 0.0011, 0.0016]
    row = one(gains(*(center + each for each in scatter)), claim(expects=expects, margin=0.01), looks=())
    assert row["verdict"] == verdict


def test_what_is_inferior_follows_from_the_metric() -> None:
    rise = gains(0.02, 0.021, 0.019, 0.02, 0.022)
    loss = [MetricSpec("accuracy", better="lower")]
    asked = claim(expects="noninferior", margin=0.01)
    assert one(rise, asked, looks=())["verdict"] == "supported"
    assert one(rise, asked, looks=(), metrics=loss)["verdict"] == "contradicted"


@pytest.mark.parametrize(
    ("of", "fraction", "verdict"),
    [("stem", 0.5, "supported"), ("stem", 0.8, "contradicted"), ("norm", 0.5, "contradicted"), ("norm", 0.2, "supported")],
)
def test_a_share_exceeds_a_fraction_of_the_whole_or_not(of: str, fraction: float, verdict: str) -> None:
    """Of 4 points, the stem has 2.5 and the norm 1.5."""
    asked = path(of, expects="higher", exceeds=fraction)
    del asked["margin"]
    row = one(planted(), asked, looks=())
    assert row["verdict"] == verdict
    assert row["estimate"] == pytest.approx((0.025 if of == "stem" else 0.015) - fraction * 0.04, abs=0.002)


def test_equivalence_holds_in_every_stratum_or_not_at_all() -> None:
    """The average over both norms is 0, and each of them 1 point off; with the average alone it was supported."""
    draw = noise(0.001)
    frame = study(
        {"stem": ["direct", "pyramid"], "norm": ["x", "y"]},
        lambda levels, seed: (
            0.8 + (levels["stem"] == "pyramid") * (0.01 if levels["norm"] == "x" else -0.01) + draw(levels, seed)
        ),
        8,
    )
    row = one(frame, claim(expects="equivalent"), looks=())
    assert (row["verdict"], row["estimate"]) == ("contradicted", pytest.approx(0, abs=0.001))
    assert (row["low"], row["high"], row["confidence"]) == (row["low_95"], row["high_95"], 0.95)  # it rests on another estimate
    wide = one(frame, claim(expects="equivalent", margin=0.02), looks=())
    single = [one(frame, claim(expects="equivalent", margin=0.02, where={"norm": norm}), looks=()) for norm in "xy"]
    assert wide["p_support"] == pytest.approx(max(each["p_support"] for each in single))
    assert one(frame, looks=())["p_strata"] < 1e-4


def test_the_interval_is_the_one_that_the_verdict_rests_on() -> None:
    """Support at exactly the level of the look and of Holm's step is an interval that ends at zero."""
    draw = np.random.default_rng(4)
    for _ in range(20):
        frame = gains(*draw.normal(0.004, 0.003, 8))
        for row in verdicts(frame, claim(), claim("b", expects="higher", margin=0.1)).to_dict("records"):
            if row["verdict"] in ("supported", "inconclusive"):
                assert (row["low"] > 0) == (row["verdict"] == "supported")


def test_the_interval_of_a_contradicted_equivalence_allows_for_its_strata() -> None:
    """The average, of equal differences in two strata, is the clearest of three estimates: a third of the level."""
    draw = noise(0.004)
    frame = study(
        {"stem": ["direct", "pyramid"], "norm": ["x", "y"]},
        lambda levels, seed: 0.8 + 0.03 * (levels["stem"] == "pyramid") + draw(levels, seed),
        8,
    )
    row = one(frame, claim(expects="equivalent"), looks=())
    assert (row["verdict"], row["confidence"]) == ("contradicted", pytest.approx(1 - 2 * 0.025 / 3))
    assert row["p_contradict"] < 0.025
    assert row["low"] > 0.005


def test_a_study_declares_its_looks_and_other_results_have_one() -> None:
    results = results_of(stems(9))
    assert design_of(results).looks == ()
    (found,) = judge(parse_all([claim()]), results)
    assert (found.look.seeds, found.confidence) == (9, pytest.approx(0.95))
    declared = results_of(stems(9), looks=[6, 9])
    assert [each.look.seeds for each in judge(parse_all([claim(), claim("b")]), declared)] == [6, 6]
    on_disk = replace(results, folder=Path("study"))
    assert design_of(on_disk).looks == LOOKS


def test_beside_a_verdict_stand_its_replicates_and_its_robustness() -> None:
    (found,) = judge(parse_all([claim()]), results_of(gains(0.02, 0.021, 0.019, -0.001, 0.022, 0.02)))
    assert found.estimate is not None
    assert (found.estimate.wins, found.estimate.worst) == (5, (3, pytest.approx(-0.001)))
    assert found.estimate.p_superior == pytest.approx(5 / 6)
    assert found.notes[0] == "Above zero in 5 of 6 seeds, lowest at seed 3; P(B > A) = 0.83"
    assert found.robustness is not None
    assert found.robustness.sign_flip == pytest.approx(2 / 64)
    assert found.notes[-1] == str(found.robustness)


def test_an_exploratory_claim_needs_no_seeds_for_the_other_claims() -> None:
    results = results_of(gains(0.004, -0.002, 0.003, 0.001, -0.001, 0.002))
    (alone,) = judge(parse_all([claim(margin=0.003)]), results)
    primary, exploratory = [claim(), claim("b"), claim("c")], [claim(each, margin=0.003, primary=False) for each in "de"]
    *_, beside = judge(parse_all([*primary, *exploratory]), results)
    assert alone.precision is not None
    assert repr(alone.precision) == repr(beside.precision)  # a field is NaN


def test_the_sign_flip_of_no_loss_is_about_the_margin() -> None:
    """All six values are above minus the margin: one of 64 sign patterns."""
    loss = claim(expects="noninferior", margin=0.05)
    (found,) = judge(parse_all([loss]), results_of(gains(-0.01, -0.008, -0.012, -0.009, -0.011, -0.01)))
    assert found.verdict == "supported"
    assert found.robustness is not None
    assert found.robustness.sign_flip == pytest.approx(1 / 64)


def test_the_sign_flip_of_a_small_difference_is_about_the_margin() -> None:
    """All six values are below the margin: one of 64 sign patterns; against zero it would be all of them."""
    (found,) = judge(parse_all([claim(margin=0.05)]), results_of(gains(0.01, 0.008, 0.012, 0.009, 0.011, 0.0101)))
    assert found.verdict == "smaller than the margin"
    assert found.robustness is not None
    assert found.robustness.sign_flip == pytest.approx(1 / 64)
