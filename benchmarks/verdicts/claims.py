"""How often claims are decided, rightly and wrongly."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
from scipy import stats

from ablate.stats.decision_rules import ALPHA, LOOKS, SequentialDesign, p_values
from ablate.stats.estimates import error_of_steps
from benchmarks.verdicts.noise import NOISES, differences, normal, one_arm_skewed, percent
from benchmarks.verdicts.rules import DESIGN, check_rules, false_before, false_shown, holm_rejects, old_rule, p_of, shown

MIXED = "higher; three claims at 0, three at +margin"
EXPLORATORY = "higher, exploratory (no adjustment)"
OLD = ("higher", "equivalent")  # what claims could expect in the first versions
SDS = (0.3, 1.0, 3.0)  # of the paired differences, in margins: the worst of the three is shown


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
                    by_steps = np.array([error_of_steps(pd.Series(pairs), 1) for pairs in seen])
                    at_most_one = np.where(np.abs(seen).max(axis=1) <= 1, np.maximum(se, by_steps), se)
                    floor = np.where(np.ptp(seen, axis=1) <= 1, np.maximum(se, 1 / 2), at_most_one)
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
