"""Overrides of a sweep become factors with typed levels, in one place."""

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from ablate.core.errors import UsageError
from ablate.engine.overrides import SweptFactor, as_typed, parse, refuse_non_factors, refuse_repeated
from tests.conftest import APPS


@pytest.fixture
def loader() -> Iterator[Any]:
    with initialize_config_dir(str(APPS / "conf"), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def factor(loader: Any, argument: str) -> SweptFactor:
    (override,) = parse(loader, [argument])
    return SweptFactor.of(override)


@pytest.mark.parametrize(
    ("typed", "levels"),
    [
        ("a=1,null,true,true", [1, None, True]),
        ("b=range(1,4)", [1, 2, 3]),
        ("c=choice(x,y)", ["x", "y"]),
        ("+d=[],[4],['x']", [[], [4], ["x"]]),
        ("e={x:1},{y:'2'}", [{"x": 1}, {"y": "2"}]),
        ("f=1.0,0.5,1.00,2", [1, 0.5, 2]),
        ("g=1,true", [1, True]),
        ("h='a,b',c", ["a,b", "c"]),
        ("rule=glob(*,exclude=n*)", ["minus", "plus"]),
    ],
)
def test_levels_are_read_as_hydra_reads_them(loader: Any, typed: str, levels: list) -> None:
    read = factor(loader, typed)
    assert [level.value for level in read.factor] == levels
    assert len(read.overrides) == len(levels)


def test_each_level_keeps_the_value_that_hydra_parses(loader: Any) -> None:
    values = list(factor(loader, "f=1.0,0.5,2,'3'").values.values())
    assert [repr(value) for value in values] == ["1.0", "0.5", "2", "'3'"]


def test_each_level_keeps_the_override_that_asks_for_it(loader: Any) -> None:
    assert list(factor(loader, "+a=1,'x y'").overrides.values()) == ["+a=1", "+a='x y'"]
    (fixed,) = parse(loader, ["++a.b={c: 1}"])
    assert as_typed(fixed) == "++a.b={c:1}"
    (deleted,) = parse(loader, ["~a"])
    assert as_typed(deleted) == "~a"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("x=0,'0'", "x=0 and x='0' have the same text but different types; keep one of them."),
        ("x=1,1.0", "x=1 and x=1.0 have the same text but different types; keep one of them."),
        ("x=[1],[1.0]", "x=[1] and x=[1.0] have the same text but different types; keep one of them."),
        ("x=true,'true'", "x=True and x='true' have the same text but different types; keep one of them."),
        ("x=0,nan", "x=nan: NaN is not a valid level; use null for a component that is off."),
        ("x=interval(0,1)", "x=interval(0,1): an interval cannot be swept; list the levels, or use range(start,stop,step)."),
        ("hydra.job.name=a,b", "hydra.job.name=a,b: Hydra's own keys cannot be factors; give it one value."),
    ],
)
def test_levels_that_cannot_be_told_apart_or_listed_are_refused(loader: Any, typed: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        factor(loader, typed)
    assert str(caught.value) == message


def test_a_key_given_twice_is_refused(loader: Any) -> None:
    with pytest.raises(UsageError, match="x is given twice: write its levels once, as x=a,b."):
        refuse_repeated(parse(loader, ["x=1", "x=2"]))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("study=a,b", "study=a,b: one study at a time."),
        ("study.seeds=1,2", "study.seeds=1,2: study.seeds cannot be a factor; write study.seeds=[1,2]."),
        ("study.retries=1,2", "study.retries=1,2: study.retries cannot be a factor; give it one value."),
        ("+logger=a,b", "logger=a,b: logger cannot be a factor; give it one value."),
    ],
)
def test_what_is_no_part_of_an_experiment_is_no_factor(loader: Any, typed: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_non_factors(parse(loader, [typed]), ["study", "seed", "hydra", "logger"])
    assert str(caught.value) == message
    refuse_non_factors(parse(loader, ["+logger=a,b"]), ["study"])  # a program's own key of that name
