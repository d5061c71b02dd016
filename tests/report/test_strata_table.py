"""The table of contrasts by stratum."""

from pathlib import Path

import pytest
from scipy import stats

from ablate.report.build import compose
from ablate.report.table import Table
from ablate.report.values import text_of
from tests.report.studies import ACCURACY, Levels, grid_results

FACTORS = {"model": ["tree", "net"], "filter": [False, True]}


def value(levels: Levels, seed: int) -> float:
    gain = (0.05 if levels["model"] == "tree" else 0.02) + 0.01 * ((seed * (2 + (levels["model"] == "net"))) % 5) / 5
    return 0.5 + 0.1 * (levels["model"] == "net") + gain * levels["filter"] + 0.001 * seed


def test_each_model_keeps_its_own_seeds() -> None:
    """Three seeds of the net, five of the tree: the main effect is over three, and the table shows both."""
    results = grid_results(FACTORS, value, ACCURACY.name, 5, [ACCURACY])
    results = results.where(~((results.runs["seed"] > 2) & (results.runs["label"].str.contains("net"))))
    report = compose(results, name="s", folder=Path("none"))
    shown = report.tables.strata
    assert isinstance(shown, Table)
    rows = [[text_of(row[key]) for key in ("change", "where", "n", "estimate")] for row in shown.rows]
    assert [row[:3] for row in rows] == [
        ["model: tree → net", "filter=false", "3"],
        ["model: tree → net", "filter=true", "3"],
        ["filter: false → true", "model=tree", "5"],
        ["filter: false → true", "model=net", "3"],
    ]
    arms = [[value({"model": "tree", "filter": on}, seed) for seed in range(5)] for on in (False, True)]
    interval = stats.ttest_rel(arms[1], arms[0]).confidence_interval()
    row = shown.data.iloc[2]
    assert (row["low"], row["high"]) == pytest.approx(tuple(interval))
    assert [text_of(row["p"]) for row in shown.rows] == ["–", "–", "–", "–"]


def test_the_p_value_is_that_of_the_interaction() -> None:
    shown = compose(grid_results(FACTORS, value, ACCURACY.name, 5, [ACCURACY]), name="s", folder=Path("none")).tables.strata
    assert shown is not None
    gains = [[value({"model": m, "filter": True}, s) - value({"model": m, "filter": False}, s) for s in range(5)]
             for m in FACTORS["model"]]  # fmt: skip
    assert shown.data["p_strata"].iloc[2] == pytest.approx(stats.ttest_rel(*gains).pvalue)
    assert [text_of(row["p"]) for row in shown.rows][3] == "–"


def test_one_factor_has_no_strata() -> None:
    results = grid_results({"filter": [False, True]}, lambda levels, seed: 0.1 * seed, ACCURACY.name, 5, [ACCURACY])
    assert compose(results, name="s", folder=Path("none")).tables.strata is None
