"""Verdicts in words: each part of a reason where it belongs, and the notes below."""

import math

import pandas as pd
import pytest
from scipy import stats

from ablate.core.claims import parse_all
from ablate.stats.attribution import Turn
from ablate.stats.decision_rules import LOOKS, PValues
from ablate.stats.estimates import Estimate, student
from ablate.stats.heterogeneity import heterogeneity
from ablate.stats.judge import Judgement, judge
from ablate.stats.robustness import Robustness
from ablate.stats.verdict_reasons import leaning, notes
from tests.stats.conftest import results_of, study

CLAIM = {
    "id": "gain", "says": "b is better", "kind": "contrast", "metric": "accuracy", "expects": "higher", "margin": 0.01,
    "contrast": {"factor": "stem", "from": "a", "to": "b"},
}  # fmt: skip


def judged(differences: list[float], **keys: object) -> Judgement:
    rows = study({"stem": ["a", "b"]}, lambda levels, seed: differences[seed] * (levels["stem"] == "b"), len(differences))
    return judge(parse_all([CLAIM | keys]), results_of(rows), looks=LOOKS)[0]


def estimate(*values: float) -> Estimate:
    by_seed = pd.Series(values)
    return Estimate("simple", (), by_seed, *student(by_seed))


def test_the_opposite_at_a_later_look_is_told_and_the_first_verdict_stands() -> None:
    differences = [0.5, 0.501, 0.5, 0.499, 0.5, *[-4.0, -4.1, -4.2], *[-4.0, -4.1, -4.0, -4.2], *[-4.0, -4.1] * 4]
    for margin in (0.01, None):
        found = judged(differences, margin=margin)
        assert (found.verdict, found.look.seeds) == ("supported", 5)
        assert "the verdict of look 1 stands, but the opposite was shown at look 3 (12 seeds)" in found.reason
        assert found.latest is not None
        assert found.latest.n == 20


def test_an_exploratory_claim_is_labeled() -> None:
    found = judged([0.02, 0.021, 0.019, 0.02, 0.0205], primary=False)
    assert found.exploratory
    assert found.reason.startswith("p adjusted for looks < 0.0001 (look 1 at 5 seeds, exploratory: ")
    assert "exploratory: not a primary claim, not corrected for the others" in found.reason


FAR = (0.053, 0.014, 0.06, 0.028, 0.036)
BEYOND = "; but unadjusted for looks and claims it would be contradicted: more seeds may decide it"


@pytest.mark.parametrize("sign", [1, -1])
def test_an_equivalence_that_looks_contradicted_is_not_only_said_to_lack_power(sign: int) -> None:
    """Its power is that to show equivalence, which more seeds may refute."""
    far = judged([sign * gain for gain in FAR], expects="equivalent", margin=0.005)
    assert far.verdict == "inconclusive"
    assert f"the power at this margin is below 80 %{BEYOND}" in far.reason


def test_an_equivalence_within_the_margin_is_not_said_to_look_contradicted() -> None:
    near = judged([0.013, -0.014, 0.02, -0.008, 0.016], expects="equivalent", margin=0.005)
    assert near.verdict == "inconclusive"
    assert "the power at this margin is below 80 %" in near.reason
    assert BEYOND not in near.reason


def test_a_difference_that_looks_real_is_not_said_to_be_out_of_reach_of_any_number_of_seeds() -> None:
    """Above zero at 95 %, but not at the level of seven claims; the power at the small margin says nothing about it."""
    gain = judged([0.032, 0.012, 0.045, 0.02, 0.03], margin=0.001)
    assert gain.verdict == "inconclusive"
    assert (
        "even with 20 seeds (the last look), the power at this margin is below 80 %; but unadjusted for looks and claims"
        in gain.reason
    )
    assert gain.reason.endswith("it would be supported: more seeds may decide it")


@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        (PValues(0.02, 0.98), "supported"),
        (PValues(0.98, 0.02), "contradicted"),
        (PValues(0.02, 0.98, 0.01), "smaller than the margin"),
        (PValues(0.03, 0.97, 0.2), ""),
        (PValues(math.nan, math.nan), ""),
    ],
)
def test_what_a_claim_would_be_at_95_percent(p: PValues, verdict: str) -> None:
    assert leaning(p) == verdict


def test_at_the_last_look_no_more_seeds_are_promised() -> None:
    scattered = [*FAR, *(-0.004, 0.05, -0.01)] * 2 + [*FAR[:4]]
    at_end = judged(scattered, expects="equivalent", margin=0.015)
    assert at_end.look.seeds == 20
    assert BEYOND not in at_end.reason


def test_the_notes_of_a_verdict() -> None:
    apart = heterogeneity([estimate(1, 1.1, 0.9, 1.0), estimate(-1, -1.1, -0.8, -1.0)])
    robust = Robustness(math.nan, {1: 0.01, 2: 0.03, 3: 0.02}, 0.025)
    assert notes(estimate(1.0, -2.0, 3.0), apart, robust) == (
        "Above zero in 2 of 3 seeds, lowest at seed 1",
        notes(estimate(1.0, -2.0, 3.0), apart, None)[1],
        "Robustness: undecided if seed 2 is left out (largest unadjusted p with one seed left out: 0.03; at most 0.025 is needed)",
    )
    assert notes(estimate(1.0), apart, None)[1].startswith("The strata differ: p = ")
    assert notes(estimate(1.0), apart, None)[1].endswith("their estimates have opposite signs")
    same = heterogeneity([estimate(1, 1.1, 0.9, 1.0), estimate(1.1, 1.0, 0.95, 1.05)])
    assert notes(estimate(), same, None) == (f"The strata are not shown to differ: p = {same.p:.2g}",)  # type: ignore[union-attr]


def test_what_turns_the_sign_of_a_contribution_is_named() -> None:
    turn = Turn("shared", 2.0, -8.0)
    said = "Before shared, the contribution is above zero, afterwards below zero (both 95 % intervals exclude zero)"
    assert sum(note.startswith(said) for note in notes(estimate(-3.0, -4.0, -3.5), None, None, turn=turn)) == 1
    assert not any("Before" in note for note in notes(estimate(-3.0, -4.0, -3.5), None, None))


def test_a_verdict_on_a_share_tells_that_its_change_works_both_ways() -> None:
    """norm gains 2 alone and loses 8 after the BN is shared: its share of -3 is neither."""

    def value(levels: dict, seed: int) -> float:
        return seed + 0.02 * levels["norm"] - 0.1 * levels["norm"] * levels["shared"] + 0.001 * (seed % 2) * levels["norm"]

    changes = {name: {"factor": name, "from": 0, "to": 1} for name in ("norm", "shared")}
    claim = {
        "id": "H7", "says": "norm contributes nothing", "kind": "path", "path": {"changes": changes, "of": "norm"},
        "metric": "accuracy", "expects": "equivalent", "margin": 0.01,
    }  # fmt: skip
    rows = study({"norm": [0, 1], "shared": [0, 1]}, value, 5)
    (found,) = judge(parse_all([claim]), results_of(rows), looks=(5,))
    assert found.verdict == "contradicted"
    assert (
        sum(note.startswith("Before shared, the contribution is above zero, afterwards below zero") for note in found.notes)
        == 1
    )


def test_what_an_inconclusive_claim_still_needs_is_a_difference_and_a_total() -> None:
    found = judged([0.02, -0.015, 0.018, -0.01, 0.012, 0.001])
    assert found.verdict == "inconclusive"
    assert found.precision is not None
    if found.precision.seeds is None:
        assert "the power at this margin is below 80 %" in found.reason
    wide = judged([0.02, -0.015, 0.018, -0.01, 0.012, 0.001], margin=0.02)
    assert wide.precision is not None
    assert wide.precision.seeds is not None
    assert f"{wide.precision.seeds - wide.n} more seeds ({wide.precision.seeds} in total; " in wide.reason


def test_a_last_look_that_would_leave_a_claim_open_is_told() -> None:
    shown = [0.02, 0.021, 0.019, 0.02, 0.0205]
    kept = judged([*shown, 0.02, 0.021, 0.019])
    assert kept.reason.endswith("reached at 5 of 8 seeds, and stands")
    lost = judged([*shown, -0.05, 0.08, -0.04])
    assert "reached at 5 of 8 seeds, and stands; look 2 by itself would leave it open" in lost.reason


def test_smaller_than_the_margin_stands_beside_the_interval_and_the_p_value_that_show_it() -> None:
    """Shown at look 1; that there is a gain is shown at look 3, and the interval of look 4 goes beyond the margin."""
    early, late = [0.0, 0.1, -0.1, 0.05, -0.05], [1.2, 1.4, 1.0] * 5
    found = judged([*early, *late], margin=1.0)
    assert (found.verdict, found.look) == ("smaller than the margin", (1, 5))
    reference = stats.ttest_1samp(early, 0)
    assert found.confidence == pytest.approx(1 - 2 * 0.025 / 16)
    assert found.interval == pytest.approx(tuple(reference.confidence_interval(found.confidence)))
    assert found.interval[1] < 1 < stats.ttest_1samp([*early, *late], 0).confidence_interval().high
    assert found.p == pytest.approx(16 * stats.ttest_1samp(early, 1, alternative="less").pvalue)
    assert found.robustness is not None
    assert found.robustness.sign_flip == pytest.approx(1 / 32)
    assert (
        "a difference in the claimed direction is shown (look 3 at 12 seeds), and it is smaller than the margin" in found.reason
    )
    assert found.reason.endswith("reached at 5 of 20 seeds, and stands; look 4 by itself would not show this")
