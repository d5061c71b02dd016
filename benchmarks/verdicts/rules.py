"""The rules of verdicts for many studies at once, those of the first versions beside them, and checks against the library."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ablate.stats.decision_rules import ALPHA, LOOKS, Look, PValues, SequentialDesign, by_family, conclude, p_values, smallest
from benchmarks.verdicts.noise import Numbers

DESIGN = SequentialDesign()


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
