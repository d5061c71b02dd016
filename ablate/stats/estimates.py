"""An estimate with its uncertainty over seeds, and the table of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ablate.stats.outcomes import word, words


@dataclass(frozen=True)
class Change:
    """A factor taken from one level to another."""

    factor: str
    start: Any
    end: Any

    def __str__(self) -> str:
        return f"{self.factor}: {word(self.start)} → {word(self.end)}"


@dataclass(frozen=True)
class Estimate:
    """A contrast, or a mean, with its uncertainty over seeds. On the scale `ratio`, all numbers are natural logarithms.

    `by_seed` holds the value of each complete seed. `strata` are the levels of the other factors over which the contrast
    is averaged; `inert` those that were left out since the factor does nothing there; `missing` those of `strata` where
    no seed is complete. `identical`: in every pair both runs have the very same value.
    """

    kind: str
    changes: tuple[Change, ...]
    by_seed: pd.Series
    se: float
    df: float
    where: Mapping[str, Any]
    strata: Sequence[Mapping[str, Any]] = ()
    inert: Sequence[Mapping[str, Any]] = ()
    missing: Sequence[Mapping[str, Any]] = ()
    identical: bool = False
    scale: str = "difference"
    note: str = ""

    @property
    def n(self) -> int:
        return len(self.by_seed)

    @property
    def estimate(self) -> float:
        return float(self.by_seed.mean()) if self.n else np.nan

    @property
    def changes_nothing(self) -> bool:
        """Both levels build the same experiment, wherever they were run."""
        return bool(self.inert) and not self.strata

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """estimate ± t(df) se; NaN where there is no standard error."""
        half = stats.t.ppf((1 + confidence) / 2, self.df) * self.se if self.df > 0 else np.nan
        return self.estimate - half, self.estimate + half

    def row(self, confidence: float = 0.95) -> dict[str, Any]:
        """A row of a table: a ratio as a ratio, but its `se` that of the logarithm."""
        low, high = self.interval(confidence)
        numbers = {"estimate": self.estimate, "low": low, "high": high}
        if self.scale == "ratio":
            numbers = {name: float(np.exp(number)) for name, number in numbers.items()}
        return {
            "kind": self.kind,
            "factor": " × ".join(change.factor for change in self.changes),
            "from": _one([change.start for change in self.changes]),
            "to": _one([change.end for change in self.changes]),
            "where": words(self.where),
            "strata": [words(stratum) for stratum in self.strata],
            "inert": [words(stratum) for stratum in self.inert],
            "missing": [words(stratum) for stratum in self.missing],
            "scale": self.scale,
            "n": self.n,
            **numbers,
            "se": self.se,
            "df": self.df,
            "note": self.note,
        }


def student(by_seed: pd.Series) -> tuple[float, float]:
    """Standard error of the mean and its degrees of freedom: sd / sqrt(n), n - 1. Without two seeds NaN and 0."""
    n = len(by_seed)
    return (float(by_seed.std(ddof=1)) / np.sqrt(n), n - 1.0) if n > 1 else (np.nan, 0.0)


def table(found: Iterable[Estimate], confidence: float = 0.95) -> pd.DataFrame:
    """One row an estimate: what it is, over which strata, and n (seeds), estimate, low, high, se, df."""
    return pd.DataFrame([estimate.row(confidence) for estimate in found])


def _one(levels: Sequence[Any]) -> Any:
    return levels[0] if len(levels) == 1 else ", ".join(word(level) for level in levels)
