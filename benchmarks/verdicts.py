"""How often the intervals hold the truth, and how often a verdict is false, in simulated studies: rules before and now.

    python benchmarks/verdicts.py > benchmarks/verdicts.md     5,000 studies a figure, about 10 minutes
    python benchmarks/verdicts.py --quick                      1,000

Prints Markdown tables. "Before" are the rules of the first versions: looks at alpha / (k (k + 1)), `contradicted` against the
margin, equivalence of averages, lost runs dropped. A study is a factorial of two factors with two levels each. Its noise is

- `normal`;
- `skewed`: log-normal, all cells alike;
- `unequal`: normal, the standard deviations of the arms are as 1 to 3;
- `one arm skewed`: one arm normal, the other log-normal towards the bad side, both with the same standard deviation;
- `one arm long-tailed`: the same, but nearly all of the variance is in the skewed arm, which the t test does not allow for;
- `unequally paired`: the levels of the second factor share most of their noise under one seed, those of the first nothing.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ablate.core.claims import Change, HowPublished
from ablate.core.designs import factorial
from ablate.core.levels import Factor
from ablate.stats.attribution import shapley
from ablate.stats.blocks import bootstrap
from ablate.stats.contrasts import contrast, interaction
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
from ablate.stats.outcomes import Outcomes
from ablate.stats.power import MOST, sd_interval, seeds_needed
from ablate.stats.prediction import prediction
from ablate.stats.robustness import sign_flip_p
from ablate.stats.simultaneous import critical_value
from benchmarks.pooled import with_pooled_error

DESIGN = SequentialDesign()
Numbers = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Numbers]

FACTORS = {"first": Factor.of("first", ["a", "b"]), "second": Factor.of("second", ["x", "y"])}
FIRST, SECOND = Change.of("first", "a", "b"), Change.of("second", "x", "y")
CELLS = {cell: column for column, cell in enumerate(factorial([*FACTORS.values()]))}
WEIGHTS = {"first": [-0.5, -0.5, 0.5, 0.5], "second": [-0.5, 0.5, -0.5, 0.5], "interaction": [1, -1, -1, 1]}
MIXED = "higher; three claims at 0, three at +margin"
EXPLORATORY = "higher, exploratory (no adjustment)"
OLD = ("higher", "equivalent")  # what claims could expect in the first versions
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


def one_arm_long_tailed(generator: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
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
    "one arm long-tailed": one_arm_long_tailed,
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
            (with_pooled_error(outcomes, contrast(outcomes, SECOND)), "second", True),
            (interaction(outcomes, FIRST, SECOND), "interaction", False),
            (with_pooled_error(outcomes, interaction(outcomes, FIRST, SECOND)), "interaction", True),
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


def shown(p: Numbers, expects: str = "higher") -> NDArray[np.bool_]:
    """What is shown at any look, (3, studies, claims), from p values (3, looks, studies, claims): the rules of the library."""
    design, looks = DESIGN.of_claim(expects), range(1, len(LOOKS) + 1)
    shares = np.array([[design.share(look, name) for look in looks] for name in PValues._fields])
    spent = np.minimum(p / shares[:, :, None, None], 1.0)
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
    for expects in ("higher", "equivalent"):
        check_rule(p_of(drawn[:20], 0.5, expects), expects)


def check_rule(p: Numbers, expects: str) -> None:
    mine, design = shown(p, expects), DESIGN.of_claim(expects)
    for study in range(20):
        looks = [Look(k, n) for k, n in enumerate(LOOKS, 1)]
        claims = [
            {look: PValues(*p[:, at, study, claim].tolist()) for at, look in enumerate(looks)} for claim in range(p.shape[-1])
        ]
        levels = by_family([smallest(each, design) for each in claims], [True] * len(claims))
        for claim, (each, (level, _)) in enumerate(zip(claims, levels, strict=True)):
            verdict = conclude(each, level, design).verdict
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
    found = shown(p, expects) & np.array(false)[:, None, None]
    return found.any(axis=(0, 2))


def false_before(p: Numbers, expects: str, d: float) -> NDArray[np.bool_]:
    """The same by the rules of the first versions: `contradicted` meant below the margin, and Holm took the smaller p value."""
    supported, contradicted = old_rule(p[0], p[2] if expects == "higher" else p[1])
    false = (d <= 0, d >= 1) if expects == "higher" else (abs(d) >= 1, abs(d) <= 1)
    return ((supported & false[0]) | (contradicted & false[1])).any(axis=(0, 2))


def false_verdicts(studies: int) -> pd.DataFrame:
    rows = []
    for number, (name, noise) in enumerate(list(NOISES.items())[:5]):
        for expects in ("higher", "equivalent", "noninferior", "higher by the margin"):
            row = {"noise": name, "expects": expects}
            for claims in (1, 6):
                drawn = differences(noise, np.random.default_rng([2, number, claims]), studies, claims)
                check_rules(drawn)
                many = f"{claims} {'claim' if claims == 1 else 'claims'}"
                before = []
                for d in (-1.0, 0.0, 1.0):
                    words = {-1.0: "-margin", 0.0: "0", 1.0: "+margin"}[d]
                    p = [p_of(sd * drawn, d, expects) for sd in SDS]
                    row[f"d = {words}, {many}"] = max((percent(false_shown(each, expects, d)) for each in p), key=float)
                    before += [percent(false_before(each, expects, d)) for each in p] if expects in OLD else []
                row[f"before, worst d, {many}"] = max(before, key=float) if before else ""
            rows.append(row)
    drawn = differences(normal, np.random.default_rng(3), studies, 6)
    mixed = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    rates = []
    for sd in SDS:
        found = shown(p_of(sd * drawn + mixed[:, None], 0.0, "higher"))
        wrong = found & np.array([mixed <= 0, mixed >= 0, mixed >= 1])[:, None, :]
        rates.append(percent(wrong.any(axis=(0, 2))))
    rows.append({"noise": "normal", "expects": MIXED, "d = 0, 6 claims": max(rates, key=float)})
    alone = shown(p_of(drawn[:, :, None].reshape(-1, 1, LOOKS[-1]), 0.0, "higher", 5.0))[:2].any(axis=(0, 2))
    any_of_six = percent(alone.reshape(-1, 6).any(axis=1))
    rows.append({"noise": "normal", "expects": EXPLORATORY, "d = 0, 1 claim": percent(alone), "d = 0, 6 claims": any_of_six})
    return pd.DataFrame(rows).fillna("")


def skewed_equivalence(studies: int) -> pd.DataFrame:
    """One of these rates again, by eight times as many studies (40,000: ± 0.2): a claim that expects `equivalent`, one arm
    skewed. Beside it the rate if its support spent alpha as the other hypotheses do, with t^2.
    """
    drawn = differences(one_arm_skewed, np.random.default_rng(77), 8 * studies, 1)
    rows = []
    for sd, d in itertools.product(SDS, (-1.0, 1.0)):
        p = p_of(sd * drawn, d, "equivalent")
        row = {"sd / margin": f"{sd:g}", "d / margin": f"{d:g}"}
        row["t^2"] = percent(shown(p, "higher")[:2].any(axis=0))
        row["now"] = percent(shown(p, "equivalent")[:2].any(axis=0))
        rows.append(row)
    return pd.DataFrame(rows)


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


def power_of_others(studies: int) -> pd.DataFrame:
    """How often a claim is supported by the 20th seed, in %: in one look at 20 (a paired t test, Holm), with the looks of
    the first versions (which had no claims about a margin but `equivalent`), and now. d and margin in standard
    deviations of the paired differences; of six claims, all are as far from their border, and the mean over claims is
    shown.
    """
    rows = []
    for expects, d, margin in (
        ("higher", 0.66, 5.0), ("higher by the margin", 1.66, 1.0), ("noninferior", 0.0, 0.66), ("equivalent", 0.0, 0.76),
    ):  # fmt: skip
        for claims in (1, 6):
            drawn = differences(normal, np.random.default_rng([15, claims]), studies, claims)
            p = p_of(drawn, d, expects, margin)
            fixed = holm_rejects(p[0, -1])
            old = old_rule(p[0], p[1])[0].any(axis=0)
            row = {"expects": expects, "claims": str(claims), "d": f"{d:g}", "margin": f"{margin:g}"}
            rows.append(
                row
                | {
                    "20 seeds in one look": percent(fixed),
                    "before": percent(old) if expects in ("higher", "equivalent") else "",
                    "now": percent(shown(p, expects)[0]),
                }
            )
    return pd.DataFrame(rows)


def spending(studies: int) -> pd.DataFrame:
    """The exponent of the spending function for the support of `equivalent`, d = 0: how often a claim is supported by the 12th
    and by the 20th seed, in %; margin in standard deviations of the paired differences. In one look at 20, beside them.
    """
    rows = []
    for claims, margin in ((1, 0.76), (6, 0.76), (1, 1.5), (6, 1.5)):
        drawn = differences(normal, np.random.default_rng([15, claims]), studies, claims)
        p = p_of(drawn, 0.0, "equivalent", margin)
        row = {"claims": str(claims), "margin": f"{margin:g}", "20 seeds in one look": percent(holm_rejects(p[0, -1]))}
        for exponent in (2.0, 3.0, 4.0):
            design = SequentialDesign(supporting=exponent)
            shares = np.array([design.share(look) for look in range(1, len(LOOKS) + 1)])[:, None, None]
            found = np.minimum.accumulate(np.minimum(p[0] / shares, 1.0), axis=0)
            for at in (2, 3):
                row[f"t^{exponent:g}, by {LOOKS[at]}"] = percent(holm_rejects(found[at]))
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
    """How often the prediction interval of n = 5 paired seeds holds a figure, in % (1,000 studies, ± 1.4). The arms
    correlate at 0.8.
    """
    rows, studies = [], min(studies, 1000)
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
    """How often all 95 % intervals of some changes against one baseline, or of the shares of a path, hold at once, in %
    (1,000 studies, ± 1.4).
    """
    rows, studies = [], min(studies, 1000)
    coalitions = [frozenset(chosen) for size in range(5) for chosen in itertools.combinations("abcd", size)]
    unit = np.eye(len(coalitions))
    shares = np.array([list(shapley(dict(zip(coalitions, each, strict=True)), list("abcd")).values()) for each in unit])
    for what, m in (("changes", 3), ("changes", 8), ("shares of a path", 4)):
        for n in (5, 12):
            generator, alone, together = np.random.default_rng([12, m]), [], []
            for _ in range(studies):
                if what == "changes":
                    drawn = pd.DataFrame(generator.normal(size=(n, m)) - generator.normal(size=(n, 1)))
                else:
                    drawn = pd.DataFrame(generator.normal(size=(n, len(coalitions))) @ shares)
                t = (drawn.mean() / drawn.std() * math.sqrt(n)).abs().max()
                alone.append(t <= stats.t.ppf(0.975, n - 1))
                together.append(t <= critical_value(drawn))
            rows.append(
                {
                    "family": f"{m} {what}",
                    "n": str(n),
                    "before": percent(np.array(alone)),
                    "simultaneous": percent(np.array(together)),
                }
            )
    return pd.DataFrame(rows)


def heterogeneous(studies: int) -> pd.DataFrame:
    """How often strata are called different at p <= 0.05, in %: equal ones, and one of them apart by 2 standard deviations
    (500 studies, ± 1.9 at 5 %).
    """
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
    """A metric with a step of 1 and less noise, one look: how often "higher by the margin" is supported in %, the true
    difference d being the margin (so that support is false), or 3 steps above it.
    """
    rows = []
    for sd in (0.02, 0.1, 0.3):
        for n in (5, 20):
            for margin in (0.0, 0.1, 0.3):
                row = {"sd / step": f"{sd:g}", "n": str(n), "margin / step": f"{margin:g}"}
                for title, d in (("", margin), (", d + 3", margin + 3)):
                    generator = np.random.default_rng(14)
                    level = generator.random((studies, 1))
                    a, b = (np.round(level + at + sd * generator.normal(size=(studies, n))) for at in (0.0, d))
                    seen = b - a
                    se = seen.std(1, ddof=1) / math.sqrt(n)
                    floor = np.where(np.ptp(seen, axis=1) <= 1, np.maximum(se, 1 / 2), se)
                    for name, error in (("before", se), ("now", floor)):
                        p = p_values(seen.mean(1), error, n - 1, "higher by the margin", margin)[0]
                        row[f"{name}{title}"] = percent(p <= ALPHA)
                rows.append(row)
    return pd.DataFrame(rows)


def times(studies: int) -> pd.DataFrame:
    """Epochs to a target, at most 5: 1 + a normal time, rounded up, of which most end at 4 or 5. How often there can be no
    verdict, as most runs of both arms count as censored (before: those that reach the target at the limit as well), and how
    often "lower" is supported now, in one look at 8 seeds, in %; d in epochs.
    """
    rows = []
    for d in (0.0, 0.5, 1.0, 2.0):
        generator = np.random.default_rng(16)
        first, second = (np.ceil(4.4 - at + 0.5 * generator.normal(size=(studies, 8))).clip(min=1) for at in (0.0, d))
        blocked = [((first > limit).mean(1) > 0.5) & ((second > limit).mean(1) > 0.5) for limit in (4, 5)]
        seen = np.minimum(second, 5) - np.minimum(first, 5)
        floor = np.where(
            np.ptp(seen, axis=1) <= 1, np.maximum(seen.std(1, ddof=1) / math.sqrt(8), 0.5), seen.std(1, ddof=1) / math.sqrt(8)
        )
        p = p_values(seen.mean(1), floor, 7, "lower")[0]
        supported = percent((p <= ALPHA) & ~blocked[1])
        row = {"d": f"{-d:g}", "before: no verdict": percent(blocked[0]), "now: no verdict": percent(blocked[1])}
        rows.append(row | {"now: supported": supported})
    return pd.DataFrame(rows)


def block_verdicts(studies: int) -> pd.DataFrame:
    """ "higher" over ten data sets in one look, in %; the effects of data sets vary by `sd between`, in units of the noise
    of a run, around a mean of 0 (support is false) or of 1. Before: data sets were a factor, and the average over them
    was tested over seeds, from five on.
    """
    rows = []
    for seeds in (3, 5):
        for between in (0.0, 1.0):
            row = {"seeds": str(seeds), "sd between": f"{between:g}"}
            for title, mean in (("", 0.0), (", mean 1", 1.0)):
                generator = np.random.default_rng([17, seeds])
                effects = mean + between * generator.normal(size=(studies, 10, 1))
                drawn = effects + math.sqrt(2) * generator.normal(size=(studies, 10, seeds))
                before, now = drawn.mean(1), drawn.mean(2)
                for name, seen in (("before", before), ("now", now)):
                    n = seen.shape[1]
                    p = p_values(seen.mean(1), seen.std(1, ddof=1) / math.sqrt(n), n - 1, "higher")[0]
                    row[f"{name}{title}"] = percent(p <= ALPHA) if n >= LOOKS[0] else "no verdict"
            rows.append(row)
    return pd.DataFrame(rows)


def bootstraps(studies: int) -> pd.DataFrame:
    """Coverage of the 95 % intervals of the stratified bootstrap over ten data sets, in % (300 studies, ± 2.5): of the
    interquartile mean of one arm, and of the probability of improvement, 0.76.
    """
    rows, studies = [], min(studies, 300)
    for runs in (3, 5, 10, 20):
        generator, iqms, improved = np.random.default_rng([18, runs]), [], []
        truth = float(stats.norm.cdf(1 / math.sqrt(2)))
        for _ in range(studies):
            first, second = (list(generator.normal(size=(10, runs)) + at) for at in (0.0, 1.0))
            one, both = bootstrap(first, None, 1000, 0.95, generator), bootstrap(first, second, 1000, 0.95, generator)
            iqms.append(one.low <= 0 <= one.high)
            improved.append(both.low <= truth <= both.high)
        rows.append(
            {
                "runs of each": str(runs),
                "IQM": percent(np.array(iqms)),
                "probability of improvement": percent(np.array(improved)),
            }
        )
    return pd.DataFrame(rows)


def apart(studies: int) -> pd.DataFrame:
    """Coverage of the contrast over three strata of which no seed is complete in all, in % (1,000 studies, ± 1.4); before,
    such a study had no estimate. `common`: of the seeds, how many neighboring strata share.
    """
    rows, studies = [], min(studies, 1000)
    factors = {"method": Factor.of("method", ["a", "b"]), "task": Factor.of("task", ["x", "y", "z"])}
    cells = {cell: column for column, cell in enumerate(factorial([*factors.values()]))}
    change = Change.of("method", "a", "b")
    for n in (5, 10):
        for common in (0, n // 2):
            generator, held = np.random.default_rng([19, n, common]), []
            for _ in range(studies):
                total = 3 * n - 2 * common
                frame = np.full((total, 6), np.nan)
                noise = generator.normal(size=(total, 6)) + generator.normal(size=(total, 1)) * np.array([0, 0, 0, 1, 1, 1])
                for task in range(3):
                    at = slice(task * (n - common), task * (n - common) + n)
                    frame[at, [task, 3 + task]] = noise[at, [task, 3 + task]]
                nothing = pd.DataFrame(np.zeros(frame.shape, bool))
                low, high = contrast(Outcomes(pd.DataFrame(frame), nothing, nothing, cells, factors), change).interval()
                held.append(low <= 0 <= high)
            rows.append({"seeds of each": str(n), "common": str(common), "now": percent(np.array(held))})
    return pd.DataFrame(rows)


def exceeding(studies: int) -> pd.DataFrame:
    """ "This share is more than half of the whole" in one look, in %. The whole is 1, the noise of the share and of the
    rest are independent with the standard deviation `sd`; with a share of 0.5 support and contradiction are both false.
    A ratio of the estimates above one half, as one would say without a test, stands beside.
    """
    rows = []
    for share in (0.3, 0.5, 0.7, 0.9):
        for sd in (0.2, 0.5):
            for n in (5, 20):
                generator = np.random.default_rng([20, n])
                own, rest = (at + sd * generator.normal(size=(studies, n)) for at in (share, 1 - share))
                excess, whole = own - 0.5 * (own + rest), own + rest
                p = [p_values(each.mean(1), each.std(1, ddof=1) / math.sqrt(n), n - 1, "higher") for each in (excess, whole)]
                both = [np.maximum(p[0][at], p[1][0]) for at in (0, 1)]
                row = {"share": f"{share:g}", "sd": f"{sd:g}", "n": str(n), "ratio above one half": percent(excess.mean(1) > 0)}
                rows.append(row | {"supported": percent(both[0] <= ALPHA), "contradicted": percent(both[1] <= ALPHA)})
    return pd.DataFrame(rows)


def seeds_ranges(studies: int) -> pd.DataFrame:
    """How often the seeds that a margin truly needs are those that the report gives (before: one number), and how often
    they lie in the range that it gives now, in % (300 studies, ± 4.5 at 80 %). One look, the margin is a multiple of
    the standard deviation.
    """
    rows, studies, design = [], min(studies, 300), SequentialDesign(())
    for margin in (0.5, 1.0):
        truth = seeds_needed(1.0, margin, design=design)
        for n in (5, 10):
            generator, exact, inside = np.random.default_rng([21, n]), [], []
            for _ in range(studies):
                sd = float(generator.normal(size=n).std(ddof=1))
                low, high = (seeds_needed(each, margin, design=design) for each in sd_interval(sd, n, 0.8))
                exact.append(seeds_needed(sd, margin, design=design) == truth)
                inside.append((low or MOST) <= (truth or MOST) <= (high or MOST))
            rows.append(
                {"margin / sd": f"{margin:g}", "needed": str(truth), "n": str(n), "before": percent(np.array(exact)),
                 "now": percent(np.array(inside))}
            )  # fmt: skip
    return pd.DataFrame(rows)


def checks(studies: int) -> pd.DataFrame:
    """The lines below a verdict for d = 0, in % (1,000 studies, ± 1.4 at 5 %): how often the t test and the sign-flip test
    have p <= 0.025, and how often both do and the verdict is the same without any one seed.
    """
    rows, studies = [], min(studies, 1000)
    for name in ("normal", "skewed", "one arm long-tailed"):
        for n in (8, 12):
            drawn = differences(NOISES[name], np.random.default_rng([22, n]), studies, 1)[:, 0, :n]
            p = p_values(drawn.mean(1), drawn.std(1, ddof=1) / math.sqrt(n), n - 1, "higher")[0] <= ALPHA
            flips = np.array([sign_flip_p(each) <= ALPHA for each in drawn])
            rest = np.stack([np.delete(drawn, at, axis=1) for at in range(n)])
            kept = p_values(rest.mean(2), rest.std(2, ddof=1) / math.sqrt(n - 1), n - 2, "higher")[0].max(0) <= ALPHA
            row = {"noise": name, "n": str(n), "t": percent(p), "sign flips": percent(flips)}
            rows.append(row | {"t, flips, and without any seed": percent(p & flips & kept)})
    return pd.DataFrame(rows)


def controls(studies: int) -> pd.DataFrame:
    """A/A: how often the 95 % interval of *no change* excludes zero, in %, if nothing leaks, and if the second run differs
    by `leak` standard deviations of a run, such as a warm cache or a resumed state; before, there was no such line.
    """
    rows = []
    for leak in (0.0, 0.5, 1.0, 2.0):
        row = {"leak": f"{leak:g}"}
        for n in (5, 8, 20):
            generator = np.random.default_rng([23, n])
            d = leak + generator.normal(size=(studies, n)) - generator.normal(size=(studies, n))
            half = stats.t.ppf(0.975, n - 1) * d.std(1, ddof=1) / math.sqrt(n)
            row[f"n = {n}"] = percent(np.abs(d.mean(1)) > half)
        rows.append(row)
    return pd.DataFrame(rows)


TABLES: dict[str, tuple[str, Callable[[int], pd.DataFrame]]] = {
    "Coverage of 95 % intervals": ("", coverage),
    "Rule 1: a real gain below the margin": (f"{below_the_margin.__doc__}", below_the_margin),
    "Rule 1: false verdicts": (
        "Studies with anything false shown at any look, in %; the worst of three noise levels. `one arm long-tailed` breaks "
        "the bound of 5 %: there, the t test does not hold.",
        false_verdicts,
    ),
    "Rule 1: false verdicts of an equivalence, one arm skewed": (f"{skewed_equivalence.__doc__}", skewed_equivalence),
    "Rule 2: power": (
        "One claim, looks at 5, 8, 12 and 20 seeds: how often d > 0 is shown, in % (d = 0: falsely). Finished results were "
        "judged at the last of these looks before, and are judged in one look now.",
        power,
    ),
    "Rule 2: power of other claims, and of six": (f"{power_of_others.__doc__}", power_of_others),
    "Rule 2: spending of an equivalence": (f"{spending.__doc__}", spending),
    "Rule 3: equivalence over strata": (f"{strata.__doc__}", strata),
    "Rule 3: heterogeneity": (f"{heterogeneous.__doc__}", heterogeneous),
    "Rule 4: rare collapses": (f"{collapses.__doc__}", collapses),
    "Rule 5: lost runs": (f"{lost_runs.__doc__}", lost_runs),
    "Rule 6: times to a target": (f"{times.__doc__}", times),
    "Rule 7: coverage over blocks": (f"{blocks.__doc__}", blocks),
    "Rule 7: verdicts over blocks": (f"{block_verdicts.__doc__}", block_verdicts),
    "Rule 7: bootstrap over blocks": (f"{bootstraps.__doc__}", bootstraps),
    "Rule 8: a share of the whole": (f"{exceeding.__doc__}", exceeding),
    "Rule 9: unpaired results": (f"{unpaired.__doc__}", unpaired),
    "Rule 9: strata without common seeds": (f"{apart.__doc__}", apart),
    "Rule 10: published figures": (f"{published.__doc__}", published),
    "Rule 11: seeds that are needed": (f"{seeds_ranges.__doc__}", seeds_ranges),
    "Rule 11: rounded metrics": (f"{rounded.__doc__}", rounded),
    "Rule 12: many changes, one baseline": (f"{many_to_one.__doc__}", many_to_one),
    "Rule 12: robustness": (f"{checks.__doc__}", checks),
    "Rule 13: controls": (f"{controls.__doc__}", controls),
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
    print("fewer where each needs a simulation of its own, with number and error. *Before*: the rules of the first versions.")
    for title, (about, table) in TABLES.items():
        print(f"\n## {title}\n")
        if about:
            print(" ".join(about.split()) + "\n")
        print(markdown(table(studies)), flush=True)


if __name__ == "__main__":
    main()
