"""study.zip: paired levels, by hand and by the real command."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.zipping import Zip, joint_factors
from ablate.engine import design
from ablate.engine.options import StudyOptions
from ablate.engine.overrides import SweptFactor
from ablate.engine.zipping import settled, zips_of
from ablate.report.build import build
from ablate.storage.dataframe import load_results
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")


def swept(**levels: list) -> dict[str, SweptFactor]:
    found = {}
    for key, values in levels.items():
        typed = tuple(map(Level.of, values))
        found[key] = SweptFactor(Factor.of(key, values), {level: f"{key}={level}" for level in typed}, {}, False, typed)
    return found


def zipped(options: dict[str, Any], **levels: list) -> tuple[list[Factor], list[Zip], StudyOptions]:
    given = StudyOptions.of(options)
    zips, _ = zips_of(swept(**levels), given, OmegaConf.create({"taken": 1, **dict.fromkeys(levels, 0)}))
    return joint_factors([each.factor for each in swept(**levels).values()], zips), zips, given


def cells(options: dict[str, Any], **levels: list) -> list[dict[str, Any]]:
    factors, zips, given = zipped(options, **levels)
    design.refuse_too_many(factors, given)
    return [cell.values_by_key for cell in design.cells_by_seed(factors, given, [1], zips)[1]]


def test_designs_combine_the_pairs_with_other_factors() -> None:
    levels = {"a": [1, 2, 3], "x": ["u", "v"], "b": [10, 20, 20]}
    pairs = [(1, 10), (2, 20), (3, 20)]
    product = [{"a": a, "b": b, "x": x} for a, b in pairs for x in ("u", "v")]
    assert cells({"zip": [["a", "b"]], "max_cells": 6}, **levels) == product
    one = cells({"zip": {"ab": ["a", "b"]}, "design": "one_at_a_time", "baseline": {"a": 2}}, **levels)
    assert [(each["a"], each["b"], each["x"]) for each in one] == [(2, 20, "u"), (1, 10, "u"), (3, 20, "u"), (2, 20, "v")]
    kept = cells({"zip": ["a", "b"], "exclude": [{"b": 20, "x": "v"}, {"a+b": "1/10"}]}, **levels)
    assert kept == [{"a": 2, "b": 20, "x": "u"}, {"a": 3, "b": 20, "x": "u"}]
    factors, zips, given = zipped(
        {"zip": [["a", "b"]], "controls": {"a+b": {"3/20": "2/20"}}, "baseline": {"a+b": "3/20"}}, **levels
    )
    assert design.controls_of(factors, given) == {"a+b": [("3/20", "2/20")]}
    baseline = Cell.of({"a": 3, "b": 20, "x": "u"})
    assert design.baseline_cell(factors, [baseline], zips) == baseline


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"zip": [["a", "c"]]}, "study.zip: c has no levels in this sweep; available: a, b."),
        ({"zip": {"taken": ["a", "b"]}}, "study.zip: the configuration has a key 'taken' already; choose another name."),
        ({"zip": [["a", "b"]], "design": "path"}, "study.zip is not for study.design=path: name the factors"),
        ({"zip": [["a"]]}, "study.zip=[['a']]: expected lists of keys"),
        ({"zip": [["a", "b"], ["b", "x"]]}, "expected lists of keys"),
        ({"zip": {"a.b": ["a", "b"]}}, "expected lists of keys"),
        ({"zip": 3}, "study.zip=3: expected lists of keys"),
        ({"zip": [["a", "b"]], "exclude": [{"a": 7}]}, "study.exclude={a: 7}: a has no level 7; available: 1, 2."),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        cells(options, a=[1, 2], b=[1, 2])
    assert said in str(refused.value)


def test_pairs_are_settled_for_a_study() -> None:
    _, zips, _ = zipped({"zip": {"ab": ["a", "b"]}}, a=[1, 2], b=[1, 2])
    assert settled({}, zips) == settled({"ab": ["a", "b"]}, zips) == settled({"ab": ["a", "b"]}, []) == {"ab": ["a", "b"]}
    for before in ({"other": ["a", "b"]}, {"ab": ["b", "a"]}, {"ac": ["a", "c"]}):
        with pytest.raises(UsageError, match=r"pairs keys of this study differently from before \(.*\): choose another"):
            settled(before, zips)


@pytest.mark.slow
def test_a_sweep_of_pairs_is_one_factor_in_the_report(command: Command, tmp_path: Path) -> None:
    claim = "{id: C, says: more, kind: contrast, contrast: {factor: x+rule, from: 1/plus, to: 3/plus}, expects: higher, margin: 0.1}"
    typed = (TRIVIAL, "-m", "x=1,2,3", "rule=plus,minus,plus", "study.zip=[[x,rule]]", "study.seeds=5", "study.name=s")
    answer = command(*typed, f"study.claims=[{claim}]", "study.control=aa")
    assert "20 finished" in answer.stdout  # 3 pairs with 5 seeds, and the baseline again
    study = tmp_path / "outputs" / "s"
    results = load_results(study)
    assert {key: [str(level) for level in factor] for key, factor in results.factors.items()} == {
        "x+rule": ["1/plus", "2/minus", "3/plus"]
    }
    report = build(study)
    assert report.claims.verdicts["verdict"].tolist() == ["supported"]
    assert [run.parent.name.split("-")[0] for run in sorted(study.glob("runs/*/seed=1"))] == [
        "x+rule=1_plus", "x+rule=2_minus", "x+rule=3_plus"
    ]  # fmt: skip
    more = command(
        TRIVIAL, "-m", "x=1,2,3,4", "rule=plus,minus,plus,plus", "study.zip=[[x,rule]]", "study.name=s", "study.seeds=5"
    )
    assert "5 finished, 15 kept" in more.stdout
    assert "3 kept" in command(*typed[:-2], "study.name=s", "seed=1").stdout
    assert "already" not in command(TRIVIAL, "x=1", "study.name=s", "seed=1").stderr  # a single run of a cell
