"""The rules of the verdicts: against scipy, statsmodels, a published example, and simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from ablate.stats.decision_rules import ALPHA, LOOKS, SequentialDesign, decide, holm, p_values, spent

D = np.array([0.012, 0.031, 0.007, 0.022, 0.018, 0.027])
E, SE, DF = D.mean(), D.std(ddof=1) / math.sqrt(6), 5


def test_higher_is_supported_against_zero_and_contradicted_against_the_margin() -> None:
    support, contradict = p_values(E, SE, DF, "higher", margin=0.03)
    assert support == pytest.approx(stats.ttest_1samp(D, 0, alternative="greater").pvalue)
    assert contradict == pytest.approx(stats.ttest_1samp(D, 0.03, alternative="less").pvalue)


def test_lower_is_the_mirror_of_higher() -> None:
    assert p_values(-E, SE, DF, "lower", margin=0.03) == p_values(E, SE, DF, "higher", margin=0.03)
    assert p_values(-E, SE, DF, "lower", margin=0.03)[0] == pytest.approx(stats.ttest_1samp(-D, 0, alternative="less").pvalue)


def test_equivalent_is_supported_by_two_one_sided_tests() -> None:
    support, _ = p_values(E, SE, DF, "equivalent", margin=0.025)
    assert support == pytest.approx(DescrStatsW(D).ttost_mean(-0.025, 0.025)[0])
    assert p_values(-E, SE, DF, "equivalent", margin=0.025)[0] == pytest.approx(support)


def test_equivalent_is_contradicted_from_both_sides() -> None:
    """Without a margin it is the two-sided t test; with one, both tails at the border."""
    assert p_values(E, SE, DF, "equivalent", 0.0)[1] == pytest.approx(stats.ttest_1samp(D, 0).pvalue)
    _, contradict = p_values(-E, SE, DF, "equivalent", margin=0.005)
    assert contradict == pytest.approx(stats.t.sf((E - 0.005) / SE, 5) + stats.t.sf((E + 0.005) / SE, 5))
    assert p_values(0.0, SE, DF, "equivalent", margin=0.005)[1] == 1.0


@pytest.mark.parametrize(("d", "support", "contradict"), [(-1, 1, 0), (0, 1, 0), (1, 0, 0), (2, 0, 1), (3, 0, 1)])
def test_without_any_scatter_the_estimate_is_the_truth(d: float, support: float, contradict: float) -> None:
    assert p_values(d, 0.0, 4, "higher", margin=2) == (support, contradict)


@pytest.mark.parametrize(("d", "support", "contradict"), [(0, 0, 1), (1, 0, 1), (2, 1, 1), (-3, 1, 0)])
def test_without_any_scatter_equivalence_is_the_truth_too(d: float, support: float, contradict: float) -> None:
    assert p_values(d, 0.0, 4, "equivalent", margin=2) == (support, contradict)


def test_one_seed_has_no_p_value_and_a_wrong_word_is_refused() -> None:
    assert np.isnan(p_values(1.0, math.nan, 0, "higher", 0.1)).all()
    with pytest.raises(ValueError, match="unknown expects='bigger': one of higher, lower, equivalent"):
        p_values(E, SE, DF, "bigger")
    with pytest.raises(ValueError, match=r"margin=-0.1: the smallest difference that matters cannot be below zero"):
        p_values(E, SE, DF, "higher", -0.1)


@pytest.mark.parametrize(
    ("n", "look"),
    [
        (0, (0, 0)),
        (4, (0, 0)),
        (5, (1, 5)),
        (7, (1, 5)),
        (8, (2, 8)),
        (11, (2, 8)),
        (12, (3, 12)),
        (19, (3, 12)),
        (40, (4, 20)),
    ],
)
def test_the_last_look_is_the_one_that_counts(n: int, look: tuple[int, int]) -> None:
    assert SequentialDesign().last(n) == look


def test_the_next_look() -> None:
    assert [SequentialDesign().next(n) for n in (0, 4, 5, 11, 12, 20)] == [5, 5, 8, 12, 20, None]


def test_a_look_spends_its_part_of_alpha() -> None:
    """alpha / 2, alpha / 6, alpha / 12, alpha / 20: in all 4/5 of alpha."""
    borders = [ALPHA / (k * (k + 1)) for k in range(1, 5)]
    assert sum(borders) == pytest.approx(0.8 * ALPHA)
    np.testing.assert_allclose(spent(borders, [1, 2, 3, 4]), ALPHA)
    assert math.isnan(spent(0.001, 0))
    assert spent(0.9, 3) == 1.0


def test_holm_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling: 0.02, 0.03, 0.06, 0.06 (Holm 1979)."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    adjusted = holm([0.01, math.nan])
    assert adjusted[0] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])


def test_each_branch_of_a_decision() -> None:
    cases = [  # support, contradict, look, primary
        (0.001, 0.9, 1, False, "supported"),
        (0.9, 0.001, 1, False, "contradicted"),
        (0.3, 0.4, 1, False, "inconclusive"),
        (0.0125, 0.9, 1, False, "supported"),  # on the border of the first look
        (0.0126, 0.9, 1, False, "inconclusive"),
        (0.0126, 0.9, 2, False, "inconclusive"),
        (0.004, 0.003, 2, False, "contradicted"),  # both small: the smaller names it
        (0.0, 0.0, 1, False, "inconclusive"),  # neither is smaller
        (0.0001, 0.9, 0, False, "inconclusive"),  # under five seeds
        (math.nan, math.nan, 0, True, "inconclusive"),
    ]
    support, contradict, looks, primary, expected = zip(*cases, strict=True)
    _, verdicts = decide(support, contradict, looks, primary)
    assert verdicts == list(expected)


def test_holm_puts_claims_at_different_looks_on_one_scale() -> None:
    """0.004 at look 1 is 0.008; 0.001 at look 3 is 0.012: with a third, undecidable claim times 3 and 2."""
    p, verdicts = decide([0.004, 0.9, math.nan], [0.9, 0.001, math.nan], [1, 3, 0], [True, True, True])
    assert p[:2] == pytest.approx([0.024, 0.024])
    assert verdicts == ["supported", "contradicted", "inconclusive"]
    p, verdicts = decide([0.004, 0.9, 0.9], [0.9, 0.002, 0.9], [1, 3, 1], [True, True, True])
    assert verdicts == ["supported", "inconclusive", "inconclusive"]
    p, verdicts = decide([0.0045, 0.9, 0.9], [0.9, 0.9, 0.9], [1, 3, 1], [True, True, True])
    assert verdicts[0] == "inconclusive"
    p, verdicts = decide([0.0045, 0.9, 0.9], [0.9, 0.9, 0.9], [1, 3, 1], [True, False, True])
    assert verdicts[0] == "supported"


def false_verdicts(expects: str, d: float, claims: int, studies: int = 1500) -> float:
    """The share of studies in which some claim has a false verdict at some look. The margin and the deviation are 1."""
    draws = np.random.default_rng([claims, int(d) + 1]).normal(d, 1, (studies, claims, LOOKS[-1]))
    border = expects == "equivalent"
    wrong = {
        "supported": abs(d) >= 1 if border else d <= 0 if expects == "higher" else d >= 0,
        "contradicted": abs(d) <= 1 if border else d >= 1 if expects == "higher" else d <= -1,
    }
    found = np.zeros(studies, bool)
    for look, n in enumerate(LOOKS, 1):
        seen = draws[..., :n]
        p = p_values(seen.mean(-1), seen.std(-1, ddof=1) / math.sqrt(n), n - 1, expects, 1.0)
        false = np.min([values for values, is_false in zip(p, wrong.values(), strict=True) if is_false], axis=0)
        for study in np.flatnonzero((false <= ALPHA).any(axis=1) & ~found):  # no other can have a false verdict
            _, verdicts = decide(p[0][study].tolist(), p[1][study].tolist(), [look] * claims, [True] * claims)
            found[study] = any(wrong.get(verdict, False) for verdict in verdicts)
    return float(found.mean())


@pytest.mark.parametrize("claims", [1, 6])
@pytest.mark.parametrize("d", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("expects", ["higher", "lower", "equivalent"])
def test_false_verdicts_are_rare_over_all_looks(expects: str, d: float, claims: int) -> None:
    """1500 studies each: a true rate of 5 % would show 6.4 % once in a hundred tests."""
    assert false_verdicts(expects, d, claims) <= 0.05
