"""The rules of the verdicts: against scipy, statsmodels, a published example, and simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from ablate.stats.decision_rules import (
    ALPHA,
    LOOKS,
    Look,
    PValues,
    SequentialDesign,
    by_family,
    conclude,
    holm,
    intersection,
    levels,
    p_values,
    smallest,
    union,
)

D = np.array([0.012, 0.031, 0.007, 0.022, 0.018, 0.027])
E, SE, DF = D.mean(), D.std(ddof=1) / math.sqrt(6), 5
USUAL = SequentialDesign()
AT = PValues(ALPHA, ALPHA, ALPHA)


def above(border: float) -> float:
    return float(stats.ttest_1samp(D, border, alternative="greater").pvalue)


def below(border: float) -> float:
    return float(stats.ttest_1samp(D, border, alternative="less").pvalue)


def test_higher_is_about_zero_and_smaller_about_the_margin() -> None:
    assert p_values(E, SE, DF, "higher", 0.03) == pytest.approx((above(0), below(0), below(0.03)))
    assert np.isnan(p_values(E, SE, DF, "higher")[2])


def test_superiority_by_the_margin_and_non_inferiority_move_the_border() -> None:
    assert p_values(E, SE, DF, "higher by the margin", 0.01)[:2] == pytest.approx((above(0.01), below(0.01)))
    assert p_values(E, SE, DF, "noninferior", 0.01)[:2] == pytest.approx((above(-0.01), below(-0.01)))
    assert p_values(-E, SE, DF, "lower by the margin", 0.01)[:2] == pytest.approx((above(0.01), below(0.01)))


def test_lower_is_the_mirror_of_higher() -> None:
    assert p_values(-E, SE, DF, "lower", margin=0.03) == p_values(E, SE, DF, "higher", margin=0.03)
    assert p_values(-E, SE, DF, "lower", margin=0.03)[0] == pytest.approx(stats.ttest_1samp(-D, 0, alternative="less").pvalue)


def test_equivalent_is_supported_by_two_one_sided_tests() -> None:
    support, _, _ = p_values(E, SE, DF, "equivalent", margin=0.025)
    assert support == pytest.approx(DescrStatsW(D).ttost_mean(-0.025, 0.025)[0])
    assert p_values(-E, SE, DF, "equivalent", margin=0.025)[0] == pytest.approx(support)


def test_equivalent_is_contradicted_from_both_sides() -> None:
    """Without a margin it is the two-sided t test; with one, both tails at the border."""
    assert p_values(E, SE, DF, "equivalent", 0.0)[1] == pytest.approx(stats.ttest_1samp(D, 0).pvalue)
    contradict = p_values(-E, SE, DF, "equivalent", margin=0.005)[1]
    assert contradict == pytest.approx(stats.t.sf((E - 0.005) / SE, 5) + stats.t.sf((E + 0.005) / SE, 5))
    assert p_values(0.0, SE, DF, "equivalent", margin=0.005)[1] == 1.0


@pytest.mark.parametrize(
    ("d", "support", "contradict", "smaller"), [(-1, 1, 0, 0), (0, 1, 1, 0), (1, 0, 1, 0), (2, 0, 1, 1), (3, 0, 1, 1)]
)
def test_without_any_scatter_the_estimate_is_the_truth(d: float, support: float, contradict: float, smaller: float) -> None:
    assert p_values(d, 0.0, 4, "higher", margin=2) == (support, contradict, smaller)


@pytest.mark.parametrize(("d", "support", "contradict"), [(0, 0, 1), (1, 0, 1), (2, 1, 1), (-3, 1, 0)])
def test_without_any_scatter_equivalence_is_the_truth_too(d: float, support: float, contradict: float) -> None:
    assert p_values(d, 0.0, 4, "equivalent", margin=2)[:2] == (support, contradict)


def test_one_seed_has_no_p_value_and_a_wrong_word_is_refused() -> None:
    assert np.isnan(p_values(1.0, math.nan, 0, "higher", 0.1)).all()
    with pytest.raises(ValueError, match="unknown expects='bigger': one of higher, lower, equivalent, higher"):
        p_values(E, SE, DF, "bigger")
    with pytest.raises(ValueError, match=r"margin=-0.1: the smallest difference that matters cannot be below zero"):
        p_values(E, SE, DF, "higher", -0.1)
    with pytest.raises(ValueError, match="expects=noninferior: needs a margin"):
        p_values(E, SE, DF, "noninferior")


@pytest.mark.parametrize(
    ("n", "look"), [(0, (0, 0)), (4, (0, 0)), (5, (1, 5)), (7, (1, 5)), (8, (2, 8)), (19, (3, 12)), (40, (4, 20))]
)
def test_the_last_look_is_the_one_that_counts(n: int, look: tuple[int, int]) -> None:
    assert USUAL.last(n) == look
    assert [each.number for each in USUAL.reached(n)] == list(range(1, look[0] + 1))


def test_the_next_look() -> None:
    assert [USUAL.next(n) for n in (0, 4, 5, 11, 12, 20)] == [5, 5, 8, 12, 20, None]


def test_finished_results_have_one_look_at_all_seeds_and_all_of_alpha() -> None:
    once = SequentialDesign(())
    assert (once.last(50), once.last(4), once.first) == (Look(1, 50), Look(0, 0), 5)
    assert once.spent(0.02, 1) == 0.02
    assert SequentialDesign((20,)).share(1) == 1.0


@pytest.mark.parametrize("looks", [(8, 5), (5, 5), (3, 8)])
def test_looks_that_do_not_ascend_from_five_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="numbers of seeds from 5 on, each larger than the one before"):
        SequentialDesign(looks)


def test_a_look_spends_its_part_of_alpha() -> None:
    """Increments of alpha t^2 (Kim and DeMets 1987) at t = 5/20, 8/20, 12/20 and 1: 1, 1.56, 3.2 and 10.24 sixteenths."""
    shares = [USUAL.share(k) for k in range(1, 5)]
    assert [16 * share for share in shares] == pytest.approx([1, 1.56, 3.2, 10.24])
    assert sum(shares) == pytest.approx(1)
    assert [USUAL.spent(ALPHA * share, k) for k, share in enumerate(shares, 1)] == pytest.approx([ALPHA] * 4)
    assert math.isnan(USUAL.spent(0.001, 0))
    assert USUAL.spent(0.9, 3) == 1.0


def test_the_support_of_an_equivalence_spends_its_alpha_late() -> None:
    """Increments of alpha t^3: 1, 3.096, 9.728 and 50.176 of 64; its contradiction spends as any other hypothesis."""
    design = USUAL.of_claim("equivalent")
    shares = [design.share(k) for k in range(1, 5)]
    assert [64 * share for share in shares] == pytest.approx([1, 3.096, 9.728, 50.176])
    assert [design.share(k, "contradict") for k in range(1, 5)] == [USUAL.share(k) for k in range(1, 5)]
    assert USUAL.of_claim("higher") == USUAL
    assert design.of_claim("noninferior") == USUAL
    p = PValues(0.003, 0.003, math.nan)
    at = PValues(ALPHA, ALPHA, ALPHA)
    assert design.shows(p, 3, at) == ["support", "contradict"]
    assert design.shows(p, 2, at) == []
    assert design.shows(PValues(0.002, 0.002), 2, at) == ["contradict"]
    assert smallest({Look(2, 8): p}, design) == pytest.approx((0.003 / (3.096 / 64), 0.003 / 0.0975, math.nan), nan_ok=True)


def test_holm_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling: 0.02, 0.03, 0.06, 0.06 (Holm 1979)."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    adjusted = holm([0.01, math.nan])
    assert adjusted[0] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])


def test_the_levels_are_those_of_holm() -> None:
    """A p value is at most its level if and only if the adjusted one is at most alpha."""
    draw = np.random.default_rng(0)
    for _ in range(200):
        p = (draw.uniform(size=6) ** 4).tolist()
        assert [one <= level for one, level in zip(p, levels(p, [True] * 6, 0.05), strict=True)] == [
            adjusted <= 0.05 for adjusted in holm(p)
        ]
    assert levels([math.nan, 0.001], [True, True], 0.05) == [0.05, 0.025]


def test_the_levels_of_support_and_of_refutation() -> None:
    """A claim that is shown to be below the margin raises no level; one that is contradicted leaves its alpha to the others."""
    p = [PValues(0.5, 0.5, 0.0001), PValues(0.02, 1, 0.5)]
    (first, adjusted), (second, _) = by_family(p, [True, True], 0.03)
    assert first == second == (0.015, 0.015, 0.015)
    assert adjusted == pytest.approx((0.5, 1.0, 0.0002))
    (_, _), (second, adjusted) = by_family([PValues(1, 0.001, 0.0005), PValues(0.3, 0.3, 0.02)], [True, True], 0.03)
    assert (second.contradict, second.below, adjusted.below) == (0.03, 0.03, 0.02)
    (alone, unadjusted), _ = by_family(p, [False, True], 0.03)
    assert (alone, unadjusted) == ((0.03, 0.03, 0.03), p[0])


def one(support: float, contradict: float = 1.0, smaller: float = 1.0) -> dict[Look, PValues]:
    return {Look(1, 9): PValues(support, contradict, smaller)}


@pytest.mark.parametrize(
    ("by_look", "verdict", "look", "real"),
    [
        ({}, "inconclusive", (0, 0), False),
        (one(0.001), "supported", (1, 9), False),
        (one(1, 0.001), "contradicted", (1, 9), False),
        (one(1, 0.001, 0.0001), "contradicted", (1, 9), False),  # a difference below zero is below the margin, too
        (one(0.001, 1, 0.001), "smaller than the margin", (1, 9), True),
        (one(0.2, 0.8, 0.001), "smaller than the margin", (1, 9), False),
        (one(0.0251), "inconclusive", (1, 9), False),
        (one(math.nan, math.nan, math.nan), "inconclusive", (1, 9), False),
    ],
)
def test_each_branch_of_a_verdict(by_look: dict[Look, PValues], verdict: str, look: Look, real: bool) -> None:
    found = conclude(by_look, AT, SequentialDesign(()))
    assert (found.verdict, found.look, found.real) == (verdict, look, real)


def test_what_was_shown_at_a_look_stays_shown_and_later_looks_add_to_it() -> None:
    looks = {Look(1, 5): PValues(0.0001, 1, 0.9), Look(2, 8): PValues(0.5, 0.5, 0.9), Look(3, 12): PValues(0.01, 1, 0.004)}
    first = dict(list(looks.items())[:2])
    assert conclude(first, AT, USUAL).verdict == "supported"
    assert conclude(first, AT, USUAL).look == (1, 5)
    found = conclude(looks, AT, USUAL)
    assert (found.verdict, found.look, found.real) == ("smaller than the margin", (3, 12), True)
    assert found.real_at == (1, 5)
    assert smallest(looks, USUAL) == pytest.approx((0.0001 * 16, 1, 0.004 / 0.2))


def test_smaller_than_the_margin_rests_on_the_look_that_showed_it() -> None:
    looks = {Look(1, 5): PValues(0.3, 0.7, 0.0001), Look(2, 8): PValues(0.1, 0.9, 0.2), Look(3, 12): PValues(0.001, 1, 0.4)}
    found = conclude(looks, AT, USUAL)
    assert (found.verdict, found.look, found.real_at) == ("smaller than the margin", (1, 5), (3, 12))


def test_the_opposite_at_a_later_look_does_not_replace_a_verdict_but_is_told() -> None:
    found = conclude({Look(1, 5): PValues(0.0001, 1, 1), Look(2, 8): PValues(1, 0.0001, 0.0001)}, AT, USUAL)
    assert (found.verdict, found.reversed_at) == ("supported", (2, 8))
    found = conclude({Look(1, 5): PValues(1, 0.0001, 1), Look(2, 8): PValues(0.0001, 1, 1)}, AT, USUAL)
    assert (found.verdict, found.look, found.reversed_at) == ("contradicted", (1, 5), (2, 8))


def test_all_of_several_and_any_of_several() -> None:
    assert (intersection([0.01, 0.03]), union([0.01, 0.03])) == (0.03, 0.02)
    assert math.isnan(intersection([0.01, math.nan]))
    assert math.isnan(union([]))
    assert PValues(0.1, 0.2, 0.3).worst(PValues(0.2, 0.1, math.nan))[:2] == (0.2, 0.2)


def false_verdicts(expects: str, d: float, claims: int, studies: int = 1500) -> float:
    """The share of studies with a false verdict on some claim at some look. The margin and the deviation are 1."""
    draws = np.random.default_rng([claims, int(d) + 1]).normal(d, 1, (studies, claims, LOOKS[-1]))
    borders = {"higher": 0, "lower": 0, "higher by the margin": 1, "noninferior": -1}
    at = borders.get(expects, 0)
    equal = expects == "equivalent"
    sign = -1 if expects == "lower" else 1
    false = {
        "supported": abs(d) >= 1 if equal else sign * d <= at,
        "contradicted": abs(d) <= 1 if equal else sign * d >= at,
        "smaller than the margin": sign * d >= 1,
    }
    by_look = []
    for number, n in enumerate(LOOKS, 1):
        seen = draws[..., :n]
        p = p_values(seen.mean(-1), seen.std(-1, ddof=1) / math.sqrt(n), n - 1, expects, 1.0)
        by_look.append((Look(number, n), p))
    wrong = 0
    for study in range(studies):
        of_claims = [
            {look: PValues(*(float(values[study, claim]) for values in p)) for look, p in by_look} for claim in range(claims)
        ]
        at = by_family([smallest(each, USUAL) for each in of_claims], [True] * claims)
        found = [conclude(each, level, USUAL) for each, (level, _) in zip(of_claims, at, strict=True)]
        wrong += any(false.get(each.verdict, False) or (each.real and false["supported"]) for each in found)
    return wrong / studies


@pytest.mark.parametrize("claims", [1, 6])
@pytest.mark.parametrize("d", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("expects", ["higher", "lower", "equivalent", "noninferior", "higher by the margin"])
def test_false_verdicts_are_rare_over_all_looks(expects: str, d: float, claims: int) -> None:
    """1500 studies each: a true rate of 5 % would show 6.4 % once in a hundred tests."""
    assert false_verdicts(expects, d, claims, 1500 if claims == 1 else 500) <= 0.06
