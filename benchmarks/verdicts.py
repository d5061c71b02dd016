"""How often the intervals hold the truth, and how often a verdict is false, in simulated studies: rules before and now.

    python benchmarks/verdicts.py > benchmarks/verdicts.md     5,000 studies a figure, a few minutes
    python benchmarks/verdicts.py --quick                      1,000

Prints Markdown tables. "Before" are the rules of the first versions: looks at alpha / (k (k + 1)), `contradicted` against the
margin, equivalence of averages, lost runs dropped. A study is a factorial of two factors with two levels each. Its noise is

- `normal`;
- `skewed`: log-normal, all cells alike;
- `unequal`: normal, the standard deviations of the arms are as 1 to 3;
- `one arm skewed`: one arm normal, the other log-normal towards the bad side, both with the same standard deviation;
- `one arm collapsing`: the same, but nearly all of the variance is in the skewed arm, which the t test does not allow for;
- `unequally paired`: the levels of the second factor share most of their noise under one seed, those of the first nothing.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ablate.core.claims import Change, HowPublished
from ablate.core.levels import Factor
from ablate.stats.contrasts import contrast, interaction, main_effect
from ablate.stats.decision_rules import (
    ALPHA,
    LOOKS,
    Look,
    PValues,
    SequentialDesign,
    by_family,
    conclude,
    p_values,
    smallest,
)
from ablate.stats.estimates import Estimate
from ablate.stats.heterogeneity import heterogeneity
from ablate.stats.outcomes import Outcomes, product
from ablate.stats.prediction import prediction
from ablate.stats.simultaneous import critical_value

DESIGN = SequentialDesign()
Numbers = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Numbers]

FACTORS = {"first": Factor.of("first", ["a", "b"]), "second": Factor.of("second", ["x", "y"])}
FIRST, SECOND = Change.of("first", "a", "b"), Change.of("second", "x", "y")
CELLS = {cell: column for column, cell in enumerate(product(FACTORS))}
WEIGHTS = {"first": [-0.5, -0.5, 0.5, 0.5], "second": [-0.5, 0.5, -0.5, 0.5], "interaction": [1, -1, -1, 1]}
MIXED = "higher; three claims at 0, three at +margin"
SDS = (0.3, 1.0, 3.0)  # of the paired differences, in margins: the worst of the three is shown


def long_tailed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    """Log-normal noise with mean 0 and standard deviation 1."""
    draws = generator.lognormal(0, 1, shape)
    return (draws - math.exp(0.5)) / math.sqrt((math.e - 1) * math.e)


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return generator.normal(size=(*shape, 4))


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return long_tailed(generator, (*shape, 4))


def one_arm_skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    draws = generator.normal(size=(*shape, 4))
    draws[..., 2:] = -long_tailed(generator, (*shape, 2))
    return draws


def one_arm_collapsing(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return one_arm_skewed(generator, shape) * np.array([0.3, 0.3, 1, 1])


def unequal(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    return generator.normal(size=(*shape, 4)) * np.array([1, 1, 3, 3])


def unequally_paired(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    shared = generator.normal(size=(*shape, 2, 1)).repeat(2, axis=-1).reshape(*shape, 4)
    return shared + 0.5 * generator.normal(size=(*shape, 4))


NOISES: dict[str, Noise] = {
    "normal": normal,
    "skewed": skewed,
    "unequal": unequal,
    "one arm skewed": one_arm_skewed,
    "one arm collapsing": one_arm_collapsing,
    "unequally paired": unequally_paired,
}


def intervals(draws: Numbers, weight: Numbers, pooled: bool) -> tuple[Numbers, Numbers]:
    """Estimates and half-widths for studies (studies, seeds, cells): the library's formulas, many studies at once."""
    n, cells = draws.shape[1:]
    by_seed = draws @ weight
    if not pooled:
        return by_seed.mean(1), stats.t.ppf(0.975, n - 1) * by_seed.std(1, ddof=1) / math.sqrt(n)
    rest = draws - draws.mean(1, keepdims=True) - draws.mean(2, keepdims=True) + draws.mean((1, 2), keepdims=True)
    df = (n - 1) * (cells - 1)
    variance = (rest**2).sum((1, 2)) / df * (weight**2).sum() / n
    return by_seed.mean(1), stats.t.ppf(0.975, df) * np.sqrt(variance)


def check_against_the_library(draws: Numbers) -> None:
    """The formulas above are those of the library, on the first few studies."""
    for study in draws[:5]:
        nothing = pd.DataFrame(np.zeros(study.shape, bool))
        outcomes = Outcomes(pd.DataFrame(study), nothing, nothing, CELLS, FACTORS)
        for found, name, pooled in (
            (contrast(outcomes, FIRST), "first", False),
            (main_effect(outcomes, SECOND), "second", True),
            (interaction(outcomes, FIRST, SECOND), "interaction", False),
            (interaction(outcomes, FIRST, SECOND, pooled=True), "interaction", True),
        ):
            estimate, half = intervals(study[None], np.array(WEIGHTS[name]), pooled)
            np.testing.assert_allclose(found.interval(), [estimate[0] - half[0], estimate[0] + half[0]])


def coverage(studies: int) -> pd.DataFrame:
    """How many 95 % intervals hold the truth, in %."""
    rows = []
    for number, (name, noise) in enumerate(NOISES.items()):
        for n in (5, 8, 12):
            draws = noise(np.random.default_rng([1, number, n]), (studies, n))
            check_against_the_library(draws)
            row: dict[str, str] = {"noise": name, "n": str(n)}
            for title, weight, pooled in (
                ("contrast, paired t", "first", False),
                ("interaction, paired t", "interaction", False),
                ("first main effect, pooled", "first", True),
                ("second main effect, pooled", "second", True),
                ("interaction, pooled", "interaction", True),
            ):
                estimate, half = intervals(draws, np.array(WEIGHTS[weight], float), pooled)
                row[title] = f"{100 * float((np.abs(estimate) <= half).mean()):.1f}"
            rows.append(row)
    return pd.DataFrame(rows)


def p_of(drawn: Numbers, d: float, expects: str, margin: float = 1.0) -> Numbers:
    """The p values (3 hypotheses, looks, ...) of paired differences (..., seeds) with the effect d, NaN as 1."""
    found = []
    for n in LOOKS:
        seen = d + drawn[..., :n]
        p = p_values(seen.mean(-1), seen.std(-1, ddof=1) / math.sqrt(n), n - 1, expects, margin)
        found.append([np.nan_to_num(each, nan=1.0) for each in p])
    return np.asarray(found).swapaxes(0, 1)


def shown(p: Numbers) -> NDArray[np.bool_]:
    """What is shown at any look, (3, studies, claims), from p values (3, looks, studies, claims): the rules of the library."""
    spent = np.minimum(p / np.array([DESIGN.share(k) for k in range(1, len(LOOKS) + 1)])[:, None, None], 1.0)
    support, contradict, below = spent.min(axis=1)
    refuted = holm_rejects(contradict)
    rest = np.maximum(refuted.shape[-1] - refuted.sum(axis=-1, keepdims=True), 1)
    return np.array([holm_rejects(support), refuted, below <= ALPHA / rest])


def holm_rejects(p: Numbers) -> NDArray[np.bool_]:
    """Holm's procedure over the last axis."""
    claims = p.shape[-1]
    order = np.argsort(p, axis=-1)
    passed = np.take_along_axis(p, order, -1) <= ALPHA / (claims - np.arange(claims))
    kept = np.minimum.accumulate(passed, axis=-1)
    found = np.zeros_like(kept)
    np.put_along_axis(found, order, kept, -1)
    return found


def old_rule(support: Numbers, against: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Supported and contradicted at each look (looks, studies, claims), as before.

    The smaller of two p values at alpha / (k (k + 1)), Holm over it; `contradicted` against the margin.
    """
    looks = np.arange(1, len(LOOKS) + 1)[:, None, None]
    decided = holm_rejects(np.minimum(np.minimum(support, against) * looks * (looks + 1), 1.0))
    return decided & (support < against), decided & (against < support)


def check_rules(drawn: Numbers) -> None:
    """The vectorized rules are those of the library, on a few studies."""
    p = p_of(drawn[:20], 0.5, "higher")
    mine = shown(p)
    for study in range(20):
        looks = [Look(k, n) for k, n in enumerate(LOOKS, 1)]
        claims = [
            {look: PValues(*p[:, at, study, claim].tolist()) for at, look in enumerate(looks)} for claim in range(p.shape[-1])
        ]
        levels = by_family([smallest(each, DESIGN) for each in claims], [True] * len(claims))
        for claim, (each, (level, _)) in enumerate(zip(claims, levels, strict=True)):
            verdict = conclude(each, level, DESIGN).verdict
            support, contradict, below = mine[:, study, claim]
            expected = (
                "contradicted"
                if contradict
                else "smaller than the margin"
                if below
                else "supported"
                if support
                else "inconclusive"
            )
            assert verdict == expected or (support and contradict), (verdict, expected)


def differences(noise: Noise, generator: np.random.Generator, studies: int, claims: int) -> Numbers:
    """Paired differences (studies, claims, seeds) without an effect, of deviation 1. Several claims share one arm."""
    start = noise(generator, (studies, 1, LOOKS[-1]))[..., :1]
    end = noise(generator, (studies, claims, LOOKS[-1]))[..., 2:3]
    drawn: Numbers = (end - start)[..., 0]
    return drawn / drawn.std()


def percent(found: NDArray[np.bool_]) -> str:
    return f"{100 * float(np.mean(found)):.1f}"


def false_shown(p: Numbers, expects: str, d: float) -> NDArray[np.bool_]:
    """The studies in which something false is shown of any claim. The margin is 1."""
    sign = -1 if expects.startswith("lower") else 1
    border = {"noninferior": -1.0, "higher by the margin": 1.0}.get(expects, 0.0)
    if expects == "equivalent":
        false = (abs(d) >= 1, abs(d) <= 1, False)
    else:
        false = (sign * d <= border, sign * d >= border, expects in ("higher", "lower") and sign * d >= 1)
    found = shown(p) & np.array(false)[:, None, None]
    return found.any(axis=(0, 2))


def false_verdicts(studies: int) -> pd.DataFrame:
    rows = []
    for number, (name, noise) in enumerate(list(NOISES.items())[:5]):
        for expects in ("higher", "equivalent", "noninferior", "higher by the margin"):
            row = {"noise": name, "expects": expects}
            for claims in (1, 6):
                drawn = differences(noise, np.random.default_rng([2, number, claims]), studies, claims)
                check_rules(drawn)
                for d in (-1.0, 0.0, 1.0):
                    words = {-1.0: "-margin", 0.0: "0", 1.0: "+margin"}[d]
                    title = f"d = {words}, {claims} {'claim' if claims == 1 else 'claims'}"
                    row[title] = max((percent(false_shown(p_of(sd * drawn, d, expects), expects, d)) for sd in SDS), key=float)
            rows.append(row)
    drawn = differences(normal, np.random.default_rng(3), studies, 6)
    mixed = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    rates = []
    for sd in SDS:
        found = shown(p_of(sd * drawn + mixed[:, None], 0.0, "higher"))
        wrong = found & np.array([mixed <= 0, mixed >= 0, mixed >= 1])[:, None, :]
        rates.append(percent(wrong.any(axis=(0, 2))))
    rows.append({"noise": "normal", "expects": MIXED, "d = 0, 6 claims": max(rates, key=float)})
    return pd.DataFrame(rows).fillna("")


def power(studies: int) -> pd.DataFrame:
    """One claim without a margin: how often d > 0 is shown by each look, in %."""
    rows = []
    for d in (0.0, 0.66, 1.0, 1.5, 2.0, 3.0):
        drawn = np.random.default_rng(4).normal(size=(studies, 1, LOOKS[-1]))
        p = p_of(drawn, d, "higher")
        looks = np.arange(1, 5)[:, None, None]
        old = np.maximum.accumulate(p[0] * looks * (looks + 1) <= ALPHA, axis=0)
        share = np.array([DESIGN.share(k) for k in range(1, 5)])[:, None, None]
        new = np.maximum.accumulate(p[0] <= ALPHA * share, axis=0)
        row = {"d / sd": f"{d:g}", "20 seeds in one look": percent(p[0, -1] <= ALPHA)}
        for at, n in enumerate(LOOKS):
            row[f"before, by {n}"], row[f"now, by {n}"] = percent(old[at]), percent(new[at])
        rows.append(row)
    return pd.DataFrame(rows)


def below_the_margin(studies: int) -> pd.DataFrame:
    """A real gain below the margin, 20 seeds: what it is called, in % of studies."""
    rows = []
    for gain, sd in ((0.4, 0.3), (0.4, 0.5), (0.5, 0.3), (0.5, 0.5), (0.5, 1.0)):
        drawn = sd * np.random.default_rng(5).normal(size=(studies, 1, LOOKS[-1]))
        p = p_of(drawn, gain, "higher")
        supported, contradicted = old_rule(p[0], p[2])
        support, against, below = shown(p)
        rows.append(
            {
                "gain / margin": f"{gain:g}",
                "sd / margin": f"{sd:g}",
                "before: contradicted at 20": percent(contradicted[-1]),
                "before: both verdicts at some look": percent(supported.any(0) & contradicted.any(0)),
                "now: contradicted": percent(against),
                "now: smaller than the margin": percent(below & ~against),
                "of these, a gain is shown": percent((below & support)[below & ~against]),
                "now: supported": percent(support & ~below & ~against),
            }
        )
    return pd.DataFrame(rows)


def strata(studies: int) -> pd.DataFrame:
    """Equivalence over two strata, of effects +e and -e margins, 20 seeds: false support, in %."""
    rows = []
    for e in (1.0, 1.5, 3.0):
        drawn = np.random.default_rng(6).normal(size=(2, studies, 20)) * 0.5 + np.array([e, -e])[:, None, None]
        seen = np.concatenate([drawn, drawn.mean(0, keepdims=True)])
        p = p_values(seen.mean(-1), seen.std(-1, ddof=1) / math.sqrt(20), 19, "equivalent", 1.0)[0]
        rows.append(
            {
                "e": f"{e:g}",
                "before (the average)": percent(p[2] <= ALPHA),
                "now (every stratum)": percent(p[:2].max(0) <= ALPHA),
            }
        )
    return pd.DataFrame(rows)


def collapses(studies: int) -> pd.DataFrame:
    """One arm collapses: a share q of its runs falls by K standard deviations of a run; its other runs
    are better by q K, so that the means are equal. How often it is called higher, in %: in one look, and at any of the looks.
    """
    rows = []
    for q in (0.02, 0.05, 0.1, 0.2):
        for k in (5, 20):
            generator = np.random.default_rng([7, k])
            fallen = generator.random((studies, 1, 20)) < q
            drawn = generator.normal(size=(studies, 1, 20)) - generator.normal(size=(studies, 1, 20)) + k * (q - fallen)
            p = p_of(drawn, 0.0, "higher")
            row = {"q": f"{q:g}", "K": str(k)}
            for at, n in enumerate(LOOKS):
                row[f"n = {n}"] = percent(p[0, at] <= ALPHA)
            row["any look"] = percent(shown(p)[0])
            row |= {f"(1 - q)^{n}": f"{100 * (1 - q) ** n:.0f}" for n in (5, 20)}
            rows.append(row)
    return pd.DataFrame(rows)


def lost_runs(studies: int) -> pd.DataFrame:
    """Of one arm, runs below a quantile are lost, chance being some standard deviations of a run below the mean. How often
    "higher" is supported in one look at n seeds, in %: with their pairs dropped, never after an unequal loss, and now, if it
    holds with the lost runs at their worst as well. A gain of 0 makes support false.
    """
    rows = []
    for n, share, chance, gain in (
        (8, 0.1, 3, 0.0), (8, 0.3, 3, 0.0), (20, 0.1, 3, 0.0), (20, 0.3, 3, 0.0), (20, 0.1, 1.5, 0.0), (20, 0.3, 1.5, 0.0),
        (20, 0.02, 3, 1.0), (20, 0.02, 3, 2.0), (20, 0.05, 3, 2.0), (20, 0.02, 10, 2.0),
    ):  # fmt: skip
        generator = np.random.default_rng([8, n])
        shared, base, ours = (generator.normal(size=(studies, n)) for _ in range(3))
        first, second = (shared + base) / math.sqrt(2), (shared + ours) / math.sqrt(2) + gain
        lost = second - gain < stats.norm.ppf(share)
        kept = (~lost).sum(1)
        d = np.where(lost, 0.0, second - first)
        with np.errstate(invalid="ignore", divide="ignore"):  # of studies without two pairs
            mean = d.sum(1) / kept
            se = np.sqrt((np.where(lost, 0.0, d - mean[:, None]) ** 2).sum(1) / (kept - 1) / kept)
        p = np.where(kept >= 5, stats.t.sf(mean / se, np.maximum(kept - 1, 1)), 1.0)
        lowest = np.minimum(np.minimum(first.min(1), np.where(lost, np.inf, second).min(1)), -chance)
        worst = np.where(lost, lowest[:, None], second) - first
        p_worst = stats.t.sf(worst.mean(1) / (worst.std(1, ddof=1) / math.sqrt(n)), n - 1)
        rows.append(
            {
                "n": str(n),
                "lost": f"{100 * share:.0f} %",
                "chance": f"-{chance:g} sd",
                "gain": f"{gain:g} sd",
                "dropped": percent(p <= ALPHA),
                "before: no verdict after a loss": percent((p <= ALPHA) & ~lost.any(1)),
                "now: at their worst": percent(np.maximum(p, np.where(lost.any(1), p_worst, p)) <= ALPHA),
            }
        )
    return pd.DataFrame(rows)


def unpaired(studies: int) -> pd.DataFrame:
    """Welch's interval for arms without common seeds, and the pooled t beside it: coverage in %."""
    rows = []
    for one, other, ratio in ((5, 5, 1.0), (5, 5, 3.0), (5, 10, 3.0), (10, 5, 3.0)):
        generator = np.random.default_rng(9)
        a, b = generator.normal(size=(studies, one)), ratio * generator.normal(size=(studies, other))
        welch = stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue > 0.05
        pooled = stats.ttest_ind(a, b, axis=1).pvalue > 0.05
        rows.append(
            {"runs": f"{one} and {other}", "sd": f"1 and {ratio:g}", "Welch": percent(welch), "pooled": percent(pooled)}
        )
    return pd.DataFrame(rows)


def blocks(studies: int) -> pd.DataFrame:
    """Coverage of the two intervals of B data sets with 3 seeds each, in %; `sd between`: of the effects, in units of noise."""
    rows = []
    for count in (5, 10, 20):
        for between in (0.0, 1.0):
            generator = np.random.default_rng([10, count])
            effects = between * generator.normal(size=(studies, count))
            drawn = effects[..., None] + generator.normal(size=(studies, count, 3))
            means, variances = drawn.mean(2), drawn.var(2, ddof=1) / 3
            total = variances.sum(1) / count**2
            df = variances.sum(1) ** 2 / (variances**2 / 2).sum(1)
            these = np.abs(means.mean(1) - effects.mean(1)) <= stats.t.ppf(0.975, df) * np.sqrt(total)
            like = np.abs(means.mean(1)) <= stats.t.ppf(0.975, count - 1) * means.std(1, ddof=1) / math.sqrt(count)
            population = np.abs(means.mean(1)) <= stats.t.ppf(0.975, df) * np.sqrt(total)
            rows.append(
                {
                    "blocks": str(count),
                    "sd between": f"{between:g}",
                    "these blocks": percent(these),
                    "blocks like these": percent(like),
                    "the first, taken for the second": percent(population),
                }
            )
    return pd.DataFrame(rows)


def published(studies: int) -> pd.DataFrame:
    """How often the prediction interval of n = 5 paired seeds holds a figure, in %. The arms correlate at 0.8."""
    rows, studies = [], min(studies, 500)
    for title, how, arms in (
        ("one run", HowPublished(), 1),
        ("mean of 5", HowPublished(kind="mean", n_runs=5), 1),
        ("best of 10", HowPublished(kind="best", n_runs=10), 1),
        ("difference of two single runs", HowPublished(), 2),
        ("difference of two bests of 10", HowPublished(kind="best", n_runs=10), 2),
    ):
        generator, before, now = np.random.default_rng(11), [], []
        for _ in range(studies):
            shared = generator.normal(size=5) * math.sqrt(0.8)
            ours = [pd.Series(shared + math.sqrt(0.2) * generator.normal(size=5)) for _ in range(arms)]
            theirs = [generator.normal(size=how.n_runs) for _ in range(arms)]
            figures = [each.max() if how.kind == "best" else each.mean() for each in theirs]
            values = (ours[1] - ours[0] if arms == 2 else ours[0]).tolist()
            figure = figures[1] - figures[0] if arms == 2 else figures[0]
            before.append(prediction(values, figure)["inside"])
            now.append(prediction(values, figure, how=how, arms=ours, better="higher")["inside"])
        rows.append({"figure": title, "before": percent(np.array(before)), "now": percent(np.array(now))})
    return pd.DataFrame(rows)


def many_to_one(studies: int) -> pd.DataFrame:
    """How often all 95 % intervals of m changes against one baseline hold at once, in %."""
    rows, studies = [], min(studies, 200)
    for m in (3, 8):
        for n in (5, 12):
            generator, alone, together = np.random.default_rng([12, m]), [], []
            for _ in range(studies):
                drawn = pd.DataFrame(generator.normal(size=(n, m)) - generator.normal(size=(n, 1)))
                t = (drawn.mean() / drawn.std() * math.sqrt(n)).abs().max()
                alone.append(t <= stats.t.ppf(0.975, n - 1))
                together.append(t <= critical_value(drawn))
            rows.append(
                {
                    "changes": str(m),
                    "n": str(n),
                    "before": percent(np.array(alone)),
                    "simultaneous": percent(np.array(together)),
                }
            )
    return pd.DataFrame(rows)


def heterogeneous(studies: int) -> pd.DataFrame:
    """How often strata are called different at p <= 0.05, in %: equal ones, and one of them apart by 2 standard deviations."""
    rows, studies = [], min(studies, 500)
    for size, n in ((2, 5), (3, 5), (3, 8), (6, 5), (6, 12)):
        row = {"strata": str(size), "n": str(n)}
        for title, apart in (("equal", 0.0), ("one apart", 2.0)):
            generator, found = np.random.default_rng([13, size, n]), []
            for _ in range(studies):
                drawn = generator.normal(size=(n, size)) + generator.normal(size=(n, 1)) + apart * (np.arange(size) == 0)
                each = [Estimate("simple", (), pd.Series(column), 1.0, n - 1.0) for column in drawn.T]
                tested = heterogeneity(each)
                found.append(tested is not None and tested.p <= 0.05)
            row[title] = percent(np.array(found))
        rows.append(row)
    return pd.DataFrame(rows)


def rounded(studies: int) -> pd.DataFrame:
    """A metric with a step of 1 and noise below it, 5 seeds in one look, no true difference: false support, in %."""
    rows = []
    for sd in (0.05, 0.1, 0.3):
        generator = np.random.default_rng(14)
        level = generator.random((studies, 1))
        a, b = (np.round(level + sd * generator.normal(size=(studies, 5))) for _ in range(2))
        d = b - a
        se = d.std(1, ddof=1) / math.sqrt(5)
        before = p_values(d.mean(1), se, 4, "higher")[0] <= ALPHA
        floor = np.where(np.ptp(d, axis=1) <= 1, np.maximum(se, 1 / math.sqrt(6)), se)
        now = p_values(d.mean(1), floor, 4, "higher")[0] <= ALPHA
        rows.append({"sd / step": f"{sd:g}", "before": percent(before), "now": percent(now)})
    return pd.DataFrame(rows)


TABLES: dict[str, tuple[str, Callable[[int], pd.DataFrame]]] = {
    "Coverage of 95 % intervals": ("", coverage),
    "Power": ("One claim, looks at 5, 8, 12 and 20 seeds: how often d > 0 is shown, in % (d = 0: falsely).", power),
    "A real gain below the margin": (f"{below_the_margin.__doc__}", below_the_margin),
    "False verdicts": ("Studies with anything false shown at any look, in %; the worst of three noise levels.", false_verdicts),
    "Equivalence over strata": (f"{strata.__doc__}", strata),
    "Rare collapses": (f"{collapses.__doc__}", collapses),
    "Lost runs": (f"{lost_runs.__doc__}", lost_runs),
    "Unpaired results": (f"{unpaired.__doc__}", unpaired),
    "Blocks": (f"{blocks.__doc__}", blocks),
    "Published figures": (f"{published.__doc__}", published),
    "Many changes, one baseline": (f"{many_to_one.__doc__}", many_to_one),
    "Heterogeneity": (f"{heterogeneous.__doc__}", heterogeneous),
    "Rounded metrics": (f"{rounded.__doc__}", rounded),
}


def markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of intervals and rates of false verdicts, by simulation.")
    parser.add_argument("--quick", action="store_true", help="1,000 studies a figure instead of 5,000")
    studies = 1_000 if parser.parse_args().quick else 5_000
    error = 1.96 * math.sqrt(0.05 * 0.95 / studies) * 100
    print("# Simulated verdicts\n")
    print(f"By `python benchmarks/verdicts.py`: {studies:,} studies an entry (± {error:.1f} at 5 %),")
    print("200 or 500 where each needs a simulation of its own.")
    for title, (about, table) in TABLES.items():
        print(f"\n## {title}\n")
        if about:
            print(" ".join(about.split()) + "\n")
        print(markdown(table(studies)), flush=True)


if __name__ == "__main__":
    main()
