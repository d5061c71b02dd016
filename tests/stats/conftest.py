"""Studies with known values: plain rows in a frame, and the StudyResults of such rows."""

import gc
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ablate.core.levels import Factor, Level
from ablate.core.metrics import Metrics, MetricSpec
from ablate.stats.contrasts import every_contrast
from ablate.stats.estimates import table
from ablate.stats.outcomes import Outcomes
from ablate.storage.manifest import StudyManifest
from ablate.storage.results import RUN_COLUMNS, StudyResults

Value = Callable[[dict[str, Any], int], float]


def study(
    factors: Mapping[str, Sequence[Any]], value: Value, seeds: int | Sequence[Any] = 5, metric: str = "accuracy"
) -> pd.DataFrame:
    """Plain rows: every cell of the factorial under every seed, with `value(levels, seed)`."""
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
    return frame


def results_of(
    rows: pd.DataFrame,
    *,
    factors: Mapping[str, Sequence[Any]] | None = None,
    metrics: Iterable[MetricSpec] = (),
    facts: Mapping[str, Any] | None = None,
    seeds: Sequence[Any] = (),
    **manifest: Any,
) -> StudyResults:
    """The results that these rows are: a column of numbers is a metric, any other one but RUN_COLUMNS a factor.

    The levels of a factor stand in the order of their first row, unless `factors` has them.
    """
    others = [name for name in rows if name not in RUN_COLUMNS]
    numbers = [name for name in others if is_numeric_dtype(rows[name]) and not is_bool_dtype(rows[name])]
    numbers = [name for name in numbers if factors is None or name not in factors]
    factors = {name: list(rows[name]) for name in others if name not in numbers} if factors is None else factors
    blank: dict[str, Any] = {name: rows["directory"] if name in ("cell", "label") else None for name in RUN_COLUMNS}
    return StudyResults(
        runs=rows.assign(**{name: value for name, value in blank.items() if name not in rows})[list(RUN_COLUMNS)],
        levels=pd.DataFrame({key: rows[key].map(Level.of) for key in factors}, index=rows.index, dtype=object),
        values=rows[numbers].astype(float),
        factors={key: Factor.of(key, levels) for key, levels in factors.items()},
        facts={key: Level.of(level) for key, level in (facts or {}).items()},
        seeds=tuple(seeds),
        metrics=Metrics({spec.name: spec for spec in metrics}),
        manifest=StudyManifest.model_validate(manifest),
    )


def outcomes(rows: pd.DataFrame, metric: str = "accuracy", **known: Any) -> Outcomes:
    """The outcomes of these rows; what is `known` beside them as in `results_of`."""
    return Outcomes.of(results_of(rows, **known), metric)


def noise(scale: float, number: int = 0) -> Value:
    """Normal noise that is the same for the same levels and seed, whichever are asked first."""

    def draw(levels: dict[str, Any], seed: int) -> float:
        key = [number, seed, *(byte for byte in repr(sorted(levels.items(), key=str)).encode())]
        return float(np.random.default_rng(key).normal(0, scale))

    return draw


def contrast_table(rows: pd.DataFrame, metric: str = "accuracy", **known: Any) -> pd.DataFrame:
    """The table of every contrast of some rows."""
    return table(every_contrast(outcomes(rows, metric, **known)))


@pytest.fixture(autouse=True, scope="session")
def little_garbage() -> Iterator[None]:
    """statsmodels collects garbage in each Holm, 50 ms if it has to look through all that is loaded."""
    gc.freeze()
    yield
    gc.unfreeze()
