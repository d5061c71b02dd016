"""How often the intervals hold the truth, and how often a verdict is false, in simulated studies.

    python benchmarks/verdicts.py            20,000 studies a figure, about two minutes
    python benchmarks/verdicts.py --quick    2,000

Prints Markdown tables. A study is a factorial of two factors with two levels each. Its noise is

- `normal`;
- `skewed`: log-normal, all cells alike;
- `unequal`: normal, the standard deviations of the arms are as 1 to 3;
- `one arm skewed`: one arm normal, the other log-normal towards the bad side, both with the same standard deviation;
- `one arm collapsing`: the same, but nearly all of the variance is in the skewed arm, which the t test does not allow for;
- `unequally paired`: the levels of the second factor share most of their noise under one seed, those of the first nothing.
"""

from __future__ import annotations

import argparse
import gc
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ablate.core.claims import Change
from ablate.core.levels import Factor
from ablate.stats.contrasts import contrast, interaction, main_effect
from ablate.stats.decision_rules import ALPHA, LOOKS, decide, p_values, spent
from ablate.stats.outcomes import Outcomes, product

Numbers = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Numbers]

FACTORS = {"first": Factor.of("first", ["a", "b"]), "second": Factor.of("second", ["x", "y"])}
FIRST, SECOND = Change.of("first", "a", "b"), Change.of("second", "x", "y")
CELLS = {cell: column for column, cell in enumerate(product(FACTORS))}
WEIGHTS = {"first": [-0.5, -0.5, 0.5, 0.5], "second": [-0.5, 0.5, -0.5, 0.5], "interaction": [1, -1, -1, 1]}
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


def differences(noise: Noise, generator: np.random.Generator, studies: int, claims: int) -> Numbers:
    """Paired differences (studies, claims, seeds) without an effect, of deviation 1. Several claims share one arm."""
    start = noise(generator, (studies, 1, LOOKS[-1]))[..., :1]
    end = noise(generator, (studies, claims, LOOKS[-1]))[..., 2:3]
    drawn: Numbers = (end - start)[..., 0]
    return drawn / drawn.std()


def false_verdicts(drawn: Numbers, expects: str, d: float) -> float:
    """The share of studies with a false verdict about any claim at any look, in %. The margin is 1."""
    border = expects == "equivalent"
    support_is_false = abs(d) >= 1 if border else d <= 0 if expects == "higher" else d >= 0
    contradiction_is_false = abs(d) <= 1 if border else d >= 1 if expects == "higher" else d <= -1
    studies, claims, _ = drawn.shape
    found = np.zeros(studies, bool)
    for look, n in enumerate(LOOKS, 1):
        seen = d + drawn[..., :n]
        p = p_values(seen.mean(-1), seen.std(-1, ddof=1) / math.sqrt(n), n - 1, expects, 1.0)
        false = np.ones((studies, claims))
        for wrong, values in zip((support_is_false, contradiction_is_false), p, strict=True):
            false = np.minimum(false, values) if wrong else false
        for study in np.flatnonzero((spent(false, look) <= ALPHA).any(axis=1) & ~found):
            support, contradict = (values[study].tolist() for values in p)
            _, verdicts = decide(support, contradict, [look] * claims, [True] * claims)
            found[study] = ("supported" in verdicts and support_is_false) or (
                "contradicted" in verdicts and contradiction_is_false
            )
    return 100 * float(found.mean())


def verdict_rates(studies: int) -> pd.DataFrame:
    rows = []
    for number, (name, noise) in enumerate(list(NOISES.items())[:5]):
        for expects in ("higher", "lower", "equivalent"):
            row = {"noise": name, "expects": expects}
            for claims in (1, 6):
                drawn = differences(noise, np.random.default_rng([2, number, claims]), studies, claims)
                for d in (-1.0, 0.0, 1.0):
                    words = {-1.0: "-margin", 0.0: "0", 1.0: "+margin"}[d]
                    title = f"d = {words}, {claims} {'claim' if claims == 1 else 'claims'}"
                    row[title] = f"{max(false_verdicts(sd * drawn, expects, d) for sd in SDS):.1f}"
            rows.append(row)
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame) -> str:
    lines = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of intervals and rates of false verdicts, by simulation.")
    parser.add_argument("--quick", action="store_true", help="2,000 studies a figure instead of 20,000")
    studies = 2_000 if parser.parse_args().quick else 20_000
    gc.freeze()  # statsmodels collects garbage after each Holm: leave it little to look through
    error = 1.96 * math.sqrt(0.05 * 0.95 / studies) * 100
    print(f"Coverage of 95 % intervals, in % of {studies:,} studies (± {error:.1f}):\n")
    print(markdown(coverage(studies)))
    print(f"\nStudies with a false verdict at any of the looks {LOOKS}, in % of {studies:,} (± {error:.1f} at 5):\n")
    print(markdown(verdict_rates(studies)))


if __name__ == "__main__":
    main()
