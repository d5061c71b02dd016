"""How often intervals hold the truth, and what stands beside the verdicts."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
from scipy import stats

from ablate.core.claims import Change, HowPublished
from ablate.core.designs import factorial
from ablate.core.levels import Factor
from ablate.stats.attribution import shapley
from ablate.stats.contrasts import contrast, interaction
from ablate.stats.decision_rules import ALPHA, SequentialDesign, p_values
from ablate.stats.estimates import Estimate
from ablate.stats.heterogeneity import heterogeneity
from ablate.stats.outcomes import Outcomes
from ablate.stats.power import MOST, sd_interval, seeds_needed
from ablate.stats.prediction import prediction
from ablate.stats.robustness import sign_flip_p
from ablate.stats.simultaneous import critical_value
from benchmarks.pooled import with_pooled_error
from benchmarks.verdicts.noise import NOISES, Numbers, differences, percent

FACTORS = {"first": Factor.of("first", ["a", "b"]), "second": Factor.of("second", ["x", "y"])}
FIRST, SECOND = Change.of("first", "a", "b"), Change.of("second", "x", "y")
CELLS = {cell: column for column, cell in enumerate(factorial([*FACTORS.values()]))}
WEIGHTS = {"first": [-0.5, -0.5, 0.5, 0.5], "second": [-0.5, 0.5, -0.5, 0.5], "interaction": [1, -1, -1, 1]}


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
