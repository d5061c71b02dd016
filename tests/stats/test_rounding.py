"""Rounded metrics: their step, and the interval of every estimate whose seeds all lie within one step."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.cells import Cell
from ablate.core.claims import Change
from ablate.core.metrics import MetricSpec
from ablate.stats import attribution, contrasts
from ablate.stats.blocks import analyze, by_block
from ablate.stats.comparisons import compare_with_baseline, differences
from ablate.stats.estimates import Estimate, student
from ablate.stats.judge import Judgement, judge
from ablate.stats.marginal_means import interaction_means
from ablate.stats.outcomes import Outcomes
from ablate.stats.power import decidable_margin, noise_table
from ablate.stats.prediction import prediction
from ablate.stats.rounding import COPIES, Step, at_resolution, resolution
from ablate.stats.simultaneous import simultaneous
from tests.stats.conftest import outcomes, results_of, study

OURS = Change.of("method", "base", "ours")
HALF = stats.t.ppf(0.975, 4) * 0.05  # of the interval of five seeds, the step being 0.1


def size_of(values: pd.DataFrame) -> float | None:
    step = resolution(values)
    return None if step is None else step.size


def of(*values: float) -> Estimate:
    by_seed = pd.Series(values)
    return Estimate("simple", (), by_seed, *student(by_seed))


def rounded(seeds: int = 5, **factors: list) -> Outcomes:
    """Every seed of `ours` is one step above `base`, whatever the other factors."""
    levels = {"method": ["base", "ours"], **factors}
    return outcomes(
        study(levels, lambda of, seed: round(93.0 + 0.1 * (seed % 3) + 0.1 * (of["method"] == "ours"), 1), seeds=seeds)
    )


@pytest.mark.parametrize(
    ("values", "step"), [([93.1, 93.0], 0.1), ([5.0, 4.0], 1.0), ([0.123456], 1e-6), ([1 / 3], None), ([math.nan], None),
     ([3e-10, 5e-10, 8e-10], None), ([3e-10, 5e-10, 7e-10], pytest.approx(2e-10))]
)  # fmt: skip
def test_the_resolution_of_a_metric(values: list[float], step: float | None) -> None:
    assert size_of(pd.DataFrame({"a": values})) == step


def test_differences_within_one_step_are_as_uncertain_as_the_step() -> None:
    flat, wide = of(0.1, 0.1, 0.1), of(0.1, 0.3, 0.2)
    assert at_resolution(flat, Step(0.1)).se == pytest.approx(0.05)
    assert at_resolution(flat, None) is flat
    assert at_resolution(wide, Step(0.1)) is wide


@pytest.mark.parametrize("d", [0.01, 0.02, 0.05, 0.3, 0.9])
def test_rounding_alone_shows_a_difference_above_the_true_one_in_two_percent_at_most(d: float) -> None:
    """Without noise every seed has the same two rounded values, so that no number of seeds helps: here, infinitely many."""
    level = np.random.default_rng(0).random(100_000)
    seen = np.round(level + d) - np.round(level)
    assert ((seen - d) / at_resolution(of(1.0, 1.0, 1.0), Step(1.0)).se > stats.norm.ppf(0.975)).mean() <= 0.021


def test_an_average_of_strata_that_scatter_by_more_than_a_step_keeps_its_standard_error() -> None:
    """The averages lie within one step, since averaging made them so; t over the seeds is right there."""
    first, second = [0.0, 1.0, 2.0, 1.0], [2.0, 1.0, 0.0, 2.0]
    average = of(*np.mean([first, second], axis=0))
    assert at_resolution(average, Step(1.0), strata=[first, second]) is average
    assert at_resolution(average, Step(1.0), strata=[[1.0, 1.0, 1.0, 2.0]] * 2).se == 0.5
    gained = {"a": [0, 1, 2, 1, 0], "b": [2, 1, 0, 1, 1]}
    levels = {"method": ["base", "ours"], "task": ["a", "b"]}
    runs = outcomes(
        study(levels, lambda of, seed: 90.0 + seed % 3 + (of["method"] == "ours") * gained[of["task"]][seed], seeds=5)
    )
    found = contrasts.contrast(runs, OURS)
    assert np.ptp(found.by_seed) <= 1.0
    assert found.se == pytest.approx(stats.sem(found.by_seed))
    assert not found.note


def test_pairs_that_are_all_equal_stay_as_they_are() -> None:
    by_seed = pd.Series([0.0, 0.0, 0.0])
    same = Estimate("simple", (), by_seed, *student(by_seed), identical=True)
    assert at_resolution(same, Step(0.1)) is same


def test_every_estimate_has_the_step_as_its_uncertainty() -> None:
    """Zero width was the interval of each of these."""
    runs, ends = rounded(), pytest.approx((0.1 - HALF, 0.1 + HALF))
    cells = {str(cell): cell for cell in runs.cells}
    (against,) = compare_with_baseline(runs, cells)
    assert against.estimate.interval() == ends
    assert against.p == pytest.approx(2 * stats.t.sf(2, 4))
    assert against.simultaneous == ends
    (contrast,) = contrasts.every_contrast(runs)
    assert contrast.interval() == ends
    assert contrast.note.startswith("all seeds lie within one rounding step of the metric (0.1)")
    assert simultaneous([contrast, contrast])[0] == pytest.approx(
        (0.1 - 0.05 * stats.t.ppf(1 - 0.025 / 2, 4), 0.1 + 0.05 * stats.t.ppf(1 - 0.025 / 2, 4))
    )
    shares = attribution.attribution(runs, {"ours": [OURS]})
    assert (shares["low"].iloc[0], shares["high"].iloc[0]) == ends


def test_strata_their_average_and_the_means_of_two_factors_have_it() -> None:
    runs = rounded(size=["s", "l"])
    for each in [*contrasts.by_stratum(runs, [OURS]), contrasts.contrast(runs, OURS)]:
        assert each.interval() == pytest.approx((0.1 - HALF, 0.1 + HALF))
    flat = outcomes(study({"method": ["base", "ours"], "size": ["s", "l"]}, lambda levels, seed: 93.1 if seed else 93.2))
    means = interaction_means(flat, "method", "size").means
    assert (means["high"] - means["low"]).tolist() == pytest.approx([2 * HALF] * 4)


def test_unpaired_arms_that_do_not_vary_have_it() -> None:
    rows = study({"method": ["base", "ours"]}, lambda levels, seed: 93.1 + 0.1 * (levels["method"] == "ours"), seeds=10)
    runs = outcomes(rows[(rows["method"] == "ours") == (rows["seed"] < 5)])
    found = contrasts.contrast(runs, OURS)
    assert found.interval() == pytest.approx((0.1 - HALF, 0.1 + HALF))
    assert "; all runs of each arm lie within one rounding step of the metric (0.1)" in found.note
    cells = {str(cell): cell for cell in sorted(runs.cells, key=str)}
    assert differences(runs, cells)["method=ours"].interval() == pytest.approx(found.interval())


def test_blocks_have_it_one_by_one_and_together() -> None:
    runs = rounded(3, data=["a", "b", "c", "d", "e"])
    found = analyze(runs, "data", OURS)
    assert (found.like_these.low, found.like_these.high) == pytest.approx((0.1 - HALF, 0.1 + HALF))
    half = stats.t.ppf(0.975, 2) * 0.05
    assert found.rows[runs.factors["data"].levels[0]].interval() == pytest.approx((0.1 - half, 0.1 + half))
    assert found.these.high - found.these.low == pytest.approx(2 * stats.t.ppf(0.975, 10) * 0.05 / math.sqrt(5))
    constant = outcomes(
        study({"data": list("abcde"), "method": ["base", "ours"]}, lambda at, _: 93.1 + 0.1 * (at["method"] == "ours"))
    )
    arms = analyze(constant, "data", OURS).iqm
    assert [end for each in arms for end in (each.low, each.high)] == pytest.approx([93.05, 93.15, 93.15, 93.25])
    assert contrasts.contrast(by_block(runs, "data"), OURS).interval() == pytest.approx((0.1 - HALF, 0.1 + HALF))
    scaled = analyze(runs, "data", OURS, bounds=dict.fromkeys("abcde", (90.0, 100.0)))
    assert (scaled.like_these.low, scaled.like_these.high) == pytest.approx((0.01 - HALF / 10, 0.01 + HALF / 10))


def test_a_ratio_has_the_step_relative_to_the_values() -> None:
    """Five epochs before and four after the change, in every seed: 0.8, within [0.59, 1.09]."""
    runs = outcomes(study({"method": ["base", "ours"]}, lambda levels, seed: 5.0 - (levels["method"] == "ours"), seeds=5))
    found = contrasts.contrast(runs, OURS, scale="ratio")
    assert Step(1.0).relative_to([5.0, 4.0]).size == pytest.approx((1 / 5 + 1 / 4) / 2)
    half = stats.t.ppf(0.975, 4) * (1 / 5 + 1 / 4) / 4
    assert found.numbers()["low"] == pytest.approx(0.8 * math.exp(-half))
    assert found.numbers()["high"] == pytest.approx(0.8 * math.exp(half))


def test_more_seeds_do_not_make_a_rounded_metric_finer() -> None:
    row = noise_table(rounded(), [OURS]).iloc[0]
    assert row["sd"] == pytest.approx(0.0, abs=1e-9)
    assert math.isnan(row["sd_high"])
    assert row["margin"] > 0.1
    fine, coarse = (decidable_margin(1e-9, 20, least_se=least) for least in (0.0, 0.05))
    assert fine < 1e-8
    assert coarse > 0.05 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8))


def test_a_published_figure_one_step_away_is_inside() -> None:
    seen = [93.1] * 20
    assert not prediction(seen, 93.2)["inside"]
    assert prediction(seen, 93.2, least_se=0.05)["inside"]
    assert not prediction(seen, 93.4, least_se=0.05)["inside"]


def test_without_rounding_nothing_changes() -> None:
    draw: Callable[[dict, int], float] = lambda levels, seed: math.sin(seed) + (levels["method"] == "ours")  # noqa: E731
    runs = outcomes(study({"method": ["base", "ours"]}, draw))
    assert runs.step is None
    assert contrasts.contrast(runs, OURS).least_se == 0
    assert Cell.of({"method": "ours"}) in runs.cells


def test_fractions_of_items_have_the_step_of_one_item() -> None:
    """Accuracies on 277 images: gaps of one, two and four images."""
    assert size_of(pd.DataFrame({"a": [251 / 277, 250 / 277], "b": [254 / 277, 258 / 277]})) == pytest.approx(1 / 277)
    assert size_of(pd.DataFrame({"a": [0.9123456789, 0.913355], "b": [0.914000123, math.nan]})) is None
    assert size_of(pd.DataFrame({"a": [1 / 3, 1 / 3], "b": [2 / 3, 2 / 3]})) is None  # two values without noise


def test_one_more_item_in_every_seed_is_as_uncertain_as_one_item() -> None:
    """The interval had the width 0, and p was below 0.0001."""
    runs = outcomes(
        study({"method": ["base", "ours"]}, lambda of, seed: (250 + 3 * seed + (of["method"] == "ours")) / 277, seeds=5)
    )
    found = contrasts.contrast(runs, OURS)
    half = stats.t.ppf(0.975, 4) / 277 / 2
    assert found.interval() == pytest.approx((1 / 277 - half, 1 / 277 + half))


@pytest.mark.parametrize("items", [277, 360, 1000, 3333])
def test_the_step_of_fractions_in_single_precision_is_that_of_double(items: int) -> None:
    correct = 0.9 * items + np.random.default_rng(items).integers(0, items // 12, 30)
    values = pd.DataFrame({"a": np.round(correct) / items})
    single = values.astype(np.float32).astype(float)
    assert size_of(single) == pytest.approx(size_of(values), rel=1e-3)
    assert size_of(pd.DataFrame({"a": [float(np.float32(93.1)), 93.0, float(np.float32(93.4))]})) == 0.1


def test_numbers_in_single_precision_that_are_not_rounded_have_no_step() -> None:
    draw = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 50.0, 1e4):
        found = [size_of(pd.DataFrame({"a": (scale * draw.random(6)).astype(np.float32).astype(float)})) for _ in range(50)]
        assert sum(step is not None for step in found) <= 1


def test_one_item_more_in_every_seed_shows_nothing_in_single_precision_either() -> None:
    rows = study(
        {"method": ["base", "ours"]}, lambda of, seed: float(np.float32((250 + 3 * seed + (of["method"] == "ours")) / 277))
    )
    found = contrasts.contrast(outcomes(rows), OURS)
    assert found.least_se == pytest.approx(1 / 554, rel=1e-3)


def judged(
    first: list[float],
    second: list[float],
    expects: str = "higher",
    margin: float | None = None,
    scale: str = "difference",
    **spec: Any,
) -> Judgement:
    rows = study({"method": ["base", "ours"]}, lambda at, seed: (second if at["method"] == "ours" else first)[seed], len(first))
    claim = {"id": "A", "says": "it is", "kind": "contrast", "contrast": {"factor": "method", "from": "base", "to": "ours"}}
    claim |= {"expects": expects, "metric": "accuracy", "scale": scale} | ({} if margin is None else {"margin": margin})
    found = results_of(rows, metrics=[MetricSpec("accuracy", better="higher", **spec)], claims=[claim])
    (one,) = judge(found.claims(), found)
    return one


@pytest.mark.parametrize(("first", "second"), [(0.8133333492279053, 0.8166666626930237), (0.9012, 0.9123)])
def test_runs_that_are_equal_under_all_seeds_count_as_one(first: float, second: float) -> None:
    """As if the program ignored its seed: five copies of one run show nothing."""
    found = judged([first] * 5, [second] * 5)
    assert (found.verdict, found.reason) == ("inconclusive", f"{COPIES}: they count as one")
    assert found.estimate is not None
    assert np.isnan(found.estimate.interval()).all()
    assert judged([1000] * 5, [1200] * 5).verdict == "supported"  # parameters: equal by construction
    found = judged([0.9, 0.91, 0.93, 0.9, 0.95], [0.93, 0.94, 0.96, 0.93, 0.98])  # the arms vary, their difference does not
    assert found.verdict == "supported"


def test_copies_of_any_value_count_as_one_in_every_estimate() -> None:
    """The mean of five equal numbers is one unit in the last place away from them for some: that is no scatter."""
    levels = {"method": ["base", "ours"], "wd": ["0", "1"]}
    generator = np.random.default_rng(0)
    for _ in range(20):
        value = {(a, b): float(generator.random()) for a in levels["method"] for b in levels["wd"]}
        found = outcomes(study(levels, lambda at, seed, value=value: value[at["method"], at["wd"]], 5))
        interaction = contrasts.interaction(found, OURS, Change.of("wd", "0", "1"))
        of_cells = contrasts.means_by_cell(found)
        for each in (contrasts.contrast(found, OURS), *contrasts.by_stratum(found, [OURS]), interaction, *of_cells):
            assert (np.isnan(each.se), COPIES in each.note) == (True, True)


@pytest.mark.parametrize("scale", ["difference", "ratio"])
def test_what_is_a_copy_does_not_depend_on_the_scale_of_the_claim(scale: str) -> None:
    """Logarithms have no steps: numbers of parameters were copies, and a metric near one, whose logarithm is near zero, not."""
    for first, second in ((1000, 1200), (11_000_123, 12_000_457)):  # equal by construction
        assert judged([first] * 5, [second] * 5, scale=scale).verdict == "supported"
    for first, second in ((1.0012, 1.0234), (2.001, 2.301), (0.9991, 0.9995)):
        found = judged([first] * 8, [second] * 8, scale=scale)
        assert (found.verdict, found.reason) == ("inconclusive", f"{COPIES}: they count as one")


@pytest.mark.parametrize("common", [0, 1, 3])
def test_copies_in_strata_that_have_their_own_seeds_count_as_one(common: int) -> None:
    """Without the cells, their difference had the standard error 0, and p was below 0.0001."""
    levels = {"method": ["base", "ours"], "task": ["a", "b"], "wd": ["0", "1"]}
    generator = np.random.default_rng(1)
    value = {(a, b, c): float(generator.random()) for a in levels["method"] for b in levels["task"] for c in levels["wd"]}
    rows = study(levels, lambda at, _: value[at["method"], at["task"], at["wd"]], seeds=12)
    own = outcomes(rows[np.where(rows["task"] == "a", rows["seed"] < 6, rows["seed"] >= 6 - common)])
    for found in (contrasts.contrast(own, OURS), contrasts.interaction(own, OURS, Change.of("wd", "0", "1"))):
        assert "each stratum over its own seeds" in found.note
        assert (np.isnan(found.se), COPIES in found.note) == (True, True)


@pytest.mark.parametrize("n", [5, 6, 8, 12])
def test_success_or_failure_has_about_the_p_value_of_the_exact_test(n: int) -> None:
    """McNemar's: the binomial test of n pairs that all improve."""
    found = judged([0] * n, [1] * n)
    assert found.p == pytest.approx(stats.binomtest(n, n, alternative="greater").pvalue, rel=0.9)
    assert (found.verdict == "supported") == (n > 5)
    assert judged([0] * 19 + [1], [1] * 19 + [0]).p > judged([0] * 20, [1] * 20).p  # one pair that worsens does not help
    assert "even 1000 seeds" not in judged([0] * n, [1] * n, margin=0.1).reason  # the error is none of rounding


@pytest.mark.parametrize(("n", "values"), [(8, (0, 1)), (10, (0, 1)), (8, (3, 4))])
def test_pairs_that_differ_by_one_step_are_rarely_called_different(n: int, values: tuple[int, int]) -> None:
    """Of 8 pairs, 7 that improve and 1 that worsens had p = 0.01, and the exact test of McNemar has 0.035."""
    low, high = values
    larger: dict[tuple[int, int], bool] = {}
    for better in range(n + 1):
        for worse in range(n + 1 - better):
            equal = [low] * (n - better - worse)
            first, second = [low] * better + [high] * worse + equal, [high] * better + [low] * worse + equal
            larger[better, worse] = judged([*first], [*second]).verdict == "supported"
    for share in (0.3, 0.5, 0.7, 0.9, 1.0):  # of the pairs that differ
        chance = stats.multinomial(n, [share / 2, share / 2, 1 - share])
        wrong = sum(chance.pmf([a, b, n - a - b]) for (a, b), shown in larger.items() if shown)
        assert wrong <= 0.025
    assert larger[n, 0] == (values == (0, 1))  # of a metric in steps of one, that may be what is left of less than a step
    assert not larger[7, 1]


@pytest.mark.parametrize("scale", ["difference", "ratio"])
def test_pairs_that_differ_by_one_step_do_so_on_the_scale_of_ratios(scale: str) -> None:
    """From 5 to 4 is more than the relative step at the mean of all values: four such pairs of ten were supported, p = 0.018."""
    found = judged([5] * 10, [4] * 4 + [5] * 6, "lower", scale=scale)
    assert (found.verdict, "within one rounding step" in found.reason) == ("inconclusive", True)
    found = judged([5, 5, 5, 4, 5], [5, 4, 5, 5, 5], "lower", scale=scale)
    assert found.estimate is not None
    step = 1 if scale == "difference" else (1 / 4 * 2 + 1 / 5 * 8) / 10
    assert found.estimate.by_steps == pytest.approx(step)


def test_success_averaged_over_strata_has_the_step_of_one_of_them() -> None:
    """With a whole step up and down, 16 of 200 such averages over four tasks excluded zero, and 172 by their t test."""
    levels = {"method": ["base", "ours"], "task": list("abcd")}
    gained = [2, 3, 1, 2, 3, 2, 1, 2]  # tasks of four that succeed only after the change
    after = [int(seed == 4) for seed in range(8)]  # that succeed before it
    rows = study(
        levels,
        lambda at, seed: float("abcd".index(at["task"]) < after[seed] + (at["method"] == "ours") * gained[seed]),
        seeds=8,
    )
    found = contrasts.contrast(outcomes(rows), OURS)
    more = np.array([*gained, 1, -1]) / 4
    assert found.se == pytest.approx(more.std(ddof=1) * np.sqrt(10) / 8)
    assert found.interval()[0] > 0


def test_success_in_strata_without_common_seeds_has_an_error() -> None:
    rows = study({"method": ["base", "ours"], "task": ["a", "b"]}, lambda at, seed: float(at["method"] == "ours"), seeds=10)
    found = contrasts.contrast(outcomes(rows[(rows["seed"] < 5) == (rows["task"] == "a")]), OURS)
    assert (found.estimate, found.n, found.se) == (1, 5, pytest.approx(2 / 5))


def test_rates_of_success_in_blocks_are_compared_by_the_paired_t_of_the_rates() -> None:
    """A rate over eight seeds is not 0 or 1: the scatter of its differences over blocks is their uncertainty."""
    gained = [3, 4, 2, 5, 3, 4, 6, 3]  # seeds of eight that succeed only after the change
    levels = {"method": ["base", "ours"], "task": list("abcdefgh")}
    runs = outcomes(
        study(
            levels, lambda of, seed: float(seed < 1 + (of["method"] == "ours") * gained["abcdefgh".index(of["task"])]), seeds=8
        )
    )
    test = stats.ttest_1samp(np.array(gained) / 8, 0).confidence_interval()
    assert contrasts.contrast(by_block(runs, "task"), OURS).interval() == pytest.approx(tuple(test))
    for bounds in (None, dict.fromkeys("abcdefgh", (0.0, 1.0))):
        found = analyze(runs, "task", OURS, bounds=bounds)
        assert (found.like_these.low, found.like_these.high) == pytest.approx(tuple(test))
        before = found.iqm[0]
        assert before.high - before.low < 0.5  # the bootstrap's own
    single = by_block(outcomes(study(levels, lambda of, seed: float(of["method"] == "ours"), seeds=1)), "task")
    assert contrasts.contrast(single, OURS).se == pytest.approx(2 / 8)  # one run in each block is 0 or 1


@pytest.mark.parametrize(("blocks", "seeds"), [(5, 2), (6, 3), (8, 8)])
def test_equal_rates_of_success_in_all_blocks_are_as_uncertain_as_one_run(blocks: int, seeds: int) -> None:
    """They were called copies of one run in the verdict, and had an interval without width in the means over blocks."""
    levels = {"method": ["base", "ours"], "task": list("abcdefgh")[:blocks]}
    runs = outcomes(study(levels, lambda of, _: float(of["method"] == "ours"), seeds))
    half = stats.t.ppf(0.975, blocks - 1) / seeds / 2
    found = contrasts.contrast(by_block(runs, "task"), OURS)
    assert COPIES not in found.note
    assert found.interval() == pytest.approx((1 - half, 1 + half))
    of_blocks = analyze(runs, "task", OURS).like_these
    assert (of_blocks.low, of_blocks.high) == pytest.approx((1 - half, 1 + half))


def test_a_step_that_is_no_power_of_ten_is_found_if_that_is_no_accident() -> None:
    generator = np.random.default_rng(0)
    level = generator.normal(80, 8, (20, 2))
    for step in (5.0, 0.5, 0.002):
        assert size_of(pd.DataFrame(np.round(level) * step)) == pytest.approx(step)
    assert size_of(pd.DataFrame({"a": [100, 105] * 10, "b": [105] * 20})) == 5
    assert size_of(pd.DataFrame({"a": [100] * 5, "b": [105] * 5})) == 1  # two configurations without noise
    assert size_of(pd.DataFrame({"a": [0.81, 0.83, 0.85], "b": [0.83, 0.83, 0.85]})) == 0.01


@pytest.mark.parametrize("expects", ["equivalent", "noninferior", "higher by the margin"])
def test_an_arm_that_never_reaches_its_target_has_no_bound(expects: str) -> None:
    reached = [8.0, 8.5, 9.0, 8.2, 8.8, 9.1, 8.4, 8.6]
    found = judged(reached, [math.nan] * 8, expects, 3, limit=10)
    assert found.verdict == "inconclusive"
    assert "most runs of one arm did not reach the target within the limit of 10" in found.reason
    assert judged(reached, [math.nan] * 8, limit=10).verdict == "supported"  # that it takes longer is shown
