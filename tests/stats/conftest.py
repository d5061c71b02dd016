"""Studies to judge: frames as `load_runs` gives them, with known values."""

import gc
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate.stats.contrasts import every_contrast
from ablate.stats.estimates import table
from ablate.stats.outcomes import blocks

Value = Callable[[dict[str, Any], int], float]


def study(
    factors: Mapping[str, Sequence[Any]], value: Value, seeds: int | Sequence[int] = 5, metric: str = "accuracy"
) -> pd.DataFrame:
    """Every cell of the factorial under every seed, with `value(levels, seed)`."""
    rows = []
    for seed in range(seeds) if isinstance(seeds, int) else seeds:
        for levels in itertools.product(*factors.values()):
            named = dict(zip(factors, levels, strict=True))
            label = ",".join(f"{key}={level}" for key, level in named.items())
            rows.append(
                {"cell": label, "label": label, "seed": seed, "status": "finished", "error": None, "left_out": None,
                 "directory": f"runs/{label}/seed={seed}", **named, metric: value(named, seed)}
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    for factor in factors:
        frame[factor] = pd.Series([row[factor] for row in rows], dtype=object)
    frame.attrs["factors"] = {factor: list(levels) for factor, levels in factors.items()}
    return frame


def noise(scale: float, number: int = 0) -> Value:
    """Normal noise that is the same for the same levels and seed, whichever are asked first."""

    def draw(levels: dict[str, Any], seed: int) -> float:
        key = [number, seed, *(byte for byte in repr(sorted(levels.items(), key=str)).encode())]
        return float(np.random.default_rng(key).normal(0, scale))

    return draw


def contrast_table(runs: pd.DataFrame, metric: str, scale: str = "difference", pooled: bool = True) -> pd.DataFrame:
    """The table of every contrast of some runs."""
    return table(every_contrast(blocks(runs, metric), scale, pooled))


@pytest.fixture(autouse=True, scope="session")
def little_garbage() -> Iterator[None]:
    """statsmodels collects garbage in each Holm, 50 ms if it has to look through all that is loaded."""
    gc.freeze()
    yield
    gc.unfreeze()
