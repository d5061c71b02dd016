"""Planning of claims: what is refused, what is said before a sweep, and when a study may stop."""

from typing import Any

import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from ablate.core.claims import Claim
from ablate.core.errors import ClaimError
from ablate.core.levels import Factor, Level
from ablate.stats.claim_planning import plan_claims, seeds_wanted
from ablate.stats.judge import judge
from tests.stats.conftest import noise, results_of, study

FACTORS = {"x": Factor.of("x", [1, 2])}


def claim(name: str = "A", **keys: Any) -> Claim:
    given = {"id": name, "says": "s", "kind": "contrast", "metric": "score", "expects": "higher"}
    if keys.get("kind", "contrast") == "contrast":
        given["contrast"] = {"factor": "x", "from": 1, "to": 2}
    else:
        del given["expects"]
    return Claim.parse(given | keys)


def test_what_a_claim_needs_is_said_before_the_sweep() -> None:
    said = plan_claims([claim(needs={"budget": "long"})], FACTORS, {"budget": Level.of("quick")}, 5)
    assert said == ["A will not be tested: it needs budget=long; this study has budget=quick."]


def test_the_minimum_detectable_effect_of_the_look_is_said() -> None:
    """By statsmodels, at alpha 0.025 / 4^2 for the first look (4^3 of an equivalence), halved for two claims."""
    margin = TTestPower().solve_power(nobs=5, alpha=0.025 / 16 / 2, power=0.8, alternative="larger")
    equivalent = TTestPower().solve_power(nobs=5, alpha=0.025 / 64 / 2, power=0.9, alternative="larger")
    assert stats.nct.sf(stats.t.isf(0.025 / 32, 4), 4, margin * 5**0.5) == pytest.approx(0.8)
    said = plan_claims([claim(), claim("B"), claim("C", primary=False)], FACTORS, {}, 7)
    assert said == [
        f"Minimum detectable effect at 5 seeds (2 primary claims, 80 % power): {margin:.1f} standard deviations of the paired "
        f"differences; smallest margin of an equivalence: {equivalent:.1f}."
    ]


def test_below_the_first_look_no_verdict_is_promised() -> None:
    assert plan_claims([claim()], FACTORS, {}, 4) == ["No verdict below 5 seeds: use study.seeds=5, or study.until=decided."]


def test_a_number_that_has_to_match_needs_no_seeds() -> None:
    exact = claim(kind="exact", value=3, metric="parameters")
    assert plan_claims([exact], FACTORS, {}, 1) == []
    (line,) = plan_claims([exact, claim("B")], FACTORS, {}, 5)
    assert line.startswith("Minimum detectable effect at 5 seeds (1 primary claim,")


def test_a_claim_that_the_study_cannot_test_is_refused() -> None:
    with pytest.raises(ClaimError, match="claim A: y is not a factor of this study"):
        plan_claims([claim(contrast={"factor": "y", "from": 1, "to": 2})], FACTORS, {}, 5)
    with pytest.raises(ClaimError, match="claim A: unknown metric 'other'; available: score"):
        plan_claims([claim(metric="score - other")], FACTORS, {}, 5, ["score"])


def rows(gain: float) -> Any:
    draw = noise(0.1)
    return study({"x": [1, 2]}, lambda levels, seed: gain * (levels["x"] == 2) + draw(levels, seed), 5, metric="score")


@pytest.mark.parametrize(("seeds", "wanted"), [(1, 5), (4, 5), (5, 8), (8, 12), (20, 0)])
def test_an_undecided_study_goes_on_to_its_next_look(seeds: int, wanted: int) -> None:
    undecided = results_of(rows(0.0), factors={"x": [1, 2]})
    assert seeds_wanted([claim()], undecided, seeds) == wanted


def test_a_study_stops_when_every_primary_claim_is_decided() -> None:
    results = results_of(rows(3.0), factors={"x": [1, 2]})
    secondary, untestable = claim("B", expects="equivalent", margin=3, primary=False), claim("C", needs={"budget": "long"})
    assert seeds_wanted([claim(), secondary, untestable], results, 5) == 0
    assert seeds_wanted([claim(), claim("B", expects="equivalent", margin=3)], results, 5) == 8


def test_no_seeds_are_added_for_a_number_that_has_to_match() -> None:
    """A lost run leaves it undecided, and more seeds do so too."""
    lost = rows(3.0).assign(parameters=3.0)
    lost.loc[0, "status"] = "failed"
    exact = claim("B", kind="exact", value=3, metric="parameters")
    assert judge([exact], results_of(lost, factors={"x": [1, 2]}))[0].verdict == "inconclusive"
    assert seeds_wanted([exact], results_of(lost, factors={"x": [1, 2]}), 5) == 0


def test_over_blocks_their_number_counts() -> None:
    """By statsmodels, at the whole of alpha: one look."""
    factors = {**FACTORS, "task": Factor.of("task", list("abcdef"))}
    margin = TTestPower().solve_power(nobs=6, alpha=0.025, power=0.8, alternative="larger")
    (line,) = plan_claims([claim(where={"task": ["a", "b"]})], factors, {}, 3, block="task")
    assert line.startswith(
        f"Minimum detectable effect at 6 blocks (1 primary claim, 80 % power): {margin:.1f} standard deviations of the "
        "differences in the blocks;"
    )
    few = {**FACTORS, "task": Factor.of("task", list("abcd"))}
    assert plan_claims([claim()], few, {}, 20, block="task") == ["No verdict below 5 blocks: task has 4 levels."]
    with pytest.raises(ClaimError, match="claim A: task is a block of this study, and a claim cannot be about a change of it"):
        plan_claims([claim(contrast={"factor": "task", "from": "a", "to": "b"})], factors, {}, 5, block="task")
